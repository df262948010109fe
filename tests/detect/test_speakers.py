"""Known speakers: means by hand, and a detector that takes them off."""

from pathlib import Path

import numpy as np
import pytest

from ser.backend.speaker_normalisation import SpeakerNormalisation
from ser.detect import Detector
from ser.detect.speakers import means_of, read_speakers
from ser.errors import SerError

EMOTIONS = ("anger", "neutral", "sadness")


@pytest.fixture(scope="module")
def detector(toy_run) -> Detector:
    return Detector.load(toy_run.exp)


def test_a_mean_is_over_the_recordings_of_a_speaker_who_has_two():
    vectors = {Path(name): np.array([value, 1.0]) for name, value in (("a", 1.0), ("b", 3.0), ("c", 8.0), ("d", 11.0))}
    speaker_of = dict(zip(vectors, ["x", "x", "y", "x"], strict=True))
    found = means_of("speech", vectors, speaker_of, SpeakerNormalisation.parse("all"))
    assert {str(file) for file in found} == {"a", "b", "d"}
    np.testing.assert_allclose(found[Path("a")].means["speech"], [5.0, 1.0])
    first = means_of("speech", vectors, speaker_of, SpeakerNormalisation.parse("first 2"))
    np.testing.assert_allclose(first[Path("d")].means["speech"], [2.0, 1.0])


def test_the_mean_of_a_speakers_recordings_is_taken_off_and_the_distance_stays(detector, say):
    clips = [say(name, seed) for name in EMOTIONS for seed in (900, 901)]
    alone = say("anger", 902)
    known = detector.with_speakers({clip: "one" for clip in clips} | {alone: "two"})
    heard = [detector.embed(clip) for clip in clips]
    vectors, inputs = np.array([one.vector for one in heard]), np.array([one.inputs for one in heard])
    mean = vectors.mean(axis=0, dtype=np.float64)
    expected = detector.by_speaker["speech"].decide(vectors, mean, detector.inputs.scores(inputs))
    for clip, decision in zip(clips, expected, strict=True):
        found = known(clip)
        assert found.speaker == "one" and found.emotion == decision.emotion
        assert found.posteriors == pytest.approx(decision.posteriors)
        assert found.distance == detector(clip).distance
        (window,) = known.windows(clip, window=60)
        assert window.posteriors == pytest.approx(found.posteriors, abs=1e-4)
    assert known(alone) == detector(alone) and known(alone).speaker is None
    names = [max(found.posteriors, key=found.posteriors.get) for found in map(known, clips)]
    assert sum(name in str(clip) for name, clip in zip(names, clips, strict=True)) >= 5


def test_a_detector_with_an_added_class_has_no_back_end_for_speakers(detector, say):
    added = detector.enrol("boredom", [say("boredom", 800)])
    with pytest.raises(SerError, match="no back end for known speakers: make it again"):
        added.with_speakers({say("anger", 900): "one"})


def test_speakers_are_read_by_path_name_or_stem(tmp_path):
    files = [Path("x/a.wav"), Path("x/b.wav")]
    (tmp_path / "map").write_text("a.wav\tAnn Lee\nx/b one\n")
    assert read_speakers(tmp_path / "map", files) == {files[0]: "Ann Lee", files[1]: "one"}
    (tmp_path / "map").write_text("a.wav\n")
    with pytest.raises(SerError, match=r"no speaker after x/a\.wav; leave out"):
        read_speakers(tmp_path / "map", files)
    (tmp_path / "map").write_text("a one\na two\n")
    with pytest.raises(SerError, match=r"map:2: x/a\.wav is in line 1 too, with different speaker"):
        read_speakers(tmp_path / "map", files)
