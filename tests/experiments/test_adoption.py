"""A net of the run is taken where it is the one that is needed, and only there."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from ser.config import load_config, read_yaml
from ser.examples.configs import TrainConfig
from ser.experiments import adoption
from ser.kaldi import ark
from ser.record.fingerprint import fingerprint
from ser.record.note import Note
from ser.training.model_dir import noted_settings

SETTINGS = Path("conf/toy/xvector_finetune.yaml")


@pytest.fixture
def run(tmp_path) -> tuple[Path, Path, Path, Path]:
    """A finished net, the settings it had in other words, its initial model and its data."""
    net, initial, data = (tmp_path / name for name in ("net", "initial", "data"))
    for folder in (net, initial, data):
        folder.mkdir()
    with ark.Writer(f"ark,scp:{data}/feats.ark,{data}/feats.scp") as writer:
        writer.write("a-1", np.ones((3, 2), np.float32))
    (data / "utt2emo").write_text("a-1 anger\n")
    (initial / "model.safetensors").write_text("initial")
    (net / "model.safetensors").write_text("weights")
    (net / "config.yaml").write_text(SETTINGS.read_text())
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(read_yaml(SETTINGS)))
    inputs = {
        "features": fingerprint(data),
        "initial model": hashlib.sha256(b"initial").hexdigest(),
        "utt2class": hashlib.sha256(b"a-1 anger\n").hexdigest(),
    }
    settings = noted_settings(load_config(TrainConfig, SETTINGS))
    assert "data.feature_masks" in settings and "feature_masks" not in SETTINGS.read_text()  # a default is noted too
    Note(settings, inputs).write(net / "note.tsv")
    return net, tmp_path / "config.yaml", initial, data


def test_the_same_net_is_copied_whole(run, tmp_path):
    assert adoption.differs(*run) == ""
    adoption.adopt(run[0], tmp_path / "copy")
    assert {path.name: path.read_text() for path in (tmp_path / "copy").iterdir()} == {
        path.name: path.read_text() for path in run[0].iterdir()
    }


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("config.yaml", f"like: {SETTINGS.resolve()}\nfit: {{seed: 1}}\n", "trained with fit.seed: 0; it is 1 now"),
        ("initial/model.safetensors", "another", "another initial model"),
        ("data/utt2emo", "a-1 fear\n", "another utt2class"),
        ("data/utt2num_frames", "a-1 4\n", "another features"),
    ],
)
def test_a_net_of_other_settings_or_data_is_refused_with_the_reason(run, tmp_path, name, text, reason):
    (tmp_path / name).write_text(text)
    assert reason in adoption.differs(*run)


def test_an_unfinished_net_is_refused(run):
    (run[0] / "model.safetensors").unlink()
    assert "not finished" in adoption.differs(*run)


def test_a_net_whose_note_names_no_data_is_refused(run):
    note = run[0] / "note.tsv"
    Note(Note.read(note).settings).write(note)
    assert "another features" in adoption.differs(*run)
