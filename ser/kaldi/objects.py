"""Decode and encode one Kaldi object: a matrix or a vector, text or binary."""

import os
import struct
import warnings
from typing import BinaryIO, NamedTuple

import numpy as np

from ser.errors import SerError
from ser.files import BOM
from ser.kaldi import compression

# When imported, kaldi_io complains if KALDI_ROOT is not a folder, puts the programs of that folder first in PATH, and
# makes Python 3.12 warn of escapes in its source. Hide all of this from the user.
_environment = dict(os.environ)
os.environ["KALDI_ROOT"] = os.sep
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kaldi_io
os.environ.clear()
os.environ.update(_environment)

BINARY = b"\0B"
# Read at most this many bytes at once: a broken header may claim any size, and memory is taken only for what is there.
_BLOCK = 1 << 24
GZIP = b"\x1f\x8b"  # how a compressed file begins
_FLOATS: dict[str, np.dtype] = {"F": np.dtype("<f4"), "D": np.dtype("<f8")}
_INTEGERS = np.dtype([("size", "u1"), ("value", "<i4")])


class Source:
    """The bytes of one file or pipe, read in order, with the current position for messages."""

    def __init__(self, stream: BinaryIO, name: str, position: int = 0, key: str = "") -> None:
        self.stream = stream
        self.name = name
        self.position = position
        self.key = key

    def error(self, message: str) -> SerError:
        key = f"key '{self.key}', " if self.key else ""
        return SerError(f"{self.name}: {key}byte {self.position}: {message}")

    def take(self, count: int) -> bytes:
        """Read exactly `count` bytes."""
        blocks, left = [], count
        while left and (block := self.stream.read(min(left, _BLOCK))):
            blocks.append(block)
            left -= len(block)
        if left:
            raise self.error(f"truncated: {count} bytes are announced, {count - left} are left; make the file again")
        self.position += count
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def line(self) -> bytes:
        line = self.stream.readline()
        self.position += len(line)
        return line

    def next_key(self) -> bool:
        """Read the key of the next object of an archive; return False at the end of the file."""
        key = bytearray()
        while (byte := self.stream.read(1)) not in (b" ", b"\t", b""):
            # A text archive has a line feed after each object, a binary archive has nothing.
            if byte != b"\n" or key:
                key += byte
            self.position += 1
            if len(key) > 4096 or byte == b"\0":
                if key.startswith(GZIP):
                    raise self.error("compressed by gzip; read it through a pipe, 'ark:gunzip -c FILE |'")
                raise self.error("no key here; not a Kaldi archive, or a broken one")
        self.position += 1
        if not key and not byte:
            return False
        try:
            self.key = key.removeprefix(BOM).decode()
        except UnicodeDecodeError as error:
            raise self.error(f"no key here: {bytes(key[:40])!r}; not a Kaldi archive, or a broken one") from error
        if not byte or not key or "\n" in self.key:
            raise self.error("a key without an object; not a Kaldi archive, or a broken one")
        return True


class Header(NamedTuple):
    """The fields before the numbers of a binary object; `cols` is None for a vector."""

    kind: str
    rows: int
    cols: int | None
    minimum: float = 0.0
    span: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows,) if self.cols is None else (self.rows, self.cols)

    @property
    def payload(self) -> int:
        """Number of bytes of the numbers."""
        if self.kind == "int":
            return self.rows * _INTEGERS.itemsize
        if self.kind.startswith("CM"):
            return compression.payload_size(self.kind, self.rows, self.cols or 0)
        return self.rows * (1 if self.cols is None else self.cols) * _FLOATS[self.kind[0]].itemsize


def read_header(source: Source) -> Header:
    """Read the header of a binary object, after its marker ``\\0B``."""
    token = source.take(1)
    if token == b"\4":
        (size,) = struct.unpack("<i", source.take(4))
        header = Header("int", size, None)
    else:
        token += source.take(2)
        if token in (b"CM2", b"CM3"):
            token += source.take(1)
        if token in (b"FM ", b"DM "):
            size_1, rows, size_2, cols = struct.unpack("<bibi", source.take(10))
            header = Header(token[:2].decode(), rows, cols)
        elif token in (b"FV ", b"DV "):
            size_1, rows = struct.unpack("<bi", source.take(5))
            size_2, header = 4, Header(token[:2].decode(), rows, None)
        elif token in (b"CM ", b"CM2 ", b"CM3 "):
            minimum, span, rows, cols = struct.unpack("<ffii", source.take(16))
            size_1 = size_2 = 4
            header = Header(token[:-1].decode(), rows, cols, minimum, span)
        else:
            raise source.error(f"expected a matrix or vector (FM, DM, CM, CM2, CM3, FV, DV, integers), found {token!r}")
        if size_1 != 4 or size_2 != 4:
            raise source.error(f"expected 4-byte sizes, found {size_1} and {size_2}; the file is broken")
    if min(header.shape) < 0:
        raise source.error(f"negative size {header.shape}; the file is broken")
    return header


