"""Reads the constants, such as weights, of a TensorFlow Lite model from its FlatBuffer, without running anything.

The format is that of tensorflow/lite/schema/schema.fbs. A table begins with a signed offset to its vtable, whose 16-bit
entries tell where each field is. Strings, vectors and tables are referred to by 32-bit offsets from the field itself.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import SerError

IDENTIFIER = b"TFL3"
# Operators (schema.fbs: BuiltinOperator) that have weights.
CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED = 3, 4, 9
# TensorType -> dtype of the stored numbers; tensors of other types are not read.
_TYPES: dict[int, np.dtype] = {0: np.dtype("<f4"), 1: np.dtype("<f2"), 2: np.dtype("<i4"), 9: np.dtype("<i1")}


@dataclass(frozen=True)
class Constant:
    """A tensor whose values are in the file.

    Attributes
    ----------
    name : its name in the file.
    shape : shape of the array.
    """

    name: str
    shape: tuple[int, ...]
    _stored: np.ndarray
    _scales: np.ndarray
    _zeros: np.ndarray
    _axis: int

    def array(self) -> np.ndarray:
        """Return the values as float32 of `shape`; quantised ones are (stored - zero point) x scale."""
        numbers = self._stored.reshape(self.shape).astype(np.float32)
        if not self._scales.size:
            return numbers
        along = [1] * len(self.shape)
        if self._scales.size > 1:
            along[self._axis] = self._scales.size
        if self._zeros.size == self._scales.size:
            numbers = numbers - self._zeros.astype(np.float32).reshape(along)
        return numbers * self._scales.reshape(along)


@dataclass(frozen=True)
class Operator:
    """One operator of the graph: its code, and its inputs, of which those that are not constants are None."""

    code: int
    constants: tuple[Constant | None, ...]


def read_operators(path: str | Path) -> list[Operator]:
    """Read the operators of the first graph of a model, in the order in which they are run.

    Raises
    ------
    SerError
        If the file is not a TensorFlow Lite model, or an offset or a length in it points outside of the file.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}") from error
    if data[4:8] != IDENTIFIER:
        raise SerError(f"{path}: not a TensorFlow Lite model: it has no '{IDENTIFIER.decode()}' at byte 4")
    try:
        return _Reader(data).operators()
    except (struct.error, _OutOfFile) as error:
        raise SerError(f"{path}: damaged or truncated TensorFlow Lite model: {error}; get it again") from error


class _OutOfFile(Exception):
    """An offset, a length or an index points outside of the file."""


class _Reader:
    """Reads fields of tables; every position is checked against the file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def operators(self) -> list[Operator]:
        model = self._target(0)
        codes = [self._code(table) for table in self._tables(model, 1)]
        graphs = self._tables(model, 2)
        if not graphs:
            raise _OutOfFile("it has no graph")
        buffers = self._tables(model, 4)
        tensors = self._tables(graphs[0], 0)
        found = []
        for table in self._tables(graphs[0], 3):
            inputs = self._vector(table, 1, np.dtype("<i4"))
            constants = tuple(
                self._constant(_pick(tensors, int(index), "tensor"), buffers) if index >= 0 else None
                for index in inputs[:3]
            )
            found.append(Operator(_pick(codes, self._number(table, 0, "<I", 0), "operator code"), constants))
        return found

    def _code(self, table: int) -> int:
        # Codes over 127 have a second field; a file has both fields, and the larger value counts.
        return max(self._number(table, 0, "<b", 0), self._number(table, 3, "<i", 0))

    def _constant(self, table: int, buffers: list[int]) -> Constant | None:
        buffer = _pick(buffers, self._number(table, 2, "<I", 0), "buffer")
        kind = _TYPES.get(self._number(table, 1, "<b", 0))
        stored = self._vector(buffer, 0, np.dtype("u1"))
        if not stored.size or kind is None:
            return None
        shape = tuple(int(size) for size in self._vector(table, 0, np.dtype("<i4")))
        name = self._vector(table, 3, np.dtype("u1")).tobytes().decode("utf-8", "replace")[:200]
        if min(shape, default=1) < 0 or len(shape) > 8 or _product(shape) * kind.itemsize != stored.size:
            raise _OutOfFile(f"'{name}' has {stored.size} bytes, which are not of shape {shape}")
        quantization = self._field(table, 4)
        scales, zeros, axis = np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        if quantization is not None:
            details = self._target(quantization)
            scales = self._vector(details, 2, np.dtype("<f4"))
            zeros = self._vector(details, 3, np.dtype("<i8"))
            axis = self._number(details, 6, "<i", 0)
        if scales.size > 1 and not (0 <= axis < len(shape) and shape[axis] == scales.size):
            raise _OutOfFile(f"'{name}' of shape {shape} has {scales.size} scales along axis {axis}")
        return Constant(name, shape, stored.view(kind), scales, zeros, axis)

    def _field(self, table: int, number: int) -> int | None:
        """Position of a field of the table; None if the table lacks it."""
        vtable = table - self._at("<i", table)
        place = 4 + 2 * number
        if place + 2 > self._at("<H", vtable):
            return None
        offset = self._at("<H", vtable + place)
        return table + offset if offset else None

    def _number(self, table: int, number: int, form: str, default: int) -> int:
        position = self._field(table, number)
        return default if position is None else self._at(form, position)

    def _vector(self, table: int, number: int, kind: np.dtype) -> np.ndarray:
        position = self._field(table, number)
        if position is None:
            return np.zeros(0, kind)
        start = self._target(position)
        length = self._at("<I", start)
        if start + 4 + length * kind.itemsize > len(self._data):
            raise _OutOfFile(f"{length} items at byte {start} of a file of {len(self._data)} bytes")
        return np.frombuffer(self._data, kind, length, start + 4)

    def _tables(self, table: int, number: int) -> list[int]:
        position = self._field(table, number)
        if position is None:
            return []
        first = self._target(position) + 4
        offsets = self._vector(table, number, np.dtype("<u4"))
        return [first + 4 * index + int(offset) for index, offset in enumerate(offsets)]

    def _target(self, position: int) -> int:
        return position + self._at("<I", position)

    def _at(self, form: str, position: int) -> int:
        if not 0 <= position <= len(self._data):
            raise _OutOfFile(f"byte {position} of a file of {len(self._data)} bytes")
        return struct.unpack_from(form, self._data, position)[0]


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


def _pick(items: list[int], index: int, what: str) -> int:
    if not 0 <= index < len(items):
        raise _OutOfFile(f"{what} {index} of {len(items)}")
    return items[index]
