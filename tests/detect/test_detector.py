import dataclasses
import os
import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.detect import Detector, detector_dir, front_end
from ser.detect.outliers import input_statistics
from ser.errors import SerError


@pytest.fixture(scope="module")
def detector(toy_run) -> Detector:
    return Detector.load(toy_run.exp)


@pytest.fixture
def model(toy_run, tmp_path: Path) -> Path:
    """A copy of the detector, elsewhere."""
    return Path(shutil.copytree(toy_run.detector, tmp_path / "elsewhere" / "model"))


def best(found) -> str:
    return max(found.posteriors, key=found.posteriors.get)


def test_planted_emotions_are_found(detector, say):
    names = ("anger", "neutral", "sadness")
    assert sum(best(detector(say(name, seed))) == name for name in names for seed in range(900, 905)) >= 11


def test_speech_of_the_same_kind_is_near(detector, say):
    found = [detector(say(name, seed)) for name in ("anger", "neutral", "sadness") for seed in range(900, 906)]
    assert sum(detection.distance > 1 for detection in found) <= 2


@pytest.mark.parametrize("kind", ["tone", "chord", "noise"])
def test_sound_that_is_no_speech_is_unknown_whole_and_in_windows(detector, tmp_path: Path, kind):
    time = np.arange(4 * 16000) / 16000
    tones = {"tone": [440], "chord": [220, 277, 330], "noise": []}[kind]
    wave = sum(
        (np.sin(2 * np.pi * hertz * time) for hertz in tones), 0.01 * np.random.default_rng(0).normal(size=64000)
    )
    soundfile.write(tmp_path / "sound.wav", 0.1 * wave / np.abs(wave).max(), 16000)
    for found in [detector(tmp_path / "sound.wav"), *detector.windows(tmp_path / "sound.wav", 2.0, 1.0)]:
        assert found.emotion == "unknown" and found.distance > 1, found


def test_class_added_by_examples_is_found(detector, say):
    added = detector.enrol("boredom", [say("boredom", seed) for seed in (800, 801, 802)])
    assert added.classes == (*detector.classes, "boredom")
    assert [best(added(say("boredom", seed))) for seed in range(803, 809)].count("boredom") >= 5
    assert best(added(say("anger", 900))) == "anger"
    for name in ("anger", "unknown", "two words", ""):
        with pytest.raises(SerError, match=f"class '{name}' cannot be added"):
            detector.enrol(name, [say("boredom", 800)])


def test_copied_folder_gives_the_same(detector, model, say):
    clip = say("neutral", 1)
    assert Detector.load(model)(clip) == detector(clip)
    assert all(b"/" not in path.read_bytes() for path in model.rglob("*.yaml"))


def test_stereo_at_44_khz_is_as_mono_at_16_khz(detector, say, tmp_path: Path):
    wave, rate = soundfile.read(say("anger", 3), dtype="float32")
    import soxr

    high = soxr.resample(wave, rate, 44100)
    soundfile.write(tmp_path / "stereo.wav", np.stack([high, high], axis=1), 44100, subtype="FLOAT")
    one, other = detector(say("anger", 3)), detector(tmp_path / "stereo.wav")
    assert other.posteriors == pytest.approx(one.posteriors, abs=0.05)
    assert other.end == one.end and other.emotion == one.emotion


