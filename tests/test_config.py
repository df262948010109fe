"""Files of settings that differ from another file in some values."""

import dataclasses
from pathlib import Path

import pytest

from ser.config import load_config, read_yaml
from ser.errors import SerError
from ser.examples.configs import TrainConfig

BASE = "fit:\n  epochs: 3\n  frozen: []\nmodel:\n  dims: [1, 2]\n"


def test_a_file_like_another_has_its_keys_but_for_its_own(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "other.yaml").write_text("like: base.yaml\nfit:\n  frozen: [tdnn1]\n")
    assert read_yaml(tmp_path / "other.yaml") == {
        "fit": {"epochs": 3, "frozen": ["tdnn1"]},
        "model": {"dims": [1, 2]},
    }
    assert read_yaml(tmp_path / "base.yaml")["fit"]["frozen"] == []


@pytest.mark.parametrize("base", ["like: other.yaml\n", "- a list\n"])
def test_a_file_is_like_a_file_of_settings_that_is_like_no_other(tmp_path, base):
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "other.yaml").write_text("like: base.yaml\n")
    with pytest.raises(SerError, match=r"other.yaml: like: .*base.yaml must be a file of settings"):
        read_yaml(tmp_path / "other.yaml")
    (tmp_path / "other.yaml").write_text("like: nowhere.yaml\n")
    with pytest.raises(SerError, match=r"nowhere.yaml: missing"):
        read_yaml(tmp_path / "other.yaml")


@pytest.mark.parametrize("folder", ["conf", "conf/toy"])
def test_the_fine_tunings_differ_in_what_their_files_say(folder):
    plain, frozen, tdnn8 = (
        load_config(TrainConfig, Path(folder, f"xvector_finetune{name}.yaml")) for name in ("", "_frozen", "_tdnn8")
    )
    layers = tuple(f"tdnn{number}" for number in range(1, 7))
    assert frozen == dataclasses.replace(plain, fit=dataclasses.replace(plain.fit, frozen=layers))
    dims = (*plain.model.segment_dims, plain.model.segment_dims[-1])
    model = dataclasses.replace(plain.model, segment_dims=dims)
    assert tdnn8 == dataclasses.replace(frozen, model=model)
