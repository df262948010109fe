"""Calibration of trial scores to log likelihood ratios, and measures of calibration for ratios and class posteriors.

Log likelihood ratios (LLRs) are natural logarithms of p(score | target) / p(score | nontarget).
`ser.metrics.class_calibration` makes the posteriors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import isotonic_regression

from ser.errors import SerError
from ser.metrics.logistic import minimise

# The logistic regression sees at most this many target and as many nontarget scores; of more, neighbours are averaged.
FITTED_ON = 1 << 16
# Trials that are processed at once.
BLOCK = 1 << 20


@dataclass(frozen=True)
class AffineCalibration:
    """LLR = `scale` times score + `offset`."""

    scale: float
    offset: float

    def llrs(self, scores: np.ndarray) -> np.ndarray:
        """Map scores, an array of any shape, to LLRs in float64."""
        return self.scale * np.asarray(scores, dtype=np.float64) + self.offset


@dataclass(frozen=True)
class PavCalibration:
    """A rising step function: scores from `thresholds[b]` to below `thresholds[b + 1]` have the LLR `levels[b]`.

    Both are (B,) float64; the first threshold is minus infinity.
    """

    thresholds: np.ndarray
    levels: np.ndarray

    def llrs(self, scores: np.ndarray) -> np.ndarray:
        """Map scores, an array of any shape, to LLRs in float64."""
        return self.levels[np.searchsorted(self.thresholds[1:], scores, side="right")]


def affine(target: np.ndarray, nontarget: np.ndarray, p_target: float) -> AffineCalibration:
    """Fit scale and offset by logistic regression, with weight `p_target` for the targets and the rest for nontargets.

    Source: Brümmer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech and
    Language 2006; Brümmer et al., "Fusion of heterogeneous speaker recognition systems in the STBU submission", IEEE
    TASLP 2007, section V. If there are more than `FITTED_ON` target or nontarget scores, neighbouring scores are
    averaged first; the error of this is of the order of the squared distance between neighbours.

    Parameters
    ----------
    target, nontarget : (n,), in any order.
    p_target : the prior at which the LLRs will be used, 0 to 1.

    Raises
    ------
    SerError
        If a score is not finite, there are no targets or no nontargets, or the prior is not between 0 and 1.
    """
    target, nontarget = _sorted(target, nontarget)
    prior = logit(_prior(p_target))
    parts = [_averaged(part) for part in (target, nontarget)]
    scores = np.concatenate([means for means, _ in parts])  # (n,) targets, then nontargets
    signs = np.repeat([1.0, -1.0], [len(means) for means, _ in parts])
    # (n,) the targets weigh `p_target` together, the nontargets the rest.
    weights = np.concatenate(
        [share * counts / counts.sum() for share, (_, counts) in zip((p_target, 1.0 - p_target), parts, strict=True)]
    )
    # The search runs on standardised scores, so that its ridge and its tolerances suit scores of any scale.
    centre, spread = scores.mean(), scores.std() or 1.0
    standard = (scores - centre) / spread

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        # The log posterior odds of the right answer: LLR plus prior log odds, negated for nontargets.
        margin = signs * (parameters[0] * standard + parameters[1] + prior)
        slope = -weights * signs * expit(-margin)  # (n,) the derivative of the loss by each LLR
        gradient = np.array([slope @ standard, slope.sum()])
        return weights @ np.logaddexp(0.0, -margin), gradient

    scale, offset = minimise(loss, np.array([1.0, 0.0]))
    return AffineCalibration(float(scale / spread), float(offset - scale * centre / spread))


def pav(target: np.ndarray, nontarget: np.ndarray) -> PavCalibration:
    """Fit the rising step function of least loss, by the pool adjacent violators algorithm (PAV).

    A target and a nontarget are added at either end, so that no LLR is infinite (Brümmer and du Preez 2006; "The PAV
    algorithm optimizes binary proper scoring rules", 2013). 49 million trials take some seconds.

    Parameters
    ----------
    target, nontarget : (n,), in any order.

    Raises
    ------
    SerError
        If a score is not finite, or there are no targets or no nontargets.
    """
    target, nontarget = _sorted(target, nontarget)
    thresholds, targets, nontargets = _pool(target, nontarget, extra=1)
    # A block's log odds minus the log odds of all trials: the prior of this list is no part of an LLR.
    levels = np.log(targets / nontargets) - np.log(len(target) / len(nontarget))
    return PavCalibration(thresholds, levels)


def cllr(target: np.ndarray, nontarget: np.ndarray) -> float:
    """Return Cllr, the cost of LLRs in bits (Brümmer and du Preez 2006, eq. 11): 1 for LLRs of 0, which say nothing.

    >>> cllr(np.zeros(2), np.zeros(3))
    1.0
    """
    _check_trials(target, nontarget)
    return float((_mean_cost(target, -1.0) + _mean_cost(nontarget, 1.0)) / np.log(4.0))


def min_cllr(target: np.ndarray, nontarget: np.ndarray) -> float:
    """Return minimum Cllr: the cost in bits after the best order-keeping calibration: PAV, fitted on these scores.

    If only targets, or only nontargets, are at an end of the scores, their LLRs are infinite and cost nothing.
    """
    target, nontarget = _sorted(target, nontarget)
    _, targets, nontargets = _pool(target, nontarget, extra=0)
    ratio = len(nontarget) / len(target)
    # The means of log(1 + 1 / LR) over targets and log(1 + LR) over nontargets; LR is targets / nontargets * ratio.
    hit, correct = targets > 0, nontargets > 0
    cost = targets[hit] @ np.log1p(nontargets[hit] / targets[hit] / ratio) / len(target)
    cost += nontargets[correct] @ np.log1p(targets[correct] / nontargets[correct] * ratio) / len(nontarget)
    return float(cost / np.log(4.0))


def act_dcf(
    target: np.ndarray,
    nontarget: np.ndarray,
    p_target: float,
    cost_miss: float = 1.0,
    cost_false_alarm: float = 1.0,
) -> float:
    """Return the detection cost of LLRs at the Bayes threshold, divided by that of the best constant decision.

    It equals `ScoredTrials.min_dcf` where the LLRs are well calibrated, and is higher elsewhere; it can exceed 1.
    """
    _check_trials(target, nontarget)
    miss_cost, false_alarm_cost = cost_miss * _prior(p_target), cost_false_alarm * (1.0 - p_target)
    threshold = np.log(false_alarm_cost / miss_cost)
    cost = miss_cost * np.mean(target < threshold) + false_alarm_cost * np.mean(nontarget >= threshold)
    return float(cost / min(miss_cost, false_alarm_cost))


def expected_calibration_error(posteriors: np.ndarray, truth: np.ndarray, bins: int = 15) -> float:
    """Return ECE: the mean distance between confidence and accuracy, over bins of confidence; a share.

    Confidence is the posterior of the chosen class.

    Source: Guo et al., ICML 2017, eq. 3. Parameters as those of `reliability`.

    >>> expected_calibration_error(np.array([[0.75, 0.25], [0.75, 0.25]]), np.array([0, 1]))
    0.25
    """
    _, expected, right = reliability(posteriors, truth, bins)
    return float(np.abs(expected - right).sum() / len(truth))


def reliability(posteriors: np.ndarray, truth: np.ndarray, bins: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, in bins of confidence, how many decisions were expected to be right, and how many were.

    Confidence is the posterior of the chosen class. Bin m of M holds confidences over (m - 1) / M up to m / M.
    Source: Guo et al., ICML 2017, section 2.

    Parameters
    ----------
    posteriors : (N, K).
    truth : (N,) int; true classes of K and more, for which there are no posteriors, count as wrong.

    Returns
    -------
    utts, expected, right : (bins,) each: number of utterances int, sum of confidences float64, right decisions int.
    """
    if len(posteriors) != len(truth) or not len(truth):
        raise SerError(f"calibration: posteriors of {len(posteriors)} utterances and {len(truth)} true classes")
    confidence = posteriors.max(axis=1)
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    right = place[posteriors.argmax(axis=1) == truth]
    return (
        np.bincount(place, minlength=bins),
        np.bincount(place, confidence, minlength=bins),
        np.bincount(right, minlength=bins),
    )


def _pool(target: np.ndarray, nontarget: np.ndarray, extra: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pool adjacent violators: the lowest score of each block, and its numbers of targets and nontargets, (B,) float64.

    `target` and `nontarget` are sorted; `extra` trials of each are added at either end.

    PAV merges a target with the nontargets that follow it, up to the next target, in any case. So the regression starts
    from one group for each distinct target score (its targets, and the nontargets from it to the next target score),
    and one group for the nontargets below all targets: its size is the number of target scores U, not of trials.
    """
    starts = np.flatnonzero(np.diff(target, prepend=np.nan))  # (U,) the first target of each distinct score
    scores = target[starts].astype(np.float64)
    below = np.searchsorted(nontarget, target[starts])  # (U,) nontargets below each of these scores
    # (U + 2,) each: the nontargets below all targets, a group for each target score, what is added at the top.
    targets = np.concatenate([[extra], np.diff(starts, append=len(target)), [extra]]).astype(np.float64)
    nontargets = np.concatenate([[below[0] + extra], np.diff(below, append=len(nontarget)), [extra]]).astype(np.float64)
    thresholds = np.concatenate([[-np.inf], scores, [np.inf]])
    total = targets + nontargets
    kept = total > 0  # with no `extra` the first and the last group can be empty
    thresholds, targets, nontargets, total = thresholds[kept], targets[kept], nontargets[kept], total[kept]
    share = isotonic_regression(targets / total, sample_weight=total)  # the rising shares of targets
    blocks = np.flatnonzero(np.diff(share, prepend=np.nan))  # (B,) the first group of each block of equal share
    counts = np.add.reduceat(targets, blocks), np.add.reduceat(nontargets, blocks)
    thresholds = thresholds[blocks]
    thresholds[0] = -np.inf
    # A last block that begins at infinity holds only the added trials: no score reaches it.
    last = -1 if np.isposinf(thresholds[-1]) else None
    return thresholds[:last], counts[0][:last], counts[1][:last]


def _averaged(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average runs of neighbouring sorted scores (n,): at most `FITTED_ON` means, and the number of scores in each."""
    starts = np.unique(np.linspace(0, len(scores), FITTED_ON, endpoint=False).astype(np.int64))
    counts = np.diff(starts, append=len(scores))
    return np.add.reduceat(scores, starts, dtype=np.float64) / counts, counts


def _mean_cost(llrs: np.ndarray, sign: float) -> float:
    costs = (
        np.logaddexp(0.0, sign * llrs[start : start + BLOCK].astype(np.float64)).sum()
        for start in range(0, len(llrs), BLOCK)
    )
    return float(sum(costs) / len(llrs))


def _sorted(target: np.ndarray, nontarget: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _check_trials(target, nontarget)
    for name, part in (("target", target), ("nontarget", nontarget)):
        if wrong := len(part) - np.count_nonzero(np.isfinite(part)):
            raise SerError(f"calibration: {wrong} of {len(part)} {name} scores are not finite; check the vectors")
    return np.sort(target), np.sort(nontarget)


def _check_trials(target: np.ndarray, nontarget: np.ndarray) -> None:
    for name, part in (("target", target), ("nontarget", nontarget)):
        if not len(part):
            raise SerError(f"calibration: no {name} trials; it needs target and nontarget trials")
        if np.isnan(part).any():
            raise SerError(f"calibration: {np.count_nonzero(np.isnan(part))} of {len(part)} {name} scores are NaN")


def _prior(p_target: float) -> float:
    if not 0.0 < p_target < 1.0:
        raise SerError(f"calibration: the prior of a target lies between 0 and 1, found {p_target}")
    return p_target
