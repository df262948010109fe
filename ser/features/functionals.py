"""Functionals: a vector of statistics of an utterance's features, the input of a support vector machine.

The idea is from F. Eyben et al., "The Geneva minimalistic acoustic parameter set", IEEE T-AFFC 7(2), 2016; the features
here are the recipe's own, MFCC and pitch.
"""

import numpy as np

from ser.errors import SerError

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def functionals(features: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Pool the voiced frames of an utterance.

    Parameters
    ----------
    features : (T, F), without mean normalisation.
    voiced : (T,) bool, whether a frame is speech; at least one is.

    Returns
    -------
    (9 F + 3,) float32. For each of F features: mean, standard deviation, the quantiles `QUANTILES`, and standard
    deviation and mean absolute value of the difference between successive voiced frames. Then T, the number of voiced
    frames, and their share.

    Raises
    ------
    SerError
        If no frame is voiced.

    >>> found = functionals(np.array([[1.0], [3.0], [9.0]]), np.array([True, True, False]))
    >>> found.tolist()[:2], found.tolist()[7:]
    ([2.0, 1.0], [0.0, 2.0, 3.0, 2.0, 0.6666666865348816])
    """
    kept = np.asarray(features, dtype=np.float64)[voiced]  # (V, F)
    if not len(kept):
        raise SerError("functionals: no voiced frame")
    steps = np.diff(kept, axis=0) if len(kept) > 1 else np.zeros_like(kept)
    parts = [
        kept.mean(axis=0),
        kept.std(axis=0),
        np.quantile(kept, QUANTILES, axis=0).ravel(),
        steps.std(axis=0),
        np.abs(steps).mean(axis=0),
        [len(features), len(kept), len(kept) / len(features)],
    ]
    return np.concatenate(parts).astype(np.float32)
