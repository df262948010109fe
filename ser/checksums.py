"""Lists of files with their checksums, in the format of sha256sum, which can check them too."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines, sha256, write_text


def write(path: Path, names: Iterable[str]) -> None:
    """Write the list `path` of the files `names`, which are relative to its folder."""
    write_text(path, "".join(f"{sha256(path.parent / name)}  {name}\n" for name in names))


def read(path: Path, remedy: str) -> dict[str, str]:
    """Read a list: file, relative to the list's folder -> checksum.

    Raises
    ------
    SerError
        If there is no list, or a line is none of a list; `remedy` says what to do.
    """
    digests = {}
    for number, line in enumerate(read_text_lines(path, remedy), start=1):
        if not (match := re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)):
            raise SerError(f"{path}:{number}: expected '<sha256>  <file>', found '{line[:80]}'; {remedy}")
        digests[match[2]] = match[1]
    return digests


def check(path: Path, digests: Mapping[str, str], remedy: str) -> None:
    """Compare files of the list `path` with `digests`, which are all or some of those that `read` gave.

    Raises
    ------
    SerError
        Naming the first file that is missing, changed or damaged.
    """
    for name, digest in digests.items():
        file = path.parent / name
        if not file.is_file():
            raise SerError(f"{file}: missing, but listed in {path.name}; {remedy}")
        if (found := sha256(file)) != digest:
            raise SerError(
                f"{file}: changed or damaged: its sha256 is {found[:12]}..., {path.name} has {digest[:12]}...; {remedy}"
            )
