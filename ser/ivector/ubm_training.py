"""Training of the UBM, like Kaldi's gmm-global-init-from-feats, gmm-global-acc-stats and gmm-global-est.

The rules for Gaussians of few frames are those of Kaldi's gmm/mle-diag-gmm.cc.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ser.errors import SerError
from ser.ivector.ubm import Ubm
from ser.kaldi.ivector_files import UbmArrays

logger = logging.getLogger(__name__)

MIN_VARIANCE = 0.001
MIN_OCCUPANCY = 10.0  # frames


@dataclass
class UbmStats:
    """Sums over frames: `counts` (G,), `sums` and `squares` (G, D), float64."""

    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    log_likelihood: float = 0.0
    frames: int = 0

    @classmethod
    def zeros(cls, ubm: Ubm) -> "UbmStats":
        shape = ubm.num_gaussians, ubm.dim
        return cls(np.zeros(ubm.num_gaussians), np.zeros(shape), np.zeros(shape))


def accumulate(stats: UbmStats, ubm: Ubm, features: np.ndarray, num_gselect: int | None) -> None:
    """Add frames (T, D) float32 to the statistics of their `num_gselect` best Gaussians (None: of all Gaussians)."""
    likelihoods = ubm.log_likelihoods(features)
    best, totals, posts = _posteriors(likelihoods, num_gselect)
    wide = posts.astype(np.float64)
    x = features.astype(np.float64)
    stats.counts += wide.sum(axis=0)
    stats.sums += wide.T @ x
    stats.squares += wide.T @ (x * x)
    stats.log_likelihood += float((best + np.log(totals)).sum(dtype=np.float64))
    stats.frames += len(features)


def _posteriors(likelihoods: np.ndarray, num_gselect: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each frame's best log-likelihood (T, 1), the sum of likelihoods over it (T, 1), and posteriors (T, G)."""
    if num_gselect is None:
        best = likelihoods.max(axis=1, keepdims=True)
        shares = np.exp(likelihoods - best)
        totals = shares.sum(axis=1, keepdims=True)
        return best, totals, shares / totals
    count = min(num_gselect, likelihoods.shape[1])
    chosen = np.argpartition(-likelihoods, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(likelihoods, chosen, axis=1), axis=1, kind="stable")
    chosen = np.take_along_axis(chosen, order, axis=1)  # (T, count), the best first
    # A quirk of Kaldi (DiagGmm::LogLikelihoodsPreselect), which is copied so that results agree: if last - first + 1 is
    # the number of chosen Gaussians, it takes them for a contiguous range, and computes likelihoods in that order.
    is_range = chosen[:, -1] - chosen[:, 0] == count - 1
    asked = np.where(is_range[:, None], chosen[:, :1] + np.arange(count), chosen)
    found = np.take_along_axis(likelihoods, asked, axis=1)
    best = found.max(axis=1, keepdims=True)
    shares = np.exp(found - best)
    totals = shares.sum(axis=1, keepdims=True)
    posts = np.zeros_like(likelihoods)
    np.put_along_axis(posts, chosen, shares / totals, axis=1)
    return best, totals, posts


def update(stats: UbmStats, ubm: UbmArrays, min_weight: float, remove_low: bool) -> UbmArrays:
    """Estimate a mixture from the statistics.

    A Gaussian with at most `MIN_OCCUPANCY` frames, or at most the weight `min_weight`, keeps its mean and variance;
    `remove_low` removes it.
    """
    shares = stats.counts / stats.counts.sum()
    heard = (stats.counts > MIN_OCCUPANCY) & (shares > min_weight)
    weights = np.where(heard, shares, np.maximum(shares, min_weight))
    means, variances = ubm.means.copy(), ubm.variances.copy()
    means[heard] = stats.sums[heard] / stats.counts[heard, None]
    variances[heard] = np.maximum(stats.squares[heard] / stats.counts[heard, None] - means[heard] ** 2, MIN_VARIANCE)
    if remove_low and not heard.all():
        keep = heard if heard.any() else np.arange(len(heard)) == stats.counts.argmax()
        logger.warning("UBM: %d Gaussians with too few frames are removed", int((~keep).sum()))
        weights, means, variances = weights[keep], means[keep], variances[keep]
        weights = weights / weights.sum()
    return UbmArrays(weights, means, variances)


