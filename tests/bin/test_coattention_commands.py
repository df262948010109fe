"""train_coattention and apply_coattention on four classes of which speech tells two apart, and text the other two."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ark, tables

CONFIG = "conf/toy/coattention/fusion.yaml"
CLASSES = ("anger", "happiness", "neutral", "sadness")


@pytest.fixture
def call(monkeypatch):
    def run(command: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
        importlib.import_module(f"ser.bin.{command}").main()

    return run


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """One row of each sequence tells: of speech whether the class is of the first two, of text whether it is odd."""
    folder = tmp_path_factory.mktemp("coattention")
    rng = np.random.default_rng(0)
    tables.write_map(folder / "map", {name: name for name in CLASSES})
    sequences: dict[str, dict[str, np.ndarray]] = {"speech": {}, "text": {}}
    for part, size in (("train", 240), ("valid", 60), ("test", 60)):
        utt2emo = {}
        for number in range(size):
            utt, label = f"{part}-{number:03}", number % 4
            utt2emo[utt] = CLASSES[label]
            for name, side in (("speech", label // 2), ("text", label % 2)):
                rows = rng.standard_normal((rng.integers(3, 7), 6)).astype(np.float32)
                rows[rng.integers(len(rows)), :2] = (4, 8 * side - 4)
                sequences[name][utt] = rows
        (folder / part).mkdir()
        tables.write_map(folder / part / "utt2emo", utt2emo)
        tables.write_map(folder / part / "utt2spk", dict.fromkeys(utt2emo, part))
    for name, matrices in sequences.items():
        with ark.Writer(f"ark,scp:{folder}/{name}.ark,{folder}/{name}.scp") as writer:
            for utt, rows in matrices.items():
                writer.write(utt, rows)
    return folder


def accuracy(data: Path, posteriors: Path) -> float:
    truth = tables.read_map(data / "test" / "utt2emo")
    found = ark.load(f"scp:{posteriors}")
    assert found.keys() == truth.keys()
    np.testing.assert_allclose([row.sum() for row in found.values()], 1, atol=1e-5)
    return float(np.mean([CLASSES[row.argmax()] == truth[utt] for utt, row in found.items()]))


def test_speech_and_text_together_tell_what_neither_tells_alone(data, call):
    scored = {}
    for modalities in (("speech",), ("text",), ("speech", "text")):
        inputs = [word for name in modalities for word in ("--input", f"{name}=scp:{data}/{name}.scp")]
        model = data / "+".join(modalities)
        call("train_coattention", "--config", CONFIG, "--num-threads", 1, "--label-map", data / "map", *inputs,
             "--valid-data", data / "valid", data / "train", model)  # fmt: skip
        call("apply_coattention", "--num-threads", 1, *inputs, model, data / "test",
             f"ark,scp:{model}/p.ark,{model}/p.scp")  # fmt: skip
        scored[modalities] = accuracy(data, model / "p.scp")
    assert scored["speech", "text"] > 0.9
    assert max(scored["speech",], scored["text",]) < 0.65
    # Without its text the joint model is as good as speech alone, about one half.
    call("apply_coattention", "--num-threads", 1, *inputs, "--without", "text", model, data / "test",
         f"ark,scp:{model}/n.ark,{model}/n.scp")  # fmt: skip
    assert 0.35 < accuracy(data, model / "n.scp") < 0.65
    # Trained on two modalities, it is not applied to one.
    with pytest.raises(SerError, match="trained on other inputs than"):
        call("apply_coattention", "--input", f"text=scp:{data}/text.scp", model, data / "test",
             f"ark,scp:{model}/x.ark,{model}/x.scp")  # fmt: skip


def test_another_modality_is_refused(data, call):
    with pytest.raises(SerError, match="video: expected speech or text"):
        call("train_coattention", "--config", CONFIG, "--label-map", data / "map",
             "--input", f"video=scp:{data}/text.scp", "--valid-data", data / "valid", data / "train", data / "x",
             )  # fmt: skip
