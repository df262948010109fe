"""Digests of the inputs of a grid (data dirs, trained models, files), kept as long as sizes and times do not change."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from ser.errors import SerError
from ser.files import sha256, write_text
from ser.kaldi import specifiers, tables
from ser.kaldi.datadir import table_names
from ser.record.fingerprint import fingerprint

# Tables of file locations. Moving the files changes these but not the features, which `fingerprint` digests.
_LOCATIONS = {"wav.scp", "feats.scp", "vad.scp"}


class Digests:
    """Digests of files and folders, kept in the text file `cache`.

    A digest is computed again if the size or the time of change of a file differs.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._remembered = tables.read_map(cache, fields=2) if cache.exists() else {}
        self._used: dict[str, str] = {}
        self._folders: dict[Path, str] = {}

    def file(self, path: Path) -> str:
        """Digest the contents of a file."""
        return self._digest([path], lambda: _sha256([path]))

    def model(self, folder: Path) -> str:
        """Digest a trained model: its settings, classes and weights, and the encoder of a text model."""
        names = ("config.yaml", "classes.txt", "model.safetensors", "encoder/config.json", "encoder/model.safetensors")
        files = [folder / name for name in names if (folder / name).is_file()]
        return self._digest(files, lambda: _sha256(files))

    def data_dir(self, folder: Path) -> str:
        """Digest a data dir: its tables and, if it has any, its features, no matter where their archives lie."""
        if folder not in self._folders:
            self._folders[folder] = self._data_dir(folder)
        return self._folders[folder]

    def save(self) -> None:
        """Write the digests that were used in this run; all others are dropped from the cache."""
        write_text(self._cache, "".join(f"{key} {value}\n" for key, value in sorted(self._used.items())))

    def _data_dir(self, folder: Path) -> str:
        names = table_names(folder)
        archives = sorted(_archives(folder / "feats.scp")) if "feats.scp" in names else []
        contents = [folder / name for name in names if name not in _LOCATIONS or (name == "wav.scp" and not archives)]

        def make() -> str:
            features = fingerprint(folder) if archives else ""
            return hashlib.sha256((_sha256(contents) + features).encode()).hexdigest()

        return self._digest([folder / name for name in names] + archives, make)

    def _digest(self, files: Iterable[Path], make: Callable[[], str]) -> str:
        state = "\n".join(f"{path} {_stat(path)}" for path in files)
        key = hashlib.sha256(state.encode()).hexdigest()
        if key not in self._used:
            self._used[key] = self._remembered.get(key) or make()
        return self._used[key]


def _archives(scp: Path) -> set[Path]:
    return {Path(specifiers.parse_location(location).name) for location in tables.read_map(scp).values()}


def _stat(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}; run the stage of ./run.sh that makes it") from error
    return f"{status.st_size} {status.st_mtime_ns}"


def _sha256(files: Iterable[Path]) -> str:
    return hashlib.sha256("".join(f"{path.name} {sha256(path)}\n" for path in files).encode()).hexdigest()
