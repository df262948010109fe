"""Read the tokens and values of a Kaldi model file, binary or text, one after the other."""

import re
import struct

import numpy as np

from ser.errors import SerError

Value = str | int | float | np.ndarray

_ARRAYS = {b"FM ": ("<f4", 2), b"DM ": ("<f8", 2), b"FV ": ("<f4", 1), b"DV ": ("<f8", 1)}
# In a binary file an integer, a float and a list of integers look alike. These fields are integers ...
_INTEGERS = {"Dim", "BlockDim", "InputDim", "InputPeriod", "OutputPeriod", "LeftContext", "RightContext"} | {
    "NumLogCountFeatures", "NumComponents", "RankIn", "RankOut", "RankInOut", "UpdatePeriod", "TimePeriod",
    "SpecAugmentMaxRegions", "TimeMaskMaxFrames", "NumTuples",
}  # fmt: skip
# ... and these are lists of integers.
_INTEGER_LISTS = {"TimeOffsets"}
_TOKEN = re.compile(rb"\s*([^\s]+)\s")


class Cursor:
    """A position in the bytes of a file; it starts after the binary marker, if there is one."""

    def __init__(self, data: bytes, path: str) -> None:
        self.data, self.path = data, path
        self.binary = data.startswith(b"\0B")
        self.position = 2 if self.binary else 0

    def error(self, message: str) -> SerError:
        return SerError(f"{self.path}: byte {self.position}: {message}; the file is broken or of an unknown kind")

    def token(self) -> str:
        """Read a token and the one white-space character after it."""
        match = _TOKEN.match(self.data, self.position)
        if match is None:
            # Kaldi ends a file with a token and a blank, but an editor may have removed the blank.
            match = re.compile(rb"\s*([^\s]+)\Z").match(self.data, self.position)
        if match is None:
            raise self.error("the file ends too early")
        self.position = match.end()
        return match[1].decode("latin-1")

    def expect(self, wanted: str) -> None:
        if (found := self.token()) != wanted:
            raise self.error(f"expected {wanted}, found '{found[:40]}'")

    def skip_to(self, token: str) -> None:
        """Move to the position after the next `token`."""
        place = self.data.find(token.encode() + b" ", self.position)
        if place < 0:
            raise self.error(f"no {token}: the file ends too early")
        self.position = place + len(token) + 1

    def lines(self) -> list[str]:
        """Read lines up to the next empty line."""
        end = self.data.find(b"\n\n", self.position)
        if end < 0:
            raise self.error("no empty line after the nodes")
        text, self.position = self.data[self.position : end].decode("latin-1"), end + 2
        return [line.strip() for line in text.splitlines() if line.strip()]

    def integer(self, field: str) -> int:
        """Read one integer."""
        if self.binary:
            return int(self._scalar(field, "<i"))
        text = self.token()
        if not re.fullmatch(r"[+-]?[0-9]{1,10}", text):
            raise self.error(f"expected the integer of <{field}>, found '{text[:40]}'")
        return int(text)

    def value(self, field: str) -> Value:
        """Read the value between the token `field` and the next token.

        Returns
        -------
        A number; a matrix (rows, columns) or a vector; ``T`` or ``F``; an array of several numbers; or ``T`` for a flag
        that has no value and is set by being there.
        """
        if not self.binary:
            return self._text_value()
        values = []
        while self.data[self.position : self.position + 1] not in (b"<", b""):
            values.append(self._binary_value(field))
        if len(values) > 1:
            if not all(isinstance(value, (int, float)) for value in values):
                raise self.error(f"<{field}> has {len(values)} values")
            return np.array(values)
        return values[0] if values else "T"

    def arrays(self, field: str, count: int) -> list[np.ndarray]:
        """Read `count` arrays as float64: matrices, vectors, or packed lower triangles (``DP``, row after row)."""
        return [self._binary_array(field) if self.binary else self._text_array(field) for _ in range(count)]

    def _binary_array(self, field: str) -> np.ndarray:
        head = self.data[self.position : self.position + 3]
        if head in (b"DP ", b"FP "):
            self.position += 3
            rows = int(self._scalar(field, "<i"))
            dtype = np.dtype("<f8" if head[:1] == b"D" else "<f4")
            if rows < 0:
                raise self.error(f"<{field}> is of the size {rows}")
            found = np.frombuffer(self._take(rows * (rows + 1) // 2 * dtype.itemsize), dtype)
        elif head in _ARRAYS:
            found = np.asarray(self._binary_value(field))
        else:
            raise self.error(f"expected a matrix or vector of <{field}>, found {head!r}")
        return self._finite(field, found.astype(np.float64))

    def _text_array(self, field: str) -> np.ndarray:
        start = self.data.find(b"[", self.position)
        end = self.data.find(b"]", start)
        if start < 0 or end < 0 or self.data[self.position : start].strip():
            raise self.error(f"expected a matrix or vector of <{field}> in brackets")
        inside = self.data[start + 1 : end].decode("latin-1")
        rows = [line.split() for line in inside.splitlines() if line.strip()]
        self.position = end + 1
        widths = [len(row) for row in rows]
        try:
            if inside.lstrip(" ").startswith("\n") and len(set(widths)) == 1 and widths[0] > 0:
                return self._finite(field, np.array(rows, np.float64))
            if len(set(widths)) > 1 and widths != list(range(1, len(rows) + 1)):
                raise self.error(f"the rows of <{field}> differ in length: {sorted(set(widths))[:5]}")
            return self._finite(field, np.array([word for row in rows for word in row], np.float64))
        except ValueError as error:
            raise self.error(f"not a number: {error}") from error

    def _finite(self, field: str, array: np.ndarray) -> np.ndarray:
        if not np.isfinite(array).all():
            raise self.error(f"<{field}> holds NaN or infinity")
        return array

    def number(self, field: str) -> float:
        """Read one floating-point number."""
        try:
            return float(self._scalar(field, "<f") if self.binary else self.token())
        except ValueError as error:
            raise self.error(f"<{field}> is not a number: {error}") from error

    def _take(self, count: int) -> bytes:
        if count < 0 or self.position + count > len(self.data):
            raise self.error("the file ends too early")
        self.position += count
        return self.data[self.position - count : self.position]

    def _scalar(self, field: str, code: str) -> int | float:
        size = self._take(1)[0]
        if size == 8:
            code = "<d"
        elif size != 4:
            raise self.error(f"<{field}> is of {size} bytes")
        return struct.unpack(code, self._take(size))[0]

    def _binary_value(self, field: str) -> Value:
        head = self.data[self.position : self.position + 3]
        if head in _ARRAYS:
            self.position += 3
            dtype, ndim = _ARRAYS[head]
            shape = [int(self._scalar(field, "<i")) for _ in range(ndim)]
            if min(shape) < 0:
                raise self.error(f"<{field}> is of the size {shape}")
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            return np.frombuffer(self._take(size), dtype).reshape(shape)
        if head[:1] in (b"T", b"F"):
            return self._take(1).decode()
        if field in _INTEGER_LISTS:
            if self._take(1) != b"\4":
                raise self.error(f"<{field}> is no list of integers")
            (count,) = struct.unpack("<i", self._take(4))
            return np.frombuffer(self._take(4 * count), "<i4")
        return self._scalar(field, "<i" if field in _INTEGERS else "<f")

    def _text_value(self) -> Value:
        end = self.data.find(b"<", self.position)
        if end < 0:
            raise self.error("the file ends too early")
        text = self.data[self.position : end].decode("latin-1")
        self.position = end
        try:
            if "[" in text:
                inside = text.partition("[")[2].partition("]")[0]
                rows = [line.split() for line in inside.splitlines() if line.strip()]
                # A matrix begins on a line of its own.
                array = np.array(rows, np.float32) if rows else np.zeros((0, 0), np.float32)
                return array if inside.startswith("\n") else array.reshape(-1)
            words = text.split()
            if not words or words in (["T"], ["F"]):
                return words[0] if words else "T"
            numbers = [float(word) for word in words]
            return numbers[0] if len(numbers) == 1 else np.array(numbers)
        except ValueError as error:
            raise self.error(f"not a number: {error}") from error
