"""Functionals: one vector of statistics of an utterance's features, what a support vector machine takes as its input.

Source: the idea is that of F. Eyben et al., "The Geneva minimalistic acoustic parameter set", IEEE T-AFFC 7(2), 2016;
the features here are the recipe's own, MFCC and pitch.
"""

import numpy as np

from ser.errors import SerError

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def functionals(features: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Pool the voiced frames of an utterance.

    Parameters
    ----------
    features : (T, F), without mean normalisation.
    voiced : (T,), over 0.5 where a frame is speech, at least one.

    Returns
    -------
    (9 F + 3,) float32: mean, standard deviation, the quantiles `QUANTILES`, and the standard deviation and mean
    absolute value of the step from one voiced frame to the next, each of F features; then T, the number of voiced
    frames and their share.

    Raises
    ------
    SerError
        Where no frame is voiced or the lengths differ by more than one frame, which the end of the recording explains.

    >>> found = functionals(np.array([[1.0], [3.0], [9.0]]), np.array([1, 1, 0]))
    >>> found.tolist()[:2], found.tolist()[7:]
    ([2.0, 1.0], [0.0, 2.0, 3.0, 2.0, 0.6666666865348816])
    """
    if abs(len(features) - len(voiced)) > 1:
        raise SerError(f"functionals: {len(features)} frames and {len(voiced)} decisions on speech; make both again")
    size = min(len(features), len(voiced))
    kept = np.asarray(features[:size], dtype=np.float64)[np.asarray(voiced[:size]) > 0.5]  # (V, F)
    if not len(kept):
        raise SerError("functionals: no voiced frame")
    steps = np.diff(kept, axis=0) if len(kept) > 1 else np.zeros_like(kept)
    parts = [
        kept.mean(axis=0),
        kept.std(axis=0),
        np.quantile(kept, QUANTILES, axis=0).ravel(),
        steps.std(axis=0),
        np.abs(steps).mean(axis=0),
        [size, len(kept), len(kept) / size],
    ]
    return np.concatenate(parts).astype(np.float32)
