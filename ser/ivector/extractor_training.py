"""Training of the i-vector extractor: Kaldi's ivector-extractor-init, -acc-stats, -est (ivector/ivector-extractor.cc).

Dehak et al., "Front-end factor analysis for speaker verification", TASLP 2011. Here the covariances are full and are
trained too. After each pass the space of the i-vectors is transformed so that their prior has unit covariance again.
"""

import logging
from dataclasses import dataclass

import numpy as np

from ser.errors import SerError
from ser.ivector.extractor import Extractor
from ser.kaldi.ivector_files import ExtractorArrays, UbmArrays

logger = logging.getLogger(__name__)

PRIOR_OFFSET = 100.0  # first component of the prior's mean in a new extractor; any number but 0
VARIANCE_FLOOR = 0.1  # floor of the covariances, as a share of their mean
_LARGEST_CONDITION = 1e4  # largest condition number of the matrix by which a projection is solved
_LEAST_IVECTOR_VARIANCE = 1e-7


@dataclass
class ExtractorStats:
    """Statistics summed over utterances, float64; `y`, `r` and `s` are Kaldi's Y, R and S.

    With gamma the posteriors, f the frames and x the i-vectors: `gammas` (G,) is the sum of gamma; `y` (G, D, S) of
    gamma f E[x]^T; `r` (G, S (S + 1) / 2) of gamma E[x x^T], packed; `s` (G, D, D) of gamma f f^T. `count`, `total`
    (S,) and `scatter` (S, S) are the number of utterances and the sums of E[x] and of E[x x^T].
    """

    gammas: np.ndarray
    y: np.ndarray
    r: np.ndarray
    s: np.ndarray
    total: np.ndarray
    scatter: np.ndarray
    count: int = 0

    @classmethod
    def zeros(cls, extractor: Extractor) -> "ExtractorStats":
        count, dim, size = extractor.num_gaussians, extractor.dim, extractor.size
        return cls(
            gammas=np.zeros(count),
            y=np.zeros((count, dim, size)),
            r=np.zeros((count, size * (size + 1) // 2)),
            s=np.zeros((count, dim, dim)),
            total=np.zeros(size),
            scatter=np.zeros((size, size)),
        )


def initialise(ubm: UbmArrays, size: int, seed: int) -> ExtractorArrays:
    """Make an extractor whose projections have the UBM's means in the first column and random numbers in the others."""
    count, dim = ubm.means.shape
    projections = np.random.default_rng(seed).standard_normal((count, dim, size))
    projections[:, :, 0] = ubm.means / PRIOR_OFFSET
    precisions = np.zeros((count, dim, dim))
    precisions[:, np.arange(dim), np.arange(dim)] = 1 / ubm.variances
    return ExtractorArrays(projections, precisions, ubm.weights.copy(), PRIOR_OFFSET)


def utterance_stats(
    features: np.ndarray, counts: np.ndarray, gaussians: np.ndarray, posts: np.ndarray, num_gaussians: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum up an utterance's statistics, as `accumulate` takes them.

    Parameters
    ----------
    features : (T, D).
    counts, gaussians, posts : fields of `ser.ivector.ubm.Posteriors`, with scaled posteriors.

    Returns
    -------
    tuple
        Sums of the posteriors (G,), of the weighted frames (G, D), and of the weighted outer products of the frames
        (H, D, D), these only for the H Gaussians that have any posterior.
    """
    held = np.arange(gaussians.shape[1]) < counts[:, None]
    frames, columns = np.nonzero(held)
    which, weights = gaussians[frames, columns], posts[frames, columns].astype(np.float64)
    x = features.astype(np.float64)
    gammas = np.bincount(which, weights, num_gaussians)
    sums = np.zeros((num_gaussians, features.shape[1]))
    squares = []
    order = np.argsort(which, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(which[order])) + 1) if len(order) else []:
        rows = x[frames[part]]
        weighted = weights[part, None] * rows
        sums[which[part[0]]] = weighted.sum(axis=0)
        squares.append(weighted.T @ rows)
    return gammas, sums, np.array(squares)


def accumulate(
    stats: ExtractorStats, extractor: Extractor, gammas: np.ndarray, sums: np.ndarray, squares: np.ndarray
) -> None:
    """Do the E-step for an utterance, and add its statistics to `stats`."""
    mean, covariance = extractor.distribution(gammas, sums)
    scatter = covariance + np.outer(mean, mean)
    heard = np.flatnonzero(gammas)
    stats.gammas += gammas
    stats.y[heard] += sums[heard, :, None] * mean
    stats.r[heard] += gammas[heard, None] * scatter[np.tril_indices(extractor.size)]
    if len(heard):
        stats.s[heard] += squares
    stats.total += mean
    stats.scatter += scatter
    stats.count += 1


def update(stats: ExtractorStats, extractor: Extractor, min_count: float) -> tuple[ExtractorArrays, float]:
    """Do the M-step: estimate a new extractor from the statistics.

    Parameters
    ----------
    min_count : Gaussians whose posteriors sum to less keep their projection and covariance.

    Returns
    -------
    The extractor, and the improvement of the objective in nats per frame.
    """
    if not stats.count or not stats.gammas.sum() > 0:
        raise SerError("i-vector extractor: no utterance to train on; look at the features' log")
    kept = stats.gammas >= min_count
    if not kept.any():
        raise SerError(
            f"i-vector extractor: each of {len(kept)} Gaussians has less than {min_count:g} scaled frames; give more "
            "speech, or ask for fewer Gaussians"
        )
    if not kept.all():
        logger.warning("i-vector extractor: %d Gaussians have too few frames to be updated", int((~kept).sum()))
    frames = stats.gammas.sum()
    arrays = extractor.arrays
    projections, precisions = arrays.projections.copy(), arrays.precisions.copy()
    squares = {gaussian: extractor.unpack(stats.r[gaussian]) for gaussian in np.flatnonzero(kept).tolist()}
    gain = 0.0
    for gaussian, square in squares.items():
        projections[gaussian], better = _solve(square, stats.y[gaussian], precisions[gaussian], projections[gaussian])
        gain += better
    gain += _update_variances(stats, squares, projections, precisions)
    gain += _prior_gain(stats, arrays.offset)
    turn, offset = _prior_transform(stats, projections, precisions, arrays.weights)
    projections = projections @ np.linalg.inv(turn)
    return ExtractorArrays(projections, precisions, arrays.weights, offset), float(gain / frames)


def _solve(r: np.ndarray, y: np.ndarray, precision: np.ndarray, old: np.ndarray) -> tuple[np.ndarray, float]:
    """Maximise tr(M^T P Y) - 1/2 tr(P M R M^T) over M, starting from `old`; return M (D, S) and the gain.

    The maximum is M = Y R^-1. R is scaled to a unit diagonal, and its small eigenvalues are raised, so that M hardly
    changes in directions for which there is no data.
    """
    scale = np.sqrt(np.maximum(np.diag(r), 1e-300))  # (S,)
    values, vectors = np.linalg.eigh(r / scale[:, None] / scale)
    values = np.maximum(values, values[-1] / _LARGEST_CONDITION)
    gradient = (y - old @ r) / scale  # (D, S)
    new = old + ((gradient @ vectors) / values) @ vectors.T / scale

    def value(m: np.ndarray) -> float:
        return float(np.sum((precision @ m) * y) - 0.5 * np.sum((precision @ m @ r) * m))

    gain = value(new) - value(old)
    return (new, gain) if gain > 0 else (old, 0.0)


def _update_variances(
    stats: ExtractorStats, squares: dict[int, np.ndarray], projections: np.ndarray, precisions: np.ndarray
) -> float:
    """Estimate the covariances, write their inverses to `precisions`, and return the gain.

    Covariances are floored at `VARIANCE_FLOOR` times their mean over Gaussians, as matrices: in the coordinates in
    which the floor is the unit matrix, eigenvalues under 1 become 1.
    """
    raw = {}  # Gaussian -> (D, D), S - Y M^T - M Y^T + M R M^T: scatter of the frames around M x
    for gaussian, square in squares.items():
        cross = stats.y[gaussian] @ projections[gaussian].T
        raw[gaussian] = stats.s[gaussian] - cross - cross.T + projections[gaussian] @ square @ projections[gaussian].T
    floor = VARIANCE_FLOOR * sum(raw.values()) / sum(stats.gammas[gaussian] for gaussian in raw)
    root = np.linalg.cholesky(floor)
    inverse = np.linalg.inv(root)
    gain, num_floored = 0.0, 0
    for gaussian, scatter in raw.items():
        covariance = scatter / stats.gammas[gaussian]
        # `inverse` floor `inverse`^T is the unit matrix, so eigenvalues are now multiples of the floor.
        values, vectors = np.linalg.eigh(inverse @ covariance @ inverse.T)
        num_floored += int((values < 1).sum())
        basis = inverse.T @ vectors
        new = (basis / np.maximum(values, 1)) @ basis.T
        gain += 0.5 * stats.gammas[gaussian] * (
            np.sum(covariance * precisions[gaussian]) - np.linalg.slogdet(precisions[gaussian])[1]
            - np.sum(covariance * new) + np.linalg.slogdet(new)[1]
        )  # fmt: skip
        precisions[gaussian] = (new + new.T) / 2
    if num_floored:
        logger.info("i-vector extractor: %d eigenvalues of %d are floored", num_floored, len(raw) * len(floor))
    return gain


def _moments(stats: ExtractorStats) -> tuple[np.ndarray, np.ndarray]:
    mean = stats.total / stats.count
    return mean, stats.scatter / stats.count - np.outer(mean, mean)


def _prior_gain(stats: ExtractorStats, offset: float) -> float:
    """Return the gain of a prior that has the i-vectors' own mean and covariance."""
    mean, covariance = _moments(stats)
    away = mean.copy()
    away[0] -= offset
    old = -0.5 * (np.trace(covariance) + away @ away)
    new = -0.5 * (len(mean) + np.linalg.slogdet(covariance)[1])
    return stats.count * float(new - old)


def _prior_transform(
    stats: ExtractorStats, projections: np.ndarray, precisions: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the transform (S, S) that gives the i-vectors unit covariance and the mean (offset, 0, 0 ...); and offset.

    Many transforms do that. This one also makes the weighted mean of M^T Sigma^-1 M diagonal, but for its first row
    and column, with the largest entries first.
    """
    mean, covariance = _moments(stats)
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors.T / np.sqrt(np.maximum(values, _LEAST_IVECTOR_VARIANCE))[:, None]
    moved = whitening @ mean
    # Reflect the space so that the mean lies on the first axis (Householder).
    unit = moved / np.linalg.norm(moved)
    normal = unit.copy()
    normal[0] -= 1.0
    length = np.linalg.norm(normal)
    if length > 1e-12:
        normal /= length
        whitening = whitening - 2.0 * np.outer(normal, normal @ whitening)
    squares = np.einsum("g,gds,gde,get->st", weights, projections, precisions, projections, optimize=True)
    rest = np.linalg.inv(whitening[1:, 1:])
    order, basis = np.linalg.eigh(rest.T @ squares[1:, 1:] @ rest)
    turn = basis[:, np.argsort(-np.abs(order))].T
    whitening[1:] = turn @ whitening[1:]
    return whitening, float((whitening @ mean)[0])
