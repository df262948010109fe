import shutil
import sys
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest

from ser.bin import extract_online_ivectors, make_histories, train_ivector_extractor, train_ubm
from ser.errors import SerError
from ser.kaldi import ark, tables

OWN = Path("tests/kaldi_reference/ivector")
SMALL = [
    "front_end.left_context=1", "front_end.right_context=1", "front_end.dim=6", "ubm.num_gaussians=4",
    "ubm.num_initial=2", "ubm.init_iterations=6", "extractor.ivector_dim=3", "extractor.min_count=5",
    "extraction.max_count=50",
]  # fmt: skip
SETTINGS = ["--config", "conf/toy/asr_tdnn/ivector.yaml", *(word for setting in SMALL for word in ("--set", setting))]


def run(command: ModuleType, *arguments: object) -> None:
    with mock.patch.object(sys, "argv", [command.__name__, *map(str, arguments)]):
        command.main()


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    """Features of 4 speakers, 3 utterances each: frames of 3 sounds, moved by the speaker."""
    folder, rng = tmp_path_factory.mktemp("speech"), np.random.default_rng(0)
    sounds = rng.normal(size=(3, 5)) * 3
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp") as writer:
        for speaker in range(4):
            moved = rng.normal(size=5)
            for utt in range(3):
                frames = sounds[np.repeat(rng.integers(3, size=30), 5)] + moved + rng.normal(size=(150, 5))
                writer.write(f"s{speaker}-{utt}", frames.astype(np.float32))
    tables.write_lists(folder / "spk2utt", {f"s{s}": [f"s{s}-{u}" for u in range(3)] for s in range(4)})
    return folder


@pytest.fixture(scope="module")
def trained(speech) -> Path:
    for command in (train_ubm, train_ivector_extractor):
        run(command, *SETTINGS, f"scp:{speech}/feats.scp", speech / "extractor")
    return speech / "extractor"


def extract(extractor: Path, speakers: str, features: str, out: Path, *more: object) -> dict[str, np.ndarray]:
    run(extract_online_ivectors, "--config", extractor / "online.conf", *more, speakers, features, f"ark:{out}")
    return ark.load(f"ark:{out}")


def test_trained_extractor_tells_speakers_apart(speech, trained, tmp_path):
    found = extract(trained, f"ark:{speech}/spk2utt", f"scp:{speech}/feats.scp", tmp_path / "out")
    assert {matrix.shape for matrix in found.values()} == {(15, 3)}
    last = np.array([[found[f"s{speaker}-{utt}"][-1] for utt in range(3)] for speaker in range(4)])
    assert last.var(axis=1).mean() < 0.5 * last.mean(axis=1).var(axis=0).mean()


