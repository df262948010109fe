"""Write data dirs whole and validated, or not at all."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ser.errors import SerError
from ser.kaldi import datadir


@contextlib.contextmanager
def staged_data_dir(data_dir: str | Path) -> Iterator[Path]:
    """Yield an empty folder to write to; if the block ends well, validate it and move its files to `data_dir`.

    Tables of `data_dir` that were not written anew are removed, because they describe other utterances.

    Raises
    ------
    SerError
        If the files are not a valid data dir; `data_dir` is then unchanged.
    """
    data_dir = Path(data_dir)
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{data_dir.name}.", suffix=".tmp", dir=data_dir.parent) as name:
        temporary = Path(name)
        yield temporary
        try:
            datadir.validate(temporary, feats=False, wav=False, text=False)
        except SerError as error:
            raise SerError(str(error).replace(str(temporary), str(data_dir))) from error
        data_dir.mkdir(exist_ok=True)
        for old in data_dir.iterdir():
            if old.is_file() and datadir.key_kind(old.name):
                old.unlink()
        for new in sorted(temporary.iterdir()):
            new.replace(data_dir / new.name)
