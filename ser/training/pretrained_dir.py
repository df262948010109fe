"""Folders of transformers models that this project trained: written whole; the weights are checked when read."""

import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ser.errors import SerError
from ser.files import atomic_path
from ser.training.model_dir import CHECKSUM, checksum, load_weights

CONFIG = "config.json"


def save(folder: str | Path, *parts: Any) -> None:
    """Write a model and what belongs to it, such as its tokenizer, so that any transformers program reads the folder.

    Each file appears whole, and config.json last, since a folder without it is not a model.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=".encoder.", suffix=".tmp", dir=folder) as scratch:
            for part in parts:
                part.save_pretrained(scratch)
            for path in Path(scratch).glob("*.safetensors"):
                tensors = load_file(path)
                # A new file: the arrays may still be those of the old one, mapped into memory.
                with atomic_path(path) as stamped:
                    save_file(tensors, stamped, _metadata(path) | {CHECKSUM: checksum(tensors)})
            for path in sorted(Path(scratch).iterdir(), key=lambda path: path.name == CONFIG):
                # atomic_path also sets the usual permissions: safetensors makes files that only their owner can read.
                with atomic_path(folder / path.name) as temporary:
                    path.replace(temporary)
    except OSError as error:
        raise SerError(f"{folder}: cannot be written: {error.strerror or error}; check the free disk space") from error


def check(folder: str | Path) -> None:
    """Raise a `SerError` if weights in `folder` fail the checksum that `save` wrote.

    Files of other programs have none, and broken ones are left to transformers, which says what is wrong.
    """
    for path in sorted(Path(folder).glob("*.safetensors")):
        if CHECKSUM in _metadata(path):
            load_weights(path)


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError):
        return {}
