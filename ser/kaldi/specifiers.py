"""Parse and open Kaldi's names of tables and files: ``ark,scp:F,G``, ``scp:F``, ``F:offset[0:9]``, ``command |``."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from ser.errors import SerError

# Options on sorting, flushing and permissiveness are accepted and ignored.
_OPTIONS = {"b", "t", "s", "ns", "cs", "ncs", "o", "no", "p", "np", "f", "nf", "bg"}


class ReadSpecifier(NamedTuple):
    """``ark:NAME`` or ``scp:NAME``."""

    kind: str
    name: str


class WriteSpecifier(NamedTuple):
    """``ark:F``, ``ark,t:F`` or ``ark,scp:F,G``; the scp is None if there is none."""

    ark: str
    scp: str | None
    text: bool


class Location(NamedTuple):
    """The place of one object, a file (``path[:offset]``) or the output of a command, and the range of it to read."""

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
    """Split the second field of an scp line; without an offset, it is 0.

    >>> parse_location("exp/feats.1.ark:1234[0:9]")
    Location(name='exp/feats.1.ark', offset=1234, span='0:9')
    """
    name, span, offset = rxfilename.strip(), "", "0"
    if name.endswith("]") and "[" in name:
        name, _, span = name[:-1].rpartition("[")
    if match := re.fullmatch(r"(.*[^|\s]):(\d{1,18})", name):
        name, offset = match.groups()
    if "\0" in name:
        raise SerError(f"{name[:80]!r}: not a file name: it contains a zero byte; make the list that has it again")
    return Location(name, int(offset), span)


def parse_recording(rxfilename: str) -> Location:
    """Split the second field of a ``wav.scp`` line; if a file has the whole field as its name, that file is meant."""
    name = rxfilename.strip()
    if name.endswith(("]", *"0123456789")) and os.path.isfile(name):
        return Location(name, 0, "")
    return parse_location(name)


def parse_span(span: str, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Convert a Kaldi range to slices: ``rows`` or ``rows,columns``, each ``first:last``, the last one included.

    As in Kaldi, the last row may be up to 3 past the end, because segment times are rounded.

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
        If the file cannot be opened, or, after the block, if the command failed.
    """
    if name == "-":
        yield sys.stdin.buffer
        return
    if not name.endswith("|"):
        try:
            stream = open(name, "rb")  # noqa: SIM115 - closed below, so that errors in the block are not caught here
        except OSError as error:
            raise SerError(f"{name}: cannot be read: {error.strerror}") from error
        with stream:
            yield stream
        return
    command = name[:-1].strip()
    with subprocess.Popen(["bash", "-c", f"set -o pipefail; {command}"], stdout=subprocess.PIPE) as process:
        output = cast(BinaryIO, process.stdout)
        yield output
        # Read the rest of the output; otherwise the command would be killed by the closed pipe.
        while output.read(1 << 20):
            pass
    # Status 141 is SIGPIPE: a later command of the pipe stopped reading early, as `head` does. Had that command failed,
    # pipefail would give its status instead.
    if process.returncode not in (0, 141):
        raise SerError(f"command failed with exit status {process.returncode}: '{command}'")
