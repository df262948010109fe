"""A folder of a transformers model that we trained: written whole, and its weights checked when they are read."""

import tempfile
from pathlib import Path
from typing import Any

from ser import checksums
from ser.errors import SerError
from ser.files import atomic_path

CONFIG = "config.json"
# Checksums of the weights, as `sha256sum --check` reads them. The metadata of safetensors are no place for them: their
# order, and so the bytes of the file, would be random.
CHECKSUMS = "SHA256SUMS"


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
            weights = sorted(Path(scratch).glob("*.safetensors"))
            checksums.write(Path(scratch, CHECKSUMS), [path.name for path in weights])
            for path in sorted(Path(scratch).iterdir(), key=lambda path: path.name == CONFIG):
                # atomic_path also sets the usual permissions: safetensors makes files that only their owner can read.
                with atomic_path(folder / path.name) as temporary:
                    path.replace(temporary)
    except OSError as error:
        raise SerError(f"{folder}: cannot be written: {error.strerror or error}; check the free disk space") from error


def check(folder: str | Path) -> None:
    """Raise SerError where weights in `folder` fail the checksum that `save` wrote. Other programs write none."""
    path = Path(folder) / CHECKSUMS
    if path.is_file():
        remedy = "remove the model's folder and train it again"
        checksums.check(path, checksums.read(path, remedy), remedy)
