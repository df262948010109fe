import struct

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ark, compression

FLOAT = np.float32


def decode_as_kaldi(data: bytes) -> np.ndarray:
    """A compressed matrix decoded one number after the other, written after the format's description."""
    token, data = data.split(b" ", 1)
    low, width, rows, cols = struct.unpack("<ffii", data[:16])
    low, width, data = FLOAT(low), FLOAT(width), data[16:]
    values = np.empty((rows, cols), FLOAT)
    for row in range(rows):
        for col in range(cols):
            if token == b"CM":
                codes = struct.unpack_from("<4H", data, 8 * col)
                p = [low + width * FLOAT(1.52590218966964e-05) * FLOAT(code) for code in codes]
                byte = data[8 * cols + col * rows + row]
                step, first, count = (0, 0, 64) if byte <= 64 else (1, 64, 128) if byte <= 192 else (2, 192, 63)
                part = (p[step + 1] - p[step]) * FLOAT(byte - first)
                values[row, col] = float(p[step]) + float(part) * (1 / count)
            elif token == b"CM2":
                (code,) = struct.unpack_from("<H", data, 2 * (row * cols + col))
                values[row, col] = low + FLOAT(code) * FLOAT(float(width) * (1 / 65535))
            else:
                values[row, col] = low + FLOAT(data[row * cols + col]) * FLOAT(float(width) * (1 / 255))
    return values


def decode(data: bytes, start: int = 0, stop: int | None = None) -> np.ndarray:
    token, data = data.split(b" ", 1)
    low, width, rows, cols = struct.unpack("<ffii", data[:16])
    payload = np.frombuffer(data[16:], np.uint8)
    return compression.decompress(
        token.decode(), low, width, (rows, cols), payload, start, rows if stop is None else stop
    )


@pytest.mark.parametrize("method", [1, 2, 3, 5])
def test_compressed_archive_is_byte_for_byte_kaldis(reference, tmp_path, method):
    written = tmp_path / "feats.ark"
    with ark.Writer(f"ark:{written}", compression=method) as writer:
        for key, feats in ark.read(f"ark:{reference}/feats/mfcc_pitch.ark"):
            writer.write(key, feats)
    assert written.read_bytes() == (reference / f"feats/mfcc_pitch_cm{method}.ark").read_bytes()


@pytest.mark.parametrize("method", [1, 2, 3, 5])
def test_kaldis_compressed_archive_is_decoded_number_for_number(reference, method):
    data = (reference / f"feats/mfcc_pitch_cm{method}.ark").read_bytes()
    decoded = ark.load(f"ark:{reference}/feats/mfcc_pitch_cm{method}.ark")
    for key in ("click", "silence"):
        start = data.index(f"{key} \0B".encode()) + len(key) + 3
        np.testing.assert_array_equal(decoded[key], decode_as_kaldi(data[start : start + 20 + 70 * 33 * 2 + 264]))


@pytest.mark.parametrize("method", range(1, 8))
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 8, 9, 300])
def test_what_was_compressed_comes_back_within_one_step(method, rows):
    matrix = np.random.default_rng(rows).uniform(0, 1, (rows, 7)).astype(FLOAT)
    step = {4: 1, 6: 1, 7: 1 / 255, 5: 1 / 255}.get(method, 1 / 32 if rows > 8 or method == 2 else 1 / 65535)
    assert np.abs(decode(compression.compress(matrix, method)) - matrix).max() <= step


@pytest.mark.parametrize("method", [2, 3, 5])
def test_rows_are_those_of_the_whole(method):
    data = compression.compress(np.random.default_rng(0).normal(size=(50, 5)), method)
    np.testing.assert_array_equal(decode(data, 7, 31), decode(data)[7:31])


@pytest.mark.parametrize("value", [0.0, -3.5, 1e20])
@pytest.mark.parametrize("method", [1, 2, 3, 5])
def test_constant_matrix_keeps_its_value(method, value):
    matrix = np.full((20, 3), value, FLOAT)
    np.testing.assert_allclose(decode(compression.compress(matrix, method)), matrix, rtol=1e-4, atol=1e-4)


def test_spread_outliers_leave_the_percentiles_increasing():
    matrix = np.full((20, 1), 1.0, FLOAT)
    matrix[3] = 0
    codes = np.frombuffer(compression.compress(matrix, 2)[19:27], "<u2")
    assert (np.diff(codes.astype(int)) > 0).all() and codes[-1] == 65535


def test_decoded_type_and_shape():
    decoded = decode(compression.compress(np.zeros((12, 4)), 1))
    assert decoded.dtype == FLOAT and decoded.shape == (12, 4)


def test_empty_matrix_is_kaldis_empty_matrix():
    assert compression.compress(np.zeros((0, 5)), 1) == b"CM " + bytes(16)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_infinity_and_nan_are_refused(value):
    with pytest.raises(SerError, match="an infinity or NaN cannot be compressed"):
        compression.compress(np.array([[1.0, value]]), 1)


def test_unknown_method_is_refused():
    with pytest.raises(SerError, match="method 8 is unknown; give 0"):
        compression.compress(np.zeros((2, 2)), 8)
