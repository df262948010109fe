"""Kaldi's nnet3 model files, binary or text: the network's wiring and its components, as they stand."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.files import BOM

Value = str | int | float | np.ndarray

_ARRAYS = {b"FM ": ("<f4", 2), b"DM ": ("<f8", 2), b"FV ": ("<f4", 1), b"DV ": ("<f8", 1)}
# A binary file does not tell an integer from a float: these fields are integers.
_INTEGERS = {"Dim", "BlockDim", "InputDim", "InputPeriod", "OutputPeriod", "LeftContext", "RightContext"} | {
    "NumLogCountFeatures"
}


@dataclass(frozen=True)
class Component:
    """One component: its type, such as ``BatchNormComponent``, and its fields; matrices are (rows, columns)."""

    type: str
    fields: dict[str, Value]


@dataclass(frozen=True)
class Nnet3:
    """A model: `nodes`, the lines that wire it (``component-node name=...``), and `components` by name."""

    nodes: list[str]
    components: dict[str, Component]


def read_nnet3(path: str | Path) -> Nnet3:
    """Read ``final.raw``, or the text that ``nnet3-copy --binary=false`` makes of it.

    Raises
    ------
    SerError
        Where the file is not an nnet3 model (an acoustic ``final.mdl`` is not one either) or ends too early.
    """
    try:
        data = Path(path).read_bytes().removeprefix(BOM)
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}") from error
    binary = data.startswith(b"\0B")
    cursor = _Cursor(data, 2 if binary else 0, str(path))
    if cursor.token() != "<Nnet3>":
        raise SerError(f"{path}: does not begin with <Nnet3>; give the .raw model of an x-vector recipe")
    nodes = cursor.lines()
    cursor.expect("<NumComponents>")
    count = cursor.scalar("NumComponents", "<i") if binary else int(cursor.token())
    components = {}
    for _ in range(count):
        cursor.expect("<ComponentName>")
        name, kind = cursor.token(), cursor.token()
        fields = {}
        while (field := cursor.token()) != f"</{kind[1:]}":
            if not re.fullmatch(r"<\w+>", field):
                raise cursor.error(f"expected a field of {name}, found '{field[:40]}'")
            fields[field[1:-1]] = cursor.binary_value(field[1:-1]) if binary else cursor.text_value()
        components[name] = Component(kind[1:-1], fields)
    return Nnet3(nodes, components)


class _Cursor:
    """A place in the bytes of a file."""

    def __init__(self, data: bytes, position: int, path: str) -> None:
        self.data, self.position, self.path = data, position, path

    def error(self, message: str) -> SerError:
        return SerError(f"{self.path}: byte {self.position}: {message}; the file is broken or of an unknown kind")

    def token(self) -> str:
        """Read up to the next white space, and one of it."""
        match = re.compile(rb"\s*([^\s]+)\s").match(self.data, self.position)
        if match is None:
            raise self.error("the file ends too early")
        self.position = match.end()
        return match[1].decode("latin-1")

    def expect(self, wanted: str) -> None:
        if (found := self.token()) != wanted:
            raise self.error(f"expected {wanted}, found '{found[:40]}'")

    def lines(self) -> list[str]:
        """Read lines up to an empty one."""
        end = self.data.find(b"\n\n", self.position)
        if end < 0:
            raise self.error("no empty line after the nodes")
        text, self.position = self.data[self.position : end].decode("latin-1"), end + 2
        return [line.strip() for line in text.splitlines() if line.strip()]

    def take(self, count: int) -> bytes:
        if count < 0 or self.position + count > len(self.data):
            raise self.error("the file ends too early")
        self.position += count
        return self.data[self.position - count : self.position]

    def scalar(self, field: str, code: str) -> int | float:
        size = self.take(1)[0]
        if size == 8:
            code = "<d"
        elif size != 4:
            raise self.error(f"<{field}> is of {size} bytes")
        return struct.unpack(code, self.take(size))[0]

    def binary_value(self, field: str) -> Value:
        head = self.data[self.position : self.position + 3]
        if head in _ARRAYS:
            self.position += 3
            dtype, ndim = _ARRAYS[head]
            shape = [self.scalar(field, "<i") for _ in range(ndim)]
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            return np.frombuffer(self.take(size), dtype).reshape(shape)
        if head[:1] in (b"T", b"F"):
            return self.take(1).decode()
        return self.scalar(field, "<i" if field in _INTEGERS else "<f")

    def text_value(self) -> Value:
        end = self.data.find(b"<", self.position)
        text = self.data[self.position : end].decode("latin-1")
        self.position = end
        try:
            if "[" not in text:
                text = text.strip()
                return text if text in ("T", "F") else float(text)
            inside = text.partition("[")[2].partition("]")[0]
            rows = [line.split() for line in inside.splitlines() if line.strip()]
            # A matrix begins on a line of its own.
            array = np.array(rows, np.float32) if rows else np.zeros((0, 0), np.float32)
            return array if inside.startswith("\n") else array.reshape(-1)
        except ValueError as error:
            raise self.error(f"not a number: {error}") from error
