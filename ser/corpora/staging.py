"""Data dirs that appear whole and validated, or not at all."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ser.errors import SerError
from ser.kaldi import datadir


@contextlib.contextmanager
def staged_data_dir(data_dir: str | Path) -> Iterator[Path]:
    """Give an empty folder beside `data_dir` to write to; if the block ends well, validate it and move its files there.

    Tables that `data_dir` had and that were not written anew are removed: they would tell of other utterances.

    Raises
    ------
    SerError
        If what was written is no valid data dir; `data_dir` is then as it was.
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
