"""Digests tell contents apart, not places, and are made once while nothing changed."""

import os
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ark
from ser.record import digests
from ser.record.digests import Digests


def data_dir(folder: Path, value: float = 1.0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp") as writer:
        writer.write("a-1", np.full((3, 2), value, np.float32))
    (folder / "utt2spk").write_text("a-1 a\n")
    (folder / "wav.scp").write_text(f"a-1 {folder}/a.wav\n")
    (folder / "utt2emo").write_text("a-1 anger\n")
    return folder


def digest(folder: Path, cache: Path) -> str:
    found = Digests(cache)
    value = found.data_dir(folder)
    found.save()
    return value


def test_a_data_dir_is_its_tables_and_features_wherever_they_lie(tmp_path):
    cache = tmp_path / "cache"
    first = digest(data_dir(tmp_path / "one"), cache)
    assert digest(data_dir(tmp_path / "two"), cache) == first
    assert digest(data_dir(tmp_path / "three", 2.0), cache) != first
    (tmp_path / "two/utt2emo").write_text("a-1 fear\n")
    assert digest(tmp_path / "two", cache) != first


def test_features_made_anew_in_place_are_noticed(tmp_path):
    folder = data_dir(tmp_path / "one")
    first = digest(folder, tmp_path / "cache")
    assert digest(data_dir(folder, 2.0), tmp_path / "cache") != first


def test_what_did_not_change_is_not_read_again(tmp_path, monkeypatch):
    folder = data_dir(tmp_path / "one")
    first = digest(folder, tmp_path / "cache")
    monkeypatch.setattr(digests, "fingerprint", lambda _: pytest.fail("the features were read again"))
    assert digest(folder, tmp_path / "cache") == first


def test_a_model_is_its_settings_classes_and_weights(tmp_path):
    for name in ("config.yaml", "classes.txt", "model.safetensors", "curve.png"):
        (tmp_path / name).write_text(name)
    found = {Digests(tmp_path / "cache").model(tmp_path)}
    (tmp_path / "curve.png").write_text("another picture")
    found.add(Digests(tmp_path / "cache").model(tmp_path))
    assert len(found) == 1
    (tmp_path / "model.safetensors").write_text("other weights")
    assert Digests(tmp_path / "cache").model(tmp_path) not in found


def test_archives_that_are_gone_are_named(tmp_path):
    folder = data_dir(tmp_path / "one")
    os.remove(folder / "feats.ark")
    with pytest.raises(SerError, match=r"one/feats.ark: cannot be read: .*run the stage of ./run.sh"):
        digest(folder, tmp_path / "cache")
