"""Kaldi's compressed matrices, read and written number for number.

Three formats, all little-endian after a header of (minimum float32, range float32, rows int32, columns int32):

CM   each column has four uint16 percentiles (0, 25, 75, 100 %), then a byte a value; a byte counts 64 steps from the
     first percentile to the second, 128 to the third, 63 to the last. Columns one after the other.
CM2  a uint16 a value, evenly spaced over the range, row by row.
CM3  a uint8 a value, the same.

The arithmetic, single precision here and double there, is that of Kaldi's ``CompressedMatrix``.
"""

import struct

import numpy as np

from ser.errors import SerError

# Kaldi's CompressionMethod: 1 automatic, 2 speech features, 3 two bytes, 4 two bytes over [-32768, 32767],
# 5 one byte, 6 one byte over [0, 255], 7 one byte over [0, 1].
METHODS = range(1, 8)
_FIXED_RANGES = {4: (-32768.0, 65535.0), 6: (0.0, 255.0), 7: (0.0, 1.0)}
_AUTOMATIC, _SPEECH, _TWO_BYTE = 1, 2, (3, 4)
# Under this number of rows the column headers cost more than they save.
_ROWS_FOR_COLUMN_HEADERS = 8

_BYTE = np.arange(256)
_STEP = 1.0 / np.where(_BYTE <= 64, 64.0, np.where(_BYTE <= 192, 128.0, 63.0))
_SEGMENT = np.where(_BYTE <= 64, 0, np.where(_BYTE <= 192, 1, 2))
_COUNT = (_BYTE - np.array([0, 64, 192])[_SEGMENT]).astype(np.float32)


def payload_size(kind: str, rows: int, cols: int) -> int:
    """Bytes that follow the header of a `rows` by `cols` matrix of format `kind` (CM, CM2 or CM3)."""
    if kind == "CM":
        return cols * (8 + rows)
    return rows * cols * (2 if kind == "CM2" else 1)


def decompress(
    kind: str, minimum: float, span: float, shape: tuple[int, int], payload: np.ndarray, start: int, stop: int
) -> np.ndarray:
    """Decode rows `start` to `stop` of a compressed matrix.

    Parameters
    ----------
    kind : CM, CM2 or CM3.
    minimum, span : the header's least value and range.
    shape : the header's (rows, columns).
    payload : (payload_size,) uint8, what follows the header.

    Returns
    -------
    (stop - start, columns) float32
    """
    rows, cols = shape
    low, width = np.float32(minimum), np.float32(span)
    if kind == "CM":
        percentiles = low + width * np.float32(1.52590218966964e-05) * _uint16(payload[: 8 * cols]).reshape(cols, 4)
        # What each of the 256 bytes means in each column, then one look-up a value.
        values = (np.diff(percentiles)[:, _SEGMENT] * _COUNT) * _STEP + percentiles[:, _SEGMENT]
        codes = payload[8 * cols :].reshape(cols, rows)[:, start:stop].T
        return values.astype(np.float32).ravel()[codes + 256 * np.arange(cols)]
    if kind == "CM2":
        codes, top = _uint16(payload[2 * start * cols : 2 * stop * cols]), 65535.0
    else:
        codes, top = payload[start * cols : stop * cols].astype(np.float32), 255.0
    return (low + codes * np.float32(float(width) * (1.0 / top))).reshape(stop - start, cols)


def compress(matrix: np.ndarray, method: int) -> bytes:
    """Encode a (rows, columns) float32 matrix by Kaldi's compression `method`: token, header and data.

    Raises
    ------
    SerError
        If the method is unknown or the matrix has an infinity or NaN.
    """
    if method not in METHODS:
        raise SerError(
            f"compression method {method} is unknown; give 0 (none) or 1 to 7, as Kaldi's --compression-method"
        )
    matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    rows, cols = matrix.shape
    if not matrix.size:
        return b"CM " + bytes(16)
    if method == _AUTOMATIC:
        method = _SPEECH if rows > _ROWS_FOR_COLUMN_HEADERS else _TWO_BYTE[0]
    low, width = _FIXED_RANGES.get(method) or _range(matrix)
    low, width = np.float32(low), np.float32(width)
    header = struct.pack("<ffii", low, width, rows, cols)
    if method == _SPEECH:
        return b"CM " + header + _compress_columns(matrix, low, width)
    if method in _TWO_BYTE:
        return b"CM2 " + header + _quantise(matrix, low, width, 65535).astype("<u2").tobytes()
    return b"CM3 " + header + _quantise(matrix, low, width, 255).astype(np.uint8).tobytes()


def _range(matrix: np.ndarray) -> tuple[np.float32, np.float32]:
    low, high = matrix.min(), matrix.max()
    if not np.isfinite(high - low):
        raise SerError("an infinity or NaN cannot be compressed; find its cause, or write without compression")
    if high == low:
        high = np.float32(float(low) + (1.0 + abs(float(low))))
    return low, high - low


def _quantise(values: np.ndarray, low: np.float32, width: np.float32, top: int) -> np.ndarray:
    share = np.clip((values - low) / width, 0, 1) * np.float32(top)
    return (share.astype(np.float64) + 0.499).astype(np.int32)


def _uint16(payload: np.ndarray) -> np.ndarray:
    # The rows may start at an odd address in the file.
    return np.frombuffer(payload.tobytes(), dtype="<u2").astype(np.float32)


def _compress_columns(matrix: np.ndarray, low: np.float32, width: np.float32) -> bytes:
    columns = np.ascontiguousarray(matrix.T)
    rows = columns.shape[1]
    quarter = rows // 4
    order = [0, quarter, 3 * quarter, rows - 1] if rows >= 5 else list(range(rows))
    codes = np.zeros((len(columns), 4), dtype=np.int32)
    codes[:, : len(order)] = _quantise(np.sort(columns, axis=1)[:, order], low, width, 65535)
    # The four must increase strictly, and there must be room above the first for the other three.
    codes[:, 0] = np.minimum(codes[:, 0], 65532)
    for index in (1, 2, 3):
        codes[:, index] = np.minimum(np.maximum(codes[:, index], codes[:, index - 1] + 1), 65532 + index)
    percentiles = low + width * np.float32(1.52590218966964e-05) * codes.astype(np.float32)
    # A value past a step's end has all of that step, one before its start nothing: three sums do for the three cases.
    data = np.zeros(columns.shape, dtype=np.uint8)
    for step, count in enumerate((64, 128, 63)):
        start = percentiles[:, [step]]
        share = (columns - start) / (percentiles[:, [step + 1]] - start)
        np.clip(share, 0, 1, out=share)
        data += (np.multiply(share, np.float32(count)).astype(np.float64) + 0.5).astype(np.uint8)
    return codes.astype("<u2").tobytes() + data.tobytes()
