"""Confidence intervals and significance tests over resampled speakers or folds, and over trainings of several seeds.

A figure of a system varies with the speakers that it is scored on, and with the seed of its training. Resamples
(`ser.metrics.bootstrap`) measure the first, trainings with several seeds the second. Resamples of few speakers vary too
little; `spread` corrects that (T. Hesterberg, "What teachers should know about the bootstrap", The American
Statistician 2015, section 4.5).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ser.errors import SerError

logger = logging.getLogger(__name__)


def interval(values: np.ndarray, level: float = 0.95, units: int | None = None) -> tuple[float, float]:
    """Return the percentile interval of a figure over its resamples (R,).

    Resamples without the figure (NaN) are left out, and their number is logged; (NaN, NaN) if no resample has it.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.

    Parameters
    ----------
    units : number of speakers or folds that were resampled: the fewer, the wider the interval, see `spread`. None: the
        values are used as they are.

    >>> interval(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    """
    known = spread(values, level, units)
    known = known[~np.isnan(known)]
    if len(known) < len(values):
        logger.debug(
            "interval: left out %d of %d resamples, which have no value", len(values) - len(known), len(values)
        )
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def spread(
    values: np.ndarray, level: float, units: int | None, trainings: Sequence[Sequence[float]] = (), seed: int = 0
) -> np.ndarray:
    """Widen resamples (R,) for few units and few seeds, so that their quantiles are the confidence interval.

    1. Resampling n units shrinks the variance by (n - 1) / n; this is undone.
    2. A normal draw with the standard error of a mean over S seeds is added to each resample, for each such mean.
    3. All are spread about their mean by the ratio of Student's quantile to the normal one, at the degrees of freedom
       of such a sum (B. L. Welch, "The generalization of Student's problem", Biometrika 1947): (sum of variances)^2 /
       sum of (variance^2 / degrees), with n - 1 and S - 1 degrees.

    Parameters
    ----------
    values : (R,); NaN, which stays NaN, if a resample does not have the figure.
    units : n, the number of speakers or folds that were resampled; None: the variance needs no correction.
    trainings : for each mean over seeds that is in `values`, the figures (S,) of its seeds. One seed adds no variance.
    seed : of the normal draws.
    """
    if not 0.0 < level < 1.0:
        raise SerError(f"interval: a level lies between 0 and 1, found {level}")
    if np.isnan(values).all() or (units is None and not trainings):
        return values
    if units is not None and units < 2:
        raise SerError(f"interval: resamples of {units} speakers or folds; it takes 2")
    centre = np.nanmean(values)
    varied = (values - centre) * (1.0 if units is None else np.sqrt(units / (units - 1)))  # (R,), step 1
    variances = [float(np.nanvar(varied))]
    degrees = [np.inf if units is None else units - 1]
    rng = np.random.default_rng((seed, 1))
    for figures in trainings:
        error = np.std(figures, ddof=1) / np.sqrt(len(figures)) if len(figures) > 1 else 0.0
        varied = varied + error * rng.standard_normal(len(values))  # step 2
        variances.append(float(error) ** 2)
        degrees.append(max(1, len(figures) - 1))
    total = sum(variances)
    if total == 0.0:
        return values
    freedom = total**2 / max(sum(v**2 / d for v, d in zip(variances, degrees, strict=True)), 1e-300)
    quantile = (1.0 + level) / 2.0
    # Step 3.
    return centre + varied * stats.t.ppf(quantile, freedom) / stats.norm.ppf(quantile)


def resample_folds(figures: Sequence[float], resamples: int, seed: int) -> np.ndarray:
    """Draw F of the F folds with replacement and average their figures (F,), R times: (R,).

    This is for folds of so few speakers that speakers cannot be resampled: a resample of one or two often has no pairs
    between speakers. Row r depends on the number of folds, `seed` and r alone, so that all systems have the same draws.
    """
    drawn = np.random.default_rng((seed, len(figures))).integers(len(figures), size=(resamples, len(figures)))
    return np.asarray(figures, dtype=np.float64)[drawn].mean(axis=1)


@dataclass(frozen=True)
class Comparison:
    """The confidence interval of the difference between two systems in a figure, and its two-sided p value."""

    low: float
    high: float
    p: float


def compare(differences: np.ndarray, level: float = 0.95) -> Comparison:
    """Compare two systems by the differences (R,), first minus second, of a figure over the same resamples.

    p is twice the share of differences on the rarer side of 0, after adding 1 to their count and to R for the original
    data (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, eq. 4.11): it is at least 2 / (R + 1),
    and 1 for identical systems. Resamples in which one of the two has no figure (NaN) are left out.
    """
    known = differences[~np.isnan(differences)]
    if not len(known):
        return Comparison(np.nan, np.nan, np.nan)
    rarer = min(np.count_nonzero(known <= 0.0), np.count_nonzero(known >= 0.0))
    p = min(1.0, 2.0 * (1 + rarer) / (1 + len(known)))
    return Comparison(*interval(known, level), p)


def holm(values: Sequence[float]) -> list[float]:
    """Correct the p values of several comparisons by Holm's method.

    The chance that any of them falls under a level without a true difference is then no more than that level.
    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected = np.empty(len(values))
    worst = 0.0
    # From the smallest p: of n values, that at place k is multiplied by n - k, and none may fall below the one before.
    for place, index in enumerate(np.argsort(values, kind="stable").tolist()):
        worst = max(worst, min(1.0, (len(values) - place) * values[index]))
        corrected[index] = worst
    return corrected.round(12).tolist()


def fold_mean(folds: Sequence[np.ndarray]) -> np.ndarray:
    """Average a figure over folds, resample by resample: (R,) from (R,) each.

    A fold without the figure (NaN) is left out of the mean; if no fold has it, the mean is NaN.

    >>> fold_mean([np.array([1.0, np.nan]), np.array([3.0, 5.0])]).tolist()
    [2.0, 5.0]
    """
    values = np.array(folds)
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