def initialise(
    features: np.ndarray, num_gaussians: int, num_initial: int, iterations: int, min_weight: float, seed: int
) -> UbmArrays:
    """Train a mixture on frames in memory: it begins with few Gaussians, and the heaviest ones are split.

    Parameters
    ----------
    features : (T, D) float32.
    num_gaussians, num_initial : number of Gaussians at the end and at the beginning; it grows during the first half of
        the `iterations`.
    """
    frames = len(features)
    if frames < 10 * num_gaussians:
        raise SerError(
            f"UBM: {frames} frames are too few for {num_gaussians} Gaussians; give {10 * num_gaussians} or more, or ask"
            " for fewer Gaussians"
        )
    rng = np.random.default_rng(seed)
    wide = features.astype(np.float64)
    variance = np.maximum(wide.var(axis=0), MIN_VARIANCE)
    means = wide[rng.choice(frames, num_initial, replace=False)]
    arrays = UbmArrays(np.full(num_initial, 1 / num_initial), means, np.tile(variance, (num_initial, 1)))
    growing = max(1, iterations // 2)
    for iteration in range(iterations):
        stats = UbmStats.zeros(ubm := Ubm(arrays))
        for block in np.array_split(features, max(1, frames // 20_000)):
            accumulate(stats, ubm, block, None)
        arrays = update(stats, arrays, min_weight, remove_low=False)
        logger.info("UBM: pass %d, %d Gaussians, log-likelihood %.3f", iteration + 1, len(arrays.weights), _mean(stats))
        if iteration < growing:
            wanted = num_initial + (num_gaussians - num_initial) * (iteration + 1) // growing
            arrays = split(arrays, wanted, rng)
    return arrays


def split(arrays: UbmArrays, wanted: int, rng: np.random.Generator, perturbation: float = 0.1) -> UbmArrays:
    """Split the heaviest Gaussian in two until there are `wanted`; the means move apart by random steps.

    A step is `perturbation` times the standard deviation times a normal random number, in each dimension.
    """
    weights, means, variances = (list(array) for array in arrays)
    while len(weights) < wanted:
        heavy = int(np.argmax(weights))
        shift = rng.standard_normal(means[heavy].shape) * perturbation * np.sqrt(variances[heavy])
        weights[heavy] /= 2
        weights.append(weights[heavy])
        means.append(means[heavy] + shift)
        means[heavy] = means[heavy] - shift
        variances.append(variances[heavy])
    return UbmArrays(np.array(weights), np.array(means), np.array(variances))


def train(
    arrays: UbmArrays,
    utterances: Callable[[], Iterable[np.ndarray]],
    iterations: int,
    num_gselect: int,
    min_weight: float,
) -> UbmArrays:
    """Train a mixture on features too large for memory; the last pass removes Gaussians with too few frames.

    Parameters
    ----------
    utterances : called for each pass; yields the features (T, D) float32 of its utterances.
    """
    for iteration in range(iterations):
        stats = UbmStats.zeros(ubm := Ubm(arrays))
        for features in utterances():
            accumulate(stats, ubm, features, num_gselect)
        arrays = update(stats, arrays, min_weight, remove_low=iteration == iterations - 1)
        logger.info("UBM: pass %d of %d, log-likelihood %.3f a frame", iteration + 1, iterations, _mean(stats))
    return arrays


def _mean(stats: UbmStats) -> float:
    return stats.log_likelihood / max(stats.frames, 1)
