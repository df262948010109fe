"""Lists of pairs: trials (``enrol test target|nontarget``) and scores (``enrol test number``), millions a second."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ser.errors import SerError
from ser.files import atomic_path
from ser.kaldi import pair_lines, specifiers

# Lines formatted at a time: the buffer of text stays under some hundred megabytes.
_BLOCK = 1 << 20


class Pairs(NamedTuple):
    """N pairs, as indices into the lists of their names.

    Line n is the pair ``enrol_keys[enrol[n]]``, ``test_keys[test[n]]``.
    """

    enrol_keys: list[str]  # in the order in which they come first
    test_keys: list[str]
    enrol: np.ndarray  # (N,) int32
    test: np.ndarray  # (N,) int32
    values: np.ndarray | None  # (N,) bool, whether it is a target; (N,) float64, its score; or None


def read_trials(path: str | Path) -> Pairs:
    """Read trials: `values` tells which are targets, and is None if the lines have two fields.

    Raises
    ------
    SerError
        With file and line, on another number of fields than the first line's or a label that is neither word.
    """
    return _read(path, pair_lines.LABEL, "target or nontarget")


def read_scores(path: str | Path) -> Pairs:
    """Read scores: `values` holds the numbers, float64."""
    return _read(path, pair_lines.NUMBER, "a number")


def write_trials(path: str | Path, trials: Pairs) -> None:
    """Write trials, whole or not at all; ``-`` is standard output."""
    _write(path, trials, pair_lines.NOTHING if trials.values is None else pair_lines.LABEL)


def write_scores(path: str | Path, scores: Pairs) -> None:
    """Write scores as Kaldi prints them, 7 significant digits; whole or not at all; ``-`` is standard output."""
    _write(path, scores, pair_lines.NUMBER)


def _read(path: str | Path, third: int, expected: str) -> Pairs:
    with specifiers.open_input(str(path)) as stream:
        data = np.frombuffer(stream.read(), np.uint8)
    head = data[:4096].tobytes().partition(b"\n")[0]
    fields = len(head.split())
    if not len(data) or fields not in (2, 3) or (fields == 2 and third == pair_lines.NUMBER):
        raise SerError(f"{path}:1: expected 3 fields, enrolment, test and {expected}; found {_shown(head)}")
    third = third if fields == 3 else pair_lines.NOTHING
    lines = np.count_nonzero(data == ord("\n")) + int(data[-1] != ord("\n"))
    enrol, test = np.empty(lines, np.int32), np.empty(lines, np.int32)
    values = np.empty(0 if third == pair_lines.NOTHING else lines, np.float64)
    slots = 1 << 18
    while True:
        # Where each name comes first: (offset, length).
        names = np.empty((2, slots // 2, 2), np.int64)
        line, start, counts = pair_lines.parse(
            data, third, enrol, test, values, names, np.full((2, slots), -1, np.int32)
        )
        if line != pair_lines.FULL:
            break
        slots *= 4
    if line != pair_lines.DONE:
        raise SerError(
            f"{path}:{line + 1}: expected enrolment, test"
            + (f" and {expected}" if third else "")
            + f"; found {_shown(data[start : start + 4096].tobytes().partition(bytes([10]))[0])}"
        )
    try:
        enrol_keys, test_keys = (
            [data[offset : offset + length].tobytes().decode() for offset, length in side[:count].tolist()]
            for side, count in zip(names, counts, strict=True)
        )
    except UnicodeDecodeError as error:
        raise SerError(f"{path}: a name is not UTF-8: {error.object[:80]!r}; convert the file with iconv") from error
    if third == pair_lines.NOTHING:
        return Pairs(enrol_keys, test_keys, enrol, test, None)
    return Pairs(enrol_keys, test_keys, enrol, test, values > 0 if third == pair_lines.LABEL else values)


def _write(path: str | Path, pairs: Pairs, third: int) -> None:
    if third == pair_lines.NUMBER and not np.isfinite(pairs.values).all():
        worst = int(np.flatnonzero(~np.isfinite(pairs.values))[0])
        pair = f"{pairs.enrol_keys[pairs.enrol[worst]]} {pairs.test_keys[pairs.test[worst]]}"
        raise SerError(f"{path}: the score of '{pair}' is {pairs.values[worst]}; look at the vectors and the model")
    if str(path) == "-":
        _write_lines(sys.stdout.buffer, pairs, third)
        return
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        _write_lines(stream, pairs, third)


def _write_lines(stream: BinaryIO, pairs: Pairs, third: int) -> None:
    enrol_names, enrol_ends = _joined(pairs.enrol_keys)
    test_names, test_ends = _joined(pairs.test_keys)
    longest = max(map(len, pairs.enrol_keys), default=0) * 4 + max(map(len, pairs.test_keys), default=0) * 4
    buffer = np.empty(min(_BLOCK, len(pairs.enrol)) * (longest + pair_lines.LONGEST_THIRD), np.uint8)
    for start in range(0, len(pairs.enrol), _BLOCK):
        part = slice(start, start + _BLOCK)
        values = np.zeros(0) if pairs.values is None else pairs.values[part].astype(np.float64)
        size = pair_lines.render(
            enrol_names, enrol_ends, test_names, test_ends, pairs.enrol[part], pairs.test[part], values, third, buffer
        )
        stream.write(buffer[:size])


def _joined(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    encoded = [name.encode() for name in names]
    ends = np.cumsum([0] + [len(name) for name in encoded])
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def _shown(line: bytes) -> str:
    return f"{len(line.split())} fields: '{line[:80].decode(errors='replace')}'"
