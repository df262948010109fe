"""Intervals and comparisons, over speakers or folds, which are resampled, and over trainings with other seeds.

A figure of a system varies with the speakers that it is scored on, and with the seed of its training. The first is told
by resamples (`ser.metrics.bootstrap`), the second by trainings with several seeds. Of few units, resamples vary too
little; `spread` mends that (T. Hesterberg, "What teachers should know about the bootstrap", The American Statistician
2015, section 4.5).
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

    Resamples without the figure (NaN) are left out, and their number is logged; (NaN, NaN) where there is no other.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.

    Parameters
    ----------
    units : speakers, or folds, that were resampled: the fewer, the wider. None: the values are as wide as they should.

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
    """Make resamples (R,) vary as a figure does over few units and few seeds: their quantiles are then its interval.

    The variance of the resamples is that of n units times (n - 1) / n. To each is added a normal draw with the standard
    error of each mean over S seeds. All are then spread by the ratio of Student's quantile to the normal one, at the
    degrees of freedom of such a sum (B. L. Welch, "The generalization of Student's problem", Biometrika 1947):
    (sum of variances)^2 / sum of (variance^2 / degrees), of n - 1 and S - 1 degrees.

    Parameters
    ----------
    values : NaN, which stays, where a resample has no figure.
    units : the n speakers or folds that were resampled; None: `values` vary as they should.
    trainings : figures (S,) of the seeds behind each mean that is in `values`; of one seed nothing is known.
    seed : of the normal draws.
    """
    if not 0.0 < level < 1.0:
        raise SerError(f"interval: a level lies between 0 and 1, found {level}")
    if np.isnan(values).all() or (units is None and not trainings):
        return values
    if units is not None and units < 2:
        raise SerError(f"interval: resamples of {units} speakers or folds; it takes 2")
    centre = np.nanmean(values)
    varied = (values - centre) * (1.0 if units is None else np.sqrt(units / (units - 1)))
    variances = [float(np.nanvar(varied))]
    degrees = [np.inf if units is None else units - 1]
    rng = np.random.default_rng((seed, 1))
    for figures in trainings:
        error = np.std(figures, ddof=1) / np.sqrt(len(figures)) if len(figures) > 1 else 0.0
        varied = varied + error * rng.standard_normal(len(values))
        variances.append(float(error) ** 2)
        degrees.append(max(1, len(figures) - 1))
    total = sum(variances)
    if total == 0.0:
        return values
    freedom = total**2 / max(sum(v**2 / d for v, d in zip(variances, degrees, strict=True)), 1e-300)
    quantile = (1.0 + level) / 2.0
    return centre + varied * stats.t.ppf(quantile, freedom) / stats.norm.ppf(quantile)


def resample_folds(figures: Sequence[float], resamples: int, seed: int) -> np.ndarray:
    """Average folds drawn with replacement, again and again: (R,) of the figures (F,) of the folds.

    For folds of few speakers: of one or two a resample of speakers often has no pairs between speakers, or no fold at
    all. Row r depends on the number of folds, `seed` and r alone, so that all systems have the same draws.
    """
    drawn = np.random.default_rng((seed, len(figures))).integers(len(figures), size=(resamples, len(figures)))
    return np.asarray(figures, dtype=np.float64)[drawn].mean(axis=1)


@dataclass(frozen=True)
class Comparison:
    """The interval of a figure of one system less that of another, and the two-sided p."""

    low: float
    high: float
    p: float


def compare(differences: np.ndarray, level: float = 0.95) -> Comparison:
    """Compare two systems by the differences of a figure over the same resamples, (R,): one less the other.

    p is twice the share of resamples on the rarer side of no difference, that of the original among them (Davison and
    Hinkley, "Bootstrap Methods and their Application", 1997, eq. 4.11): 2 / (R + 1) at the least, 1 for identical
    systems. Resamples that lack one of the two are left out.
    """
    known = differences[~np.isnan(differences)]
    if not len(known):
        return Comparison(np.nan, np.nan, np.nan)
    rarer = min(np.count_nonzero(known <= 0.0), np.count_nonzero(known >= 0.0))
    p = min(1.0, 2.0 * (1 + rarer) / (1 + len(known)))
    return Comparison(*interval(known, level), p)


def holm(values: Sequence[float]) -> list[float]:
    """Correct the p of several comparisons so that any is under a bound by chance no more often than one alone.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected = np.empty(len(values))
    worst = 0.0
    for place, index in enumerate(np.argsort(values, kind="stable").tolist()):
        worst = max(worst, min(1.0, (len(values) - place) * values[index]))
        corrected[index] = worst
    return corrected.round(12).tolist()


def fold_mean(folds: Sequence[np.ndarray]) -> np.ndarray:
    """Average a figure over folds, resample by resample: (R,) from (R,) each.

    A fold without the figure (NaN) leaves the mean; where none has it the mean is NaN.

    >>> fold_mean([np.array([1.0, np.nan]), np.array([3.0, 5.0])]).tolist()
    [2.0, 5.0]
    """
    values = np.array(folds)
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
