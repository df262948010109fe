"""Adoption: a grid takes over a net that the run has fine-tuned, if it has the settings and inputs needed."""

import shutil
from pathlib import Path

from ser.config import load_config
from ser.examples.configs import TrainConfig
from ser.files import atomic_path, sha256
from ser.kaldi.unseen import FILE as UNSEEN
from ser.record.fingerprint import fingerprint
from ser.record.note import Note
from ser.training.model_dir import NOTE, WEIGHTS, noted_settings

_FILES = ("config.yaml", NOTE, "classes.txt", "train.tsv", "curve.png", "command.txt", "version.txt", WEIGHTS)


def differs(net: Path, config: Path, initial: Path, data_dir: Path) -> str:
    """Say how a fine-tuned net differs from the one that the grid needs; empty if it does not.

    Parameters
    ----------
    net : folder of the net, as train_xvector writes it.
    config : YAML of the needed settings.
    initial : folder of the pretrained net that training starts from.
    data_dir : data dir to train on, with its utt2emo.
    """
    if not all((net / name).is_file() for name in (WEIGHTS, NOTE)):
        return "it does not exist, or is not finished"
    needed = Note(
        noted_settings(load_config(TrainConfig, config)),
        {
            "initial model": sha256(initial / WEIGHTS),
            "utt2class": sha256(data_dir / "utt2emo"),
            "features": fingerprint(data_dir),
            **({"unseen speakers": sha256(data_dir / UNSEEN)} if (data_dir / UNSEEN).exists() else {}),
        },
    )
    difference = Note.read(net / NOTE).difference(needed)
    return f"it was trained with {difference}" if difference else ""


def adopt(net: Path, model_dir: Path) -> None:
    """Copy a finished net, the weights last, since they mark a model as finished."""
    for name in _FILES:
        if (net / name).is_file():
            with atomic_path(model_dir / name) as temporary:
                shutil.copyfile(net / name, temporary)
