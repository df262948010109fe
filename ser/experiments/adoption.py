"""Whether a net that the run itself fine-tuned is the one that a grid needs."""

import shutil
from pathlib import Path

from ser.config import read_yaml
from ser.files import atomic_path, sha256
from ser.training.utterances import fingerprint

WEIGHTS = "model.safetensors"
_FILES = ("config.yaml", "inputs.tsv", "classes.txt", "train.tsv", "curve.png", "command.txt", "version.txt", WEIGHTS)


def differs(net: Path, config: Path, initial: Path, data_dir: Path) -> str:
    """Say how a fine-tuned net differs from the one that is needed; empty: not at all.

    Parameters
    ----------
    net : folder of the net, as train_xvector writes it.
    config : YAML of the settings that are needed.
    initial : folder of the pretrained net to begin with.
    data_dir : data dir to train on, with its utt2emo.
    """
    if not all((net / name).is_file() for name in (WEIGHTS, "config.yaml", "inputs.tsv")):
        return "it is not there, or not finished"
    if read_yaml(net / "config.yaml") != read_yaml(config):
        return "it has other settings"
    inputs = dict(line.split("\t") for line in (net / "inputs.tsv").read_text().splitlines())
    for name, needed in (
        ("initial model", sha256(initial / WEIGHTS)),
        ("utt2class", sha256(data_dir / "utt2emo")),
        ("features", fingerprint(data_dir)),
    ):
        if inputs.pop(name, None) != needed:
            return f"it was trained with another {name}"
    return f"it was trained with {', '.join(sorted(inputs))} too" if inputs else ""


def adopt(net: Path, model_dir: Path) -> None:
    """Copy a finished net; its weights come last, as at the end of a training."""
    for name in _FILES:
        if (net / name).is_file():
            with atomic_path(model_dir / name) as temporary:
                shutil.copyfile(net / name, temporary)
