"""Read and write Kaldi's compressed matrices with exactly Kaldi's numbers.

Three formats, all little-endian after a header of (minimum float32, range float32, rows int32, columns int32):

CM   four uint16 percentiles (0, 25, 75, 100 %) for each column, then one byte per value, column by column. Of the
     byte's 255 steps, 64 lead from the first percentile to the second, 128 to the third and 63 to the last.
CM2  one uint16 per value, row by row, evenly spaced over the range.
CM3  one uint8 per value, likewise.

Each step uses the precision, single or double, that it has in Kaldi's ``CompressedMatrix``.
"""

import struct

import numpy as np

from ser.errors import SerError

# Kaldi's CompressionMethod: 1 automatic, 2 speech features, 3 two bytes, 4 two bytes over [-32768, 32767],
# 5 one byte, 6 one byte over [0, 255], 7 one byte over [0, 1].
METHODS = range(1, 8)
_FIXED_RANGES = {4: (-32768.0, 65535.0), 6: (0.0, 255.0), 7: (0.0, 1.0)}
_AUTOMATIC, _SPEECH, _TWO_BYTE = 1, 2, (3, 4)
# Up to this number of rows the column headers of CM take more bytes than the codes save.
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
    minimum, span : least value and range, from the header.
    shape : (rows, columns), from the header.
    payload : (payload_size,) uint8, the bytes after the header.

    Returns
    -------
    (stop - start, columns) float32
    """
    rows, cols = shape
    low, width = np.float32(minimum), np.float32(span)
    if kind == "CM":
        percentiles = low + width * np.float32(1.52590218966964e-05) * _uint16(payload[: 8 * cols]).reshape(cols, 4)
        # (columns, 256): the value of each possible byte in each column. Decoding is then one look-up per value.
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
    # Copy, because the rows may start at an odd address in the file.
    return np.frombuffer(payload.tobytes(), dtype="<u2").astype(np.float32)


def _compress_columns(matrix: np.ndarray, low: np.float32, width: np.float32) -> bytes:
    columns = np.ascontiguousarray(matrix.T)
    rows = columns.shape[1]
    quarter = rows // 4
    order = [0, quarter, 3 * quarter, rows - 1] if rows >= 5 else list(range(rows))
    codes = np.zeros((len(columns), 4), dtype=np.int32)
    codes[:, : len(order)] = _quantise(np.sort(columns, axis=1)[:, order], low, width, 65535)
    # The four codes of a column must increase strictly: keep the first at most 65532 to leave room for the other three.
    codes[:, 0] = np.minimum(codes[:, 0], 65532)
    for index in (1, 2, 3):
        codes[:, index] = np.minimum(np.maximum(codes[:, index], codes[:, index - 1] + 1), 65532 + index)
    percentiles = low + width * np.float32(1.52590218966964e-05) * codes.astype(np.float32)
    # Add up three ramps. A value beyond the end of a segment gets all steps of that segment, a value before its start
    # gets none, so no case distinction is needed.
    data = np.zeros(columns.shape, dtype=np.uint8)
    for step, count in enumerate((64, 128, 63)):
        start = percentiles[:, [step]]
        share = (columns - start) / (percentiles[:, [step + 1]] - start)
        np.clip(share, 0, 1, out=share)
        data += (np.multiply(share, np.float32(count)).astype(np.float64) + 0.5).astype(np.uint8)
    return codes.astype("<u2").tobytes() + data.tobytes()
