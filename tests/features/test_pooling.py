"""Frames pooled into a vector: against hand-made numbers."""

import numpy as np
import pytest

from ser.errors import SerError
from ser.features.pooling import pool

FRAMES = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 6.0]], np.float32)


def test_mean_and_deviation_of_frames():
    np.testing.assert_allclose(pool(FRAMES, "mean"), [3, 2])
    found = pool(FRAMES, "mean_stddev")
    np.testing.assert_allclose(found, [3, 2, np.sqrt(8 / 3), np.sqrt(8)], rtol=1e-6)
    assert found.dtype == np.float32


def test_sums_are_in_double_precision():
    frames = np.full((200_000, 1), 16_777.217, np.float32)
    np.testing.assert_allclose(pool(frames, "mean_stddev"), [16_777.217, 0], rtol=1e-7, atol=1e-3)


def test_no_frames_and_other_statistics_are_refused():
    with pytest.raises(SerError, match=r"one frame or more, found an array of shape \(0, 2\)"):
        pool(FRAMES[:0], "mean")
    with pytest.raises(SerError, match="statistics 'median': expected mean or mean_stddev"):
        pool(FRAMES, "median")
