"""Read text files, write output files whole or not at all, lay out tables as text, compute checksums of files."""

import codecs
import contextlib
import errno
import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ser.errors import SerError

logger = logging.getLogger(__name__)

# The byte order mark: some Windows editors and spreadsheets write it before UTF-8 text. It is not part of the text.
BOM = codecs.BOM_UTF8
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# The wrappers of utils/ replace this word by the number of the job: JOB with no letter or digit beside it.
JOB_WORD = re.compile(r"(?<![A-Za-z0-9])JOB(?![A-Za-z0-9])")

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
        raise cannot_write(path, error.strerror or str(error)) from error
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
        # When the disk is full, the error of a write names no file, so name it here. Any other error may come from a
        # file that the block reads, so pass it on.
        if error.filename is None and error.errno in _FULL:
            raise cannot_write(path, error.strerror or str(error)) from error
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: str | Path, reason: str) -> SerError:
    """Return the `SerError` that says that a file cannot be written, and why."""
    return SerError(f"{path}: cannot be written: {reason}; check the folder and the free disk space, then run it again")


def read_text(path: str | Path, remedy: str = "", errors: str = "strict", fallback: str = "") -> str:
    """Read a UTF-8 text file. All text is read here, except tables with one key a line (`ser.kaldi.tables`).

    A byte order mark is removed at the start of the file and of any line, since joining two files puts one inside. In
    the result lines end with a line feed: CR LF becomes one, and so does CR where the file has no line feed at all.

    Parameters
    ----------
    remedy : last part of the message if the file is missing or is not UTF-8.
    errors : ``replace`` puts U+FFFD in place of bytes that are not UTF-8 and raises nothing.
    fallback : encoding of a file that is not UTF-8, for what people save by hand; a warning says that it was taken.

    Raises
    ------
    SerError
        If the file cannot be read, or is not UTF-8.
    """
    remedy = f"; {remedy}" if remedy else ""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise SerError(f"{path}: missing{remedy}") from error
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}{remedy}") from error
    if data.startswith(_UTF16):
        raise SerError(f"{path}: {utf16_problem(path)}")
    try:
        text = data.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        problem = SerError(f"{path}: not UTF-8: {data[error.start : error.start + 20]!r}{remedy}")
        if not fallback:
            raise problem from error
        try:
            text = data.decode(fallback)
        except UnicodeDecodeError:
            raise problem from error
        logger.warning("%s: not UTF-8, so it is read as %s; if names look wrong, save it as UTF-8", path, fallback)
    text = text.replace("\r\n", "\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return text.removeprefix("\ufeff").replace("\n\ufeff", "\n")


def read_text_lines(path: str | Path, remedy: str = "", errors: str = "strict") -> list[str]:
    """Read the lines of a text file with `read_text`. Only a line feed ends a line, no other Unicode separator."""
    lines = read_text(path, remedy, errors).split("\n")
    return lines if lines[-1] else lines[:-1]


def utf16_problem(path: str | Path) -> str:
    """Say what is wrong with a file that begins with the byte order mark of UTF-16."""
    return f"UTF-16, which is not read; save it as UTF-8, or run iconv -f UTF-16 -t UTF-8 {path} > <new file>"


def without_bom(line: bytes, path: str | Path) -> bytes:
    """Remove a UTF-8 byte order mark from a line of bytes; raise a `SerError` if it is the mark of UTF-16."""
    if line.startswith(BOM):
        return line[len(BOM) :]
    if line.startswith(_UTF16):
        raise SerError(f"{path}: {utf16_problem(path)}")
    return line


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def cache_folder() -> Path:
    """Return the user's cache folder (compiled functions, digests of code), which may not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ser")


def tab_separated(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table as tab-separated text: the column names, then the rows.

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
        raise SerError(f"{path}: cannot be read: {error.strerror}; run the step that makes it again") from error
    return digest.hexdigest()
