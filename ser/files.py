"""Output files that are whole or absent, tables as text, and the checksums of files."""

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ser.errors import SerError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path` if the block ends well, else remove it.

    The data are flushed to disk before the rename, so that a crash leaves the old file or the new one.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise cannot_write(path, error.strerror) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        # That a disk is full, no error of a write says of which file it was. Other errors may be of what is read.
        if error.filename is None and error.errno in _FULL:
            raise cannot_write(path, error.strerror) from error
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: str | Path, reason: str) -> SerError:
    """Make the error of a file that cannot be written."""
    return SerError(f"{path}: cannot be written: {reason}; check the folder and the free disk space, then run it again")


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def tab_separated(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Write rows under the names of their columns, tab separated.

    >>> tab_separated(["class", "utts"], [("anger", 3)])
    'class\\tutts\\nanger\\t3\\n'
    """
    return "".join("\t".join(map(str, line)) + "\n" for line in (columns, *rows))


def sha256(path: str | Path) -> str:
    """Digest the contents of a file: 64 hexadecimal digits, as sha256sum prints them."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}; run the step again that makes it") from error
    return digest.hexdigest()