def test_a_window_is_an_utterance_of_its_voiced_frames(detector, say, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(front_end, "BLOCK_FRAMES", 400)
    monkeypatch.setattr(front_end, "MARGIN_FRAMES", 200)
    waves = [soundfile.read(say(name, 5), dtype="float32")[0] for name in ("anger", "sadness", "neutral", "anger")]
    pause = np.zeros(16000 * 3, np.float32)
    soundfile.write(tmp_path / "long.wav", np.concatenate([*waves, pause, *waves]), 16000, subtype="FLOAT")
    found = list(detector.windows(tmp_path / "long.wav", window=2.0, hop=0.7))
    assert [each.start for each in found] == pytest.approx(np.arange(len(found)) * 0.7)
    assert found[0].start == 0 and found[-1].end == 23.0 and found[-2].end < 23.0
    assert all(after.start < before.end for before, after in pairwise(found))
    blocks = list(detector._blocks(tmp_path / "long.wav"))
    assert len(blocks) > 3
    voiced, features = np.concatenate([b.voiced for b in blocks]), np.vstack([b.features for b in blocks])
    for each in found:
        inside = (voiced >= round(100 * each.start)) & (voiced < round(100 * each.end))
        assert each.speech == pytest.approx(inside.sum() / 100)
        if inside.sum() < 25:
            assert each.emotion is None and "0.25 s needed" in each.problem
            continue
        inputs = detector.inputs.scores(input_statistics(features[inside])[None])
        (one,) = detector.deciders["speech"].decide(detector.net(features[inside])[None], distances=inputs)
        assert each.emotion == one.emotion and each.posteriors == pytest.approx(one.posteriors, abs=1e-4)
        assert each.distance == pytest.approx(one.distance, rel=1e-4)
    assert any(each.emotion is None for each in found)


def test_windows_of_a_short_recording_are_one(detector, say):
    (window,) = detector.windows(say("anger", 2), window=10.0, hop=1.0)
    whole = detector(say("anger", 2))
    assert window == dataclasses.replace(whole, posteriors=window.posteriors, distance=window.distance)
    assert window.distance == pytest.approx(whole.distance, abs=1e-5)
    assert window.posteriors == pytest.approx(whole.posteriors, abs=1e-5)
    with pytest.raises(SerError, match=r"window=0\.1"):
        list(detector.windows(say("anger", 2), window=0.1))


def test_memory_does_not_grow_with_the_recording(detector, say, tmp_path: Path, monkeypatch):
    import tracemalloc

    monkeypatch.setattr(front_end, "BLOCK_FRAMES", 500)
    wave = soundfile.read(say("anger", 4), dtype="int16")[0]
    peaks = []
    for copies in (12, 48):
        soundfile.write(tmp_path / "long.wav", np.tile(wave, copies), 16000)
        tracemalloc.start()
        count = sum(1 for _ in detector.windows(tmp_path / "long.wav", 3.0, 1.0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == 1 + -(-(2.5 * copies - 3) // 1)
    assert peaks[1] < 1.2 * peaks[0]


def test_too_little_speech_is_named(detector, tmp_path: Path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(32000), 16000)
    with pytest.raises(SerError, match=r"silent\.wav: 0\.00 s of speech found, 0\.25 s needed"):
        detector(tmp_path / "silent.wav")
    soundfile.write(tmp_path / "short.wav", np.ones(50) / 2, 16000)
    with pytest.raises(SerError, match=r"short\.wav: too short for one frame"):
        detector(tmp_path / "short.wav")


@pytest.mark.parametrize(
    "name", ["net.safetensors", "outliers.ark", "speech/plda", "speech/calibration.yaml", "mfcc.conf"]
)
def test_damage_is_refused_by_name(model, name):
    data = bytearray((model / name).read_bytes())
    data[len(data) // 2] ^= 1
    (model / name).write_bytes(data)
    with pytest.raises(SerError, match=f"model/{name}: changed or damaged.*copy the folder again"):
        Detector.load(model)
    (model / name).unlink()
    with pytest.raises(SerError, match=f"model/{name}: missing, but listed in files.sha256"):
        Detector.load(model)


def test_a_file_too_many_is_refused_by_name(model):
    (model / "speech" / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(SerError, match=r"speech/model\.pkl: not listed in files\.sha256"):
        Detector.load(model)


def test_broken_manifest_and_other_folders_are_refused(model, tmp_path: Path):
    manifest = model / detector_dir.MANIFEST
    manifest.write_text(manifest.read_text() + "rubbish\n")
    with pytest.raises(SerError, match=r"files\.sha256:\d+: expected '<sha256>  <file>', found 'rubbish'"):
        Detector.load(model)
    manifest.unlink()
    with pytest.raises(SerError, match="no detector: neither"):
        Detector.load(model)
    with pytest.raises(SerError, match="absent: no such folder"):
        Detector.load(tmp_path / "absent")


@pytest.mark.parametrize("name", ["../evil.yaml", "/etc/passwd", "speech/../../evil.yaml"])
def test_manifest_that_names_files_elsewhere_is_refused(model, name):
    (model.parent / "evil.yaml").write_text("x: 1\n")
    manifest = model / detector_dir.MANIFEST
    manifest.write_text(manifest.read_text() + f"{'0' * 64}  {name}\n")
    with pytest.raises(SerError, match="missing, but listed"):
        Detector.load(model)


@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "pipe"])
def test_links_and_pipes_are_refused_unread(model, kind):
    path = model / "speech" / "calibration.yaml"
    path.rename(model.parent / "calibration.yaml")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a file":
        path.symlink_to(model.parent / "calibration.yaml")
    else:
        path = (model / "speech").rename(model.parent / "speech")
        (path := model / "speech").symlink_to(model.parent / "speech")
    with pytest.raises(SerError, match=f"{path.name}: a link or a special file"):
        Detector.load(model)


def rewrite(model: Path, name: str, old: str, new: str) -> None:
    """Change a file, and the manifest with it, as someone would who means harm."""
    text = (model / name).read_text()
    assert old in text
    (model / name).write_text(text.replace(old, new))
    detector_dir.write_manifest(model)


def test_settings_of_another_version_or_kind_are_refused(model):
    rewrite(model, "detector.yaml", "format: 3", "format: 4")
    with pytest.raises(SerError, match=r"detector\.yaml: format 4; this version reads 3"):
        Detector.load(model)
    rewrite(model, "detector.yaml", "format: 4", "run: !!python/object/apply:os.system [id]\nformat: 3")
    with pytest.raises(SerError, match=r"detector\.yaml: not YAML"):
        Detector.load(model)


@pytest.mark.parametrize(("name", "text"), [
    ("config.json", '{"model_type": "x", "auto_map": {"AutoModel": "evil.Model"}}'),
    ("tokenizer_config.json", '{"auto_map": {"AutoTokenizer": ["evil.Tokenizer", null]}}'),
    ("config.json", "[" * 100_000),
    ("pytorch_model.bin", "PK"),
    ("modeling_evil.py", "print('run')"),
    ("adapter_config.json", "{}"),
])  # fmt: skip
def test_text_encoder_that_could_run_code_is_refused(model, name, text):
    (model / "text").mkdir()
    (model / "text" / name).write_text(text)
    detector_dir.write_manifest(model)
    with pytest.raises(SerError, match=f"text/{name}: "):
        Detector.load(model)


@pytest.mark.parametrize(("window", "hop"), [(float("inf"), 1), (1, float("nan")), (1e300, 1), (1, -1), (-2, 1)])
def test_windows_of_no_length_are_refused(detector, tmp_path: Path, window, hop):
    with pytest.raises(SerError, match=re.escape(f"window={window}, hop={hop}: expected at least")):
        list(detector.windows(tmp_path / "any.wav", window, hop))


def test_calibration_that_is_no_number_is_refused(model):
    rewrite(model, "speech/calibration.yaml", "threshold: ", "threshold: .nan #")
    with pytest.raises(SerError, match=r"calibration\.yaml: .*all of them finite"):
        Detector.load(model)


def test_text_for_a_model_of_speech_alone_is_refused(detector, say):
    with pytest.raises(SerError, match="this model takes speech only"):
        detector(say("anger", 1), text="hello")


def test_description_says_what_it_was_made_of(detector):
    assert (detector.description.condition, detector.description.layer) == ("none", "tdnn6")
