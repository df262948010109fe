"""Cepstral mean and variance normalisation, as in Kaldi's ``apply-cmvn-sliding``, ``compute-cmvn-stats``
and ``apply-cmvn``."""

from dataclasses import dataclass

import numpy as np

from ser.errors import SerError

# Kaldi's floors of the variance: of a window, and of statistics.
VARIANCE_FLOOR = 1e-10
STATS_VARIANCE_FLOOR = 1e-20


@dataclass(frozen=True)
class SlidingCmvnOptions:
    """Options of ``apply-cmvn-sliding``, with Kaldi's defaults; windows are in frames."""

    cmn_window: int = 600
    min_cmn_window: int = 100
    norm_vars: bool = False
    center: bool = False

    def __post_init__(self) -> None:
        if self.cmn_window < 1 or not (self.center or 1 <= self.min_cmn_window <= self.cmn_window):
            raise SerError(
                f"cmn-window={self.cmn_window}, min-cmn-window={self.min_cmn_window}: expected 1 <= min-cmn-window"
                " <= cmn-window"
            )


def sliding_cmvn(feats: np.ndarray, options: SlidingCmvnOptions) -> np.ndarray:
    """Subtract from each frame the mean of the window around it, and divide by the standard deviation if asked to.

    Near the ends of the utterance a centred window is shifted so that it lies inside.

    Parameters
    ----------
    feats : (T, F) features.
    options : the window, and whether to normalise variance.

    Returns
    -------
    (T, F) float32.
    """
    num_frames = len(feats)
    frames = np.arange(num_frames)
    # (T,) the window of each frame is from `begin` to before `end`.
    if options.center:
        begin = np.maximum(frames - options.cmn_window // 2, 0)
        end = begin + options.cmn_window
    else:
        begin = np.maximum(frames - options.cmn_window, 0)
        end = np.maximum(frames + 1, options.min_cmn_window)
    begin = np.maximum(begin - np.maximum(end - num_frames, 0), 0)
    end = np.minimum(end, num_frames)
    count = (end - begin)[:, None]  # (T, 1)

    # A window's sum is the difference of two running sums.
    double = feats.astype(np.float64)
    sums = _sums(double)
    mean = (sums[end] - sums[begin]) / count
    if not options.norm_vars:
        return (double - mean).astype(np.float32)
    sums = _sums(np.square(double))
    variance = np.maximum((sums[end] - sums[begin]) / count - np.square(mean), VARIANCE_FLOOR)
    return np.where(count == 1, 0, (double - mean) / np.sqrt(variance)).astype(np.float32)


def _sums(values: np.ndarray) -> np.ndarray:
    sums = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    return sums


def cmvn_stats(feats: np.ndarray) -> np.ndarray:
    """Compute the statistics of features (T, F) in Kaldi's form.

    Returns
    -------
    (2, F + 1) float64: row 0 the sums and the number of frames, row 1 the sums of squares and 0. Statistics of several
    utterances can be added.
    """
    stats = np.zeros((2, feats.shape[1] + 1))
    stats[0, :-1], stats[0, -1] = feats.sum(axis=0, dtype=np.float64), len(feats)
    # Squares in single precision and sums in double precision, as in Kaldi.
    stats[1, :-1] = np.square(feats, dtype=np.float32).sum(axis=0, dtype=np.float64)
    return stats


def apply_cmvn(feats: np.ndarray, stats: np.ndarray, norm_vars: bool = True) -> np.ndarray:
    """Subtract the mean of statistics, such as a speaker's, and divide by their standard deviation if asked to.

    Source: Kaldi, src/transform/cmvn.cc, ApplyCmvn.

    Parameters
    ----------
    feats : (T, F) features.
    stats : (2, F + 1), as `cmvn_stats` returns them.

    Returns
    -------
    (T, F) float32.

    Raises
    ------
    SerError
        If the statistics are of no frame, or of another number of features.
    """
    if stats.shape != (2, feats.shape[1] + 1) or stats[0, -1] < 1.0:
        raise SerError(
            f"cmvn: statistics of shape {stats.shape} for features of dimension {feats.shape[1]}, or over no frames"
        )
    mean = stats[0, :-1] / stats[0, -1]
    scale = np.ones_like(mean)
    if norm_vars:
        variance = stats[1, :-1] / stats[0, -1] - np.square(mean)
        scale = 1.0 / np.sqrt(np.maximum(variance, STATS_VARIANCE_FLOOR))
    # In single precision, as in Kaldi.
    return feats.astype(np.float32) * scale.astype(np.float32) - (mean * scale).astype(np.float32)
