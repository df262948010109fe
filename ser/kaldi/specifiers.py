"""Kaldi's names for tables and files: ``ark,scp:F,G``, ``scp:F``, ``F:offset[0:9]``, ``command |``, ``-``."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from ser.errors import SerError

# What the options say about sorting, flushing and permissiveness changes nothing here.
_OPTIONS = {"b", "t", "s", "ns", "cs", "ncs", "o", "no", "p", "np", "f", "nf", "bg"}


class ReadSpecifier(NamedTuple):
    """``ark:NAME`` or ``scp:NAME``."""

    kind: str
    name: str


class WriteSpecifier(NamedTuple):
    """``ark:F``, ``ark,t:F`` or ``ark,scp:F,G``; the scp is None where there is none."""

    ark: str
    scp: str | None
    text: bool


class Location(NamedTuple):
    """Where one object is: a file (``path[:offset]``) or a command's output, and the range wanted of it."""

    name: str
    offset: int
    span: str


def parse_rspecifier(rspecifier: str) -> ReadSpecifier:
    """Split an rspecifier.

    >>> parse_rspecifier("ark,t:-")
    ReadSpecifier(kind='ark', name='-')
    """
    head, colon, name = rspecifier.partition(":")
    kind, *options = head.split(",")
    if not colon or not name.strip() or kind not in ("ark", "scp") or not _OPTIONS.issuperset(options):
        raise SerError(f"'{rspecifier}': not an rspecifier; give ark:FILE, scp:FILE or ark:-")
    return ReadSpecifier(kind, name.strip())


def parse_wspecifier(wspecifier: str) -> WriteSpecifier:
    """Split a wspecifier.

    >>> parse_wspecifier("ark,scp:feats.ark,feats.scp")
    WriteSpecifier(ark='feats.ark', scp='feats.scp', text=False)
    """
    head, colon, name = wspecifier.partition(":")
    words = head.split(",")
    kinds = [word for word in words if word in ("ark", "scp")]
    names = name.strip().split(",") if len(kinds) == 2 else [name.strip()]
    right = colon and all(names) and len(names) == len(kinds) and _OPTIONS.issuperset(set(words) - {"ark", "scp"})
    targets = dict(zip(kinds, names, strict=False))
    if not right or "ark" not in targets or len(targets) != len(kinds) or names[0].startswith("|"):
        raise SerError(f"'{wspecifier}': not a wspecifier; give ark:FILE, ark,t:FILE, ark,scp:FILE,FILE or ark:-")
    return WriteSpecifier(targets["ark"], targets.get("scp"), "t" in words)


def parse_location(rxfilename: str) -> Location:
    """Split the second field of an scp line; the offset is 0 where none is given.

    >>> parse_location("exp/feats.1.ark:1234[0:9]")
    Location(name='exp/feats.1.ark', offset=1234, span='0:9')
    """
    name, span, offset = rxfilename.strip(), "", "0"
    if name.endswith("]") and "[" in name:
        name, _, span = name[:-1].rpartition("[")
    if match := re.fullmatch(r"(.*[^|\s]):(\d{1,18})", name):
        name, offset = match.groups()
    if "\0" in name:
        raise SerError(f"{name[:80]!r}: no name of a file: it holds a zero byte; make the list again that has it")
    return Location(name, int(offset), span)


def parse_recording(rxfilename: str) -> Location:
    """Split the second field of a line of ``wav.scp``; a file called like an offset or a range is that file."""
    name = rxfilename.strip()
    if name.endswith(("]", *"0123456789")) and os.path.isfile(name):
        return Location(name, 0, "")
    return parse_location(name)


def parse_span(span: str, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Make slices of a Kaldi range: ``rows`` or ``rows,columns``, each ``first:last``, the last one included.

    Kaldi lets the last index be up to 3 past the end, as segment times round.

    >>> parse_span("2:4,:", (9, 30))
    (slice(2, 5, None), slice(0, 30, None))
    """
    parts = span.split(",")
    slices = []
    for part, size in zip(parts, shape, strict=False):
        match = re.fullmatch(r"(\d{0,18}):(\d{0,18})", part.strip())
        first, last = (int(match[1] or 0), int(match[2] or size - 1)) if match else (1, 0)
        if not first <= last < size + 3 or first >= size:
            break
        slices.append(slice(first, min(last + 1, size)))
    if len(slices) != len(parts):
        raise SerError(
            f"the range [{span[:80]}] does not fit the shape {shape}; ranges are [first:last] from 0, last included"
        )
    return tuple(slices)


@contextlib.contextmanager
def open_input(name: str) -> Iterator[BinaryIO]:
    """Open a file, standard input (``-``) or a command's output (``command |``) for reading bytes.

    Raises
    ------
    SerError
        If the file cannot be opened, or the command ends with a status other than 0 (after the block).
    """
    if name == "-":
        yield sys.stdin.buffer
        return
    if not name.endswith("|"):
        try:
            stream = open(name, "rb")  # noqa: SIM115 - closed below; errors of the block are not ours
        except OSError as error:
            raise SerError(f"{name}: cannot be read: {error.strerror}") from error
        with stream:
            yield stream
        return
    command = name[:-1].strip()
    with subprocess.Popen(["bash", "-c", f"set -o pipefail; {command}"], stdout=subprocess.PIPE) as process:
        output = cast(BinaryIO, process.stdout)
        yield output
        # Drained, so that a command whose last bytes nobody wanted does not die of a closed pipe.
        while output.read(1 << 20):
            pass
    # Status 141 is of SIGPIPE: a later part of the pipe had enough, and under pipefail would have told its own fault.
    if process.returncode not in (0, 141):
        raise SerError(f"command failed with exit status {process.returncode}: '{command}'")