def test_training_again_gives_the_same_files(speech, trained, tmp_path):
    for command in (train_ubm, train_ivector_extractor):
        run(command, *SETTINGS, f"scp:{speech}/feats.scp", tmp_path)
    for name in ("final.dubm", "final.ie", "final.mat", "global_cmvn.stats", "online.conf"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()
    assert "--max-count=50\n" in (tmp_path / "online.conf").read_text()


def test_history_goes_on_over_a_speakers_utterances(speech, trained, tmp_path):
    features = f"scp:{speech}/feats.scp"
    (tmp_path / "own").write_text("".join(f"{utt} {utt}\n" for utt in ark.load(features)))
    alone = extract(trained, f"ark:{tmp_path}/own", features, tmp_path / "alone")
    together = extract(trained, f"ark:{speech}/spk2utt", features, tmp_path / "together")
    np.testing.assert_array_equal(alone["s1-0"], together["s1-0"])
    assert np.abs(alone["s1-1"][0] - together["s1-1"][0]).max() > 0.1


def test_kaldis_extractor_is_taken_as_it_is(reference_features, tmp_path):
    folder = reference_features
    found = extract(OWN, f"ark:{folder}/spk2utt", f"ark:{folder}/feats.ark", tmp_path / "out")
    for utt, expected in ark.load(f"ark:{folder}/online_ivectors.ark").items():
        np.testing.assert_allclose(found[utt], expected, rtol=0, atol=2e-5)


@pytest.fixture
def reference_features() -> Path:
    folder = Path("../shared/kaldi_reference/ivector")
    if not folder.exists():
        pytest.skip("no ../shared/kaldi_reference")
    return folder


def test_utterances_that_cannot_be_used_are_named_and_counted(speech, trained, tmp_path):
    features = ark.load(f"scp:{speech}/feats.scp")
    features["s0-1"][7, 2] = np.nan
    features["s2-0"] = features["s2-0"][:, :4]
    del features["s3-2"]
    with ark.Writer(f"ark:{tmp_path}/feats") as writer:
        for key, matrix in features.items():
            writer.write(key, matrix)
    tables_of = (trained, f"ark:{speech}/spk2utt", f"ark:{tmp_path}/feats", tmp_path / "out")
    with pytest.raises(SerError, match=r"3 of 12 utterances cannot be used, over the 5 % .*first in frame 7"):
        extract(*tables_of)
    found = extract(*tables_of, "--max-left-out", 0.3, "--left-out", tmp_path / "list")
    assert len(found) == 9
    reasons = tables.read_map(tmp_path / "list")
    assert "(150, 4); expected 5 a frame" in reasons["s2-0"]
    assert "nothing for 's3-2'" in reasons["s3-2"]


def test_training_data_that_do_not_fit_are_refused(speech, trained, tmp_path):
    with ark.Writer(f"ark:{tmp_path}/feats") as writer:
        writer.write("a", np.ones((30, 5), np.float32))
        writer.write("b", np.ones((30, 4), np.float32))
    with pytest.raises(SerError, match="'b' has 4 features per frame, earlier utterances 5"):
        run(train_ubm, *SETTINGS, f"ark:{tmp_path}/feats", tmp_path / "x")
    with ark.Writer(f"ark:{tmp_path}/feats") as writer:
        writer.write("a", np.array([[1.0] * 5] * 7 + [[1, 1, 1, 1, np.nan]], np.float32))
    with pytest.raises(SerError, match=r"'a': frame 7 \(from 0\) holds nan"):
        run(train_ubm, *SETTINGS, f"ark:{tmp_path}/feats", tmp_path / "x")
    few = ["--set", "ubm.num_gaussians=500", f"scp:{speech}/feats.scp", tmp_path / "x"]
    with pytest.raises(SerError, match="1800 frames are too few for 500 Gaussians; give 5000 or more"):
        run(train_ubm, *SETTINGS, *few)
    with pytest.raises(SerError, match="front_end: dim=99 of 15 spliced features"):
        run(train_ubm, *SETTINGS, "--set", "front_end.dim=99", f"scp:{speech}/feats.scp", tmp_path / "x")
    shutil.copytree(trained, tmp_path / "y")
    (tmp_path / "y/final.dubm").unlink()
    with pytest.raises(SerError, match=r"final\.dubm: cannot be read"):
        run(train_ivector_extractor, *SETTINGS, f"scp:{speech}/feats.scp", tmp_path / "y")


def test_damaged_extractor_is_named(speech, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "x")
    whole = (trained / "final.ie").read_bytes()
    (tmp_path / "x/final.ie").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SerError, match=r"final\.ie: byte \d+: .*the file is broken"):
        extract(tmp_path / "x", f"ark:{speech}/spk2utt", f"scp:{speech}/feats.scp", tmp_path / "out")


def test_utterance_of_two_speakers_is_refused(speech, trained, tmp_path):
    (tmp_path / "spk2utt").write_text("a s0-0 s0-1\nb s0-1\n")
    with pytest.raises(SerError, match="'s0-1' comes twice, the second time of 'b'"):
        extract(trained, f"ark:{tmp_path}/spk2utt", f"scp:{speech}/feats.scp", tmp_path / "out")


def test_histories_are_those_that_are_asked_for(tmp_path):
    tables.write_map(tmp_path / "utt2spk", {f"{s}-{n}": s for s in "ab" for n in range(3)})
    tables.write_map(tmp_path / "utt2dialogue", {f"{s}-{n}": f"d{n // 2}" for s in "ab" for n in range(3)})
    expected = {
        "utterance": [["a-0"], ["a-1"], ["a-2"], ["b-0"], ["b-1"], ["b-2"]],
        "dialogue": [["a-0", "a-1"], ["b-0", "b-1"], ["a-2"], ["b-2"]],
        "speaker": [["a-0", "a-1", "a-2"], ["b-0", "b-1", "b-2"]],
        "2": [["a-0", "a-1"], ["a-2"], ["b-0", "b-1"], ["b-2"]],
    }
    for history, lists in expected.items():
        run(make_histories, "--history", history, tmp_path, tmp_path / "out")
        assert list(tables.read_lists(tmp_path / "out").values()) == lists
    tables.write_map(tmp_path / "utt2start", {f"{s}-{n}": f"{9 - n}.5" for s in "ab" for n in range(3)})
    run(make_histories, "--history", "dialogue", tmp_path, tmp_path / "out")
    assert tables.read_lists(tmp_path / "out")["d0_a"] == ["a-1", "a-0"]
    with pytest.raises(SerError, match="--history 0: expected utterance, dialogue, speaker or a number"):
        run(make_histories, "--history", "0", tmp_path, tmp_path / "out")
    tables.write_map(tmp_path / "utt2dialogue", {"a-0": "d"})
    with pytest.raises(SerError, match="utt2dialogue: nothing for 5 utterances, such as a-1"):
        run(make_histories, "--history", "dialogue", tmp_path, tmp_path / "out")
