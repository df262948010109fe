"""Online cepstral mean normalisation, like Kaldi's ``apply-cmvn-online`` (feat/online-feature.cc, OnlineCmvn)."""

from dataclasses import dataclass

import numpy as np

from ser.errors import SerError


@dataclass(frozen=True)
class OnlineCmvnOptions:
    """Options of ``apply-cmvn-online``; windows and histories are numbers of frames."""

    cmn_window: int = 600
    speaker_frames: int = 600
    global_frames: int = 200
    norm_means: bool = True
    norm_vars: bool = False
    skip_dims: str = ""  # columns that are not normalised, separated by colons

    def __post_init__(self) -> None:
        if self.cmn_window < 1 or min(self.speaker_frames, self.global_frames) < 0:
            raise SerError("cmn-window must be at least 1, speaker-frames and global-frames at least 0")
        if self.norm_vars and not self.norm_means:
            raise SerError("norm-vars=true needs norm-means=true")
        if not all(word.isdigit() for word in self.skip_dims.replace(":", " ").split()):
            raise SerError(f"skip-dims={self.skip_dims}: expected numbers separated by colons")


def cmvn_stats(features: np.ndarray) -> np.ndarray:
    """Return CMVN statistics (2, D + 1) float64: sums of the frames and their number, then sums of squares."""
    x = features.astype(np.float64)
    stats = np.zeros((2, x.shape[1] + 1))
    stats[0, :-1], stats[1, :-1], stats[0, -1] = x.sum(0), (x * x).sum(0), len(x)
    return stats


def online_cmvn(
    features: np.ndarray, global_stats: np.ndarray, speaker_stats: np.ndarray | None, options: OnlineCmvnOptions
) -> np.ndarray:
    """Subtract from each frame the mean of the frames up to and including it.

    The mean is over the last `cmn_window` frames. If there are fewer, statistics of the speaker's earlier utterances
    fill the window, and then those of the corpus.

    Parameters
    ----------
    features : (T, D) float32.
    global_stats : (2, D + 1), from `cmvn_stats` over a corpus.
    speaker_stats : (2, D + 1) of the speaker's earlier utterances; None if there are none.

    Returns
    -------
    (T, D) float32.
    """
    frames, dim = features.shape
    if global_stats.shape != (2, dim + 1) or not global_stats[0, -1] > 0:
        raise SerError(
            f"global CMVN statistics of shape {global_stats.shape} over {global_stats[0, -1]:g} frames; "
            f"features of {dim} need (2, {dim + 1}) over some"
        )
    if not options.norm_means:
        return features.astype(np.float32)
    x = features.astype(np.float64)
    rows = np.arange(frames)
    counts = np.minimum(rows + 1.0, options.cmn_window)
    sums = [_window_sums(x, options.cmn_window)]
    if options.norm_vars:
        sums.append(_window_sums(x * x, options.cmn_window))
    sources = [(global_stats, options.global_frames)]
    if speaker_stats is not None and speaker_stats[0, -1] > 0:
        sources.insert(0, (speaker_stats, min(options.speaker_frames, speaker_stats[0, -1])))
    for stats, most in sources:
        added = np.clip(options.cmn_window - counts, 0, most)
        for row, total in enumerate(sums):
            total += (added / stats[0, -1])[:, None] * stats[row, :-1]
        counts = counts + added
    means = sums[0] / counts[:, None]
    skipped = [int(word) for word in options.skip_dims.replace(":", " ").split()]
    means[:, skipped] = 0
    if not options.norm_vars:
        return features.astype(np.float32) - means.astype(np.float32)
    scales = 1 / np.sqrt(np.maximum(sums[1] / counts[:, None] - means**2, 1e-20))
    scales[:, skipped] = 1
    return ((x - means) * scales).astype(np.float32)


def _window_sums(x: np.ndarray, window: int) -> np.ndarray:
    """Return for each row the sum of the last `window` rows up to and including it: (T, D)."""
    sums = x.cumsum(axis=0)
    sums[window:] -= sums[:-window].copy()
    return sums
