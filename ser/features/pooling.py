"""Pooling of an utterance's frames into a vector: their mean, or their mean and standard deviation."""

import numpy as np

from ser.errors import SerError

MEAN, MEAN_STDDEV = STATISTICS = ("mean", "mean_stddev")


def pool(frames: np.ndarray, statistics: str) -> np.ndarray:
    """Pool frames (T, D) over time: (D,) or, mean first, (2 D,) float32. The deviation is that of the frames (1 / T).

    Parameters
    ----------
    statistics : ``mean`` or ``mean_stddev``.

    Raises
    ------
    SerError
        If there are no frames, or `statistics` is neither.
    """
    if statistics not in STATISTICS:
        raise SerError(f"statistics '{statistics}': expected {' or '.join(STATISTICS)}")
    if frames.ndim != 2 or not len(frames):
        raise SerError(f"pooling: expected one frame or more, found an array of shape {frames.shape}")
    moments = [frames.mean(axis=0, dtype=np.float64)]
    if statistics == MEAN_STDDEV:
        moments.append(frames.std(axis=0, dtype=np.float64))
    return np.concatenate(moments).astype(np.float32)