def decode(header: Header, payload: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Decode rows (of a vector: elements) `start` to `stop` of an object.

    Parameters
    ----------
    header : the header, from `read_header`.
    payload : (header.payload,) uint8, the numbers as stored.

    Returns
    -------
    A new array: float32, or float64 if stored so; int32 for a vector of integers.
    """
    stop = header.rows if stop is None else stop
    if header.kind == "int":
        return payload.view(_INTEGERS)["value"][start:stop].astype(np.int32)
    if header.kind.startswith("CM"):
        return compression.decompress(
            header.kind, header.minimum, header.span, (header.rows, header.cols or 0), payload, start, stop
        )
    dtype = _FLOATS[header.kind[0]]
    width = dtype.itemsize * (1 if header.cols is None else header.cols)
    numbers = np.frombuffer(payload[start * width : stop * width].tobytes(), dtype=dtype)
    return numbers.reshape(stop - start, *header.shape[1:]).astype(dtype.newbyteorder("="))


def read_object(source: Source) -> np.ndarray:
    """Read the next matrix or vector of `source`, binary (with its marker) or text."""
    first = source.take(1)
    if first == BOM[:1]:
        if source.take(2) != BOM[1:]:
            raise source.error("not a Kaldi object, neither text nor binary")
        first = source.take(1)
    if first == BINARY[:1]:
        if source.take(1) != BINARY[1:]:
            raise source.error("expected the binary marker \\0B; not a Kaldi object")
        header = read_header(source)
        return decode(header, np.frombuffer(source.take(header.payload), dtype=np.uint8))
    return read_text(source, first)


def read_text(source: Source, first: bytes = b"", dtype: type = np.float32) -> np.ndarray:
    """Read text: a matrix (one row per line) or a vector between brackets, or a line of integers."""
    line = first if first == b"\n" else first + source.line()
    if not line.lstrip().startswith(b"["):
        return _numbers(source, line.split(), np.int32)
    row = line.lstrip()[1:]
    if b"]" in row:
        values, _, rest = row.partition(b"]")
        if rest.strip():
            raise source.error(f"unexpected {rest[:40]!r} after ']'")
        return _numbers(source, values.split(), dtype)
    rows = [row.split()]
    while b"]" not in row:
        if not (row := source.line()):
            raise source.error("truncated: the file ends before ']'; make the file again")
        rows.append(row.split(b"]")[0].split())
    rows = [fields for fields in rows if fields]
    if len({len(fields) for fields in rows}) > 1:
        raise source.error(f"rows of a matrix differ in length: {sorted({len(fields) for fields in rows})}")
    return _numbers(source, rows, dtype) if rows else np.zeros((0, 0), dtype)


def _numbers(source: Source, fields: list, dtype: type) -> np.ndarray:
    try:
        return np.array(fields, dtype=dtype)
    except (ValueError, OverflowError) as error:
        raise source.error(f"not a number: {error}") from error


def write_binary(stream: BinaryIO, array: np.ndarray, method: int = 0) -> None:
    """Write `array` with its binary marker; `method` is Kaldi's compression method for matrices, 0 for none."""
    if array.ndim == 2 and method:
        stream.write(BINARY + compression.compress(array, method))
    elif array.ndim == 2:
        kaldi_io.write_mat(stream, array)
    elif array.dtype == np.int32:
        kaldi_io.write_vec_int(stream, array)
    else:
        kaldi_io.write_vec_flt(stream, array)


def write_text(stream: BinaryIO, array: np.ndarray) -> None:
    """Write `array` as Kaldi prints it: 7 significant digits, one row of a matrix per line."""
    if array.dtype == np.int32:
        stream.write(b"".join(b"%d " % value for value in array.tolist()) + b"\n")
    elif array.ndim == 1 or not array.size:
        stream.write((" [ " + "".join(f"{value:.7g} " for value in array.ravel().tolist()) + "]\n").encode())
    else:
        rows = ("\n  " + "".join(f"{value:.7g} " for value in row) for row in array.tolist())
        stream.write((" [" + "".join(rows) + "]\n").encode())


def as_kaldi(array: np.ndarray) -> np.ndarray:
    """Convert `array` to a type that Kaldi stores: float32 or float64, or int32 for a vector of integers."""
    array = np.asarray(array)
    if array.ndim not in (1, 2):
        raise SerError(f"expected a vector or a matrix, found an array of shape {array.shape}")
    if array.dtype.kind in "iu" and array.ndim == 1:
        if array.size and (array.min() < -(2**31) or array.max() >= 2**31):
            raise SerError(f"integers from {array.min()} to {array.max()} do not fit Kaldi's 32 bits")
        return np.ascontiguousarray(array, dtype=np.int32)
    if array.dtype.kind not in "fiub":
        raise SerError(f"expected numbers, found {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.float64 if array.dtype == np.float64 else np.float32)
