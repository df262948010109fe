"""train_triplet on recordings of a loudness each: windows of a recording are told from those of others."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.coattention.triplets import MeanTripletLoss
from ser.errors import SerError
from ser.kaldi import ark, tables
from ser.models.resnet import Resnet, ResnetConfig
from ser.training import model_dir

CONFIG = "conf/toy/coattention/triplet.yaml"
SET = ("--set", "model.channels=[4,8]", "--set", "data.frames=16", "--set", "data.clips=8", "--num-threads", 1)


def write(folder: Path, prefix: str, levels: range, frames: int = 40) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(len(prefix))
    spoken = {f"{prefix}{level:02}-1": f"{prefix}{level:02}" for level in levels}
    tables.write_map(folder / "utt2spk", spoken)
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp") as writer:
        for utt, level in zip(spoken, levels, strict=True):
            energies = rng.standard_normal((frames, 64)).astype(np.float32)
            energies += level / 3
            writer.write(utt, energies)
    return folder


@pytest.fixture
def call(monkeypatch):
    def run(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["train_triplet", "--config", CONFIG, *map(str, (*SET, *arguments))])
        importlib.import_module("ser.bin.train_triplet").main()

    return run


def test_the_nearest_window_comes_to_be_of_the_same_recording(tmp_path, call):
    train, valid = write(tmp_path / "train", "a", range(30)), write(tmp_path / "valid", "b", range(0, 30, 4))
    call("--valid-data", valid, train, tmp_path / "net")
    rows = [line.split("\t") for line in (tmp_path / "net" / "train.tsv").read_text().splitlines()]
    right = [float(row[rows[0].index("valid_accuracy")]) for row in rows[1:]]
    # 8 recordings of 2 windows: by chance 1 of 15.
    assert max(right) > 0.6
    net = Resnet.from_weights(ResnetConfig((4, 8), 1), model_dir.load_weights(tmp_path / "net"))
    reader = ark.Reader(valid / "feats.scp")
    windows = torch.from_numpy(np.stack([reader.rows(utt, at, at + 16) for utt in reader for at in (0, 20)]))
    vectors = torch.nn.functional.normalize(net(windows), dim=1)
    assert MeanTripletLoss.count_right(vectors, torch.arange(8).repeat_interleave(2)[:, None].expand(16, 2)) > 8


@pytest.mark.parametrize(
    ("table", "line"), [("utt2dialogue", "{utt} {recording}"), ("segments", "{utt} {recording} {start} {end}")]
)
def test_utterances_of_one_recording_are_no_negatives_of_each_other(tmp_path, call, caplog, table, line):
    caplog.set_level("INFO")
    train = write(tmp_path / "train", "a", range(12))
    utts = list(tables.read_map(train / "utt2spk"))
    lines = [
        line.format(utt=utt, recording=f"video{at // 3}", start=at, end=at + 1) + "\n" for at, utt in enumerate(utts)
    ]
    (train / table).write_text("".join(lines))
    call("--set", "fit.epochs=1", train, tmp_path / "net")
    assert f"train: 12 clips of 4 recordings ({train / table}); 0 of 12 utterances" in caplog.text
    (train / table).write_text("".join(lines).replace("video1", "video0"))
    with pytest.raises(SerError, match=r"was begun with .*recordings"):
        call("--set", "fit.epochs=1", train, tmp_path / "net")


def test_recordings_shorter_than_a_window_are_refused(tmp_path, call):
    with pytest.raises(SerError, match="0 recordings are longer than a window of 16 frames"):
        call(write(tmp_path / "train", "a", range(5), frames=16), tmp_path / "net")
