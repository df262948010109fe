"""Linear discriminant analysis (LDA), equal to Kaldi's ivector-compute-lda."""

import logging

import numpy as np
import scipy.linalg

from ser.backend.moments import Moments
from ser.errors import SerError

logger = logging.getLogger(__name__)


def train_lda(
    moments: Moments,
    dim: int,
    *,
    total_covariance_factor: float,
    covariance_floor: float,
    shrinkage: float,
) -> np.ndarray:
    """Find the directions in which the classes lie furthest apart, in units of their spread.

    With the within-class covariance W and the between-class covariance B, both over N, the rows a solve
    B a = λ M a, a' M a = 1, M = (1 - f) W + f (W + B), for the largest λ (Fisher 1936; Fukunaga 1990, ch. 10).
    Only K - 1 rows are determined, because B has at most this rank; further rows are an arbitrary basis.

    Parameters
    ----------
    moments : of N embeddings of D numbers in K classes. Their mean is subtracted here.
    dim : number of rows, at most D. More than K - 1 cause a warning.
    total_covariance_factor : the f above, 0 to 1.
    covariance_floor : eigenvalues of M are floored to this share of the largest one.
    shrinkage : s of 0 to 1, W becomes (1 - s) W + s trace(W) / D I (Ledoit and Wolf 2004, eq. 4). 0 is Kaldi's.

    Returns
    -------
    (dim, D + 1) float64: the rows and, as the last column, the offset that maps the mean to 0.

    Raises
    ------
    SerError
        For fewer than 2 classes, no class with 2 vectors, or a `dim` outside 1 to D.
    """
    counts, num, size = moments.counts, moments.num, len(moments.scatter)
    if len(counts) < 2 or counts.max() < 2:
        raise SerError(
            f"LDA: {len(counts)} classes of {counts.tolist()} vectors; it needs 2 classes and 2 vectors in one"
        )
    if not 1 <= dim <= size:
        raise SerError(f"LDA: {dim} rows for vectors of dimension {size}; set lda_dim to 1 to {size}, or 0 for K - 1")
    if dim > len(counts) - 1:
        logger.warning(
            "LDA: %d classes determine %d rows; the other %d of the %d are an arbitrary basis, which adds noise "
            "and depends on the LAPACK build (lda_dim 0 keeps what is determined)",
            len(counts), len(counts) - 1, dim - len(counts) + 1, dim,
        )  # fmt: skip
    if num < size:
        logger.warning(
            "LDA: only %d vectors of dimension %d: the within-class covariance is singular (Kaldi stops here); "
            "the result hangs on the covariance floor %g and the shrinkage %g",
            num, size, covariance_floor, shrinkage,
        )  # fmt: skip
    mean = moments.mean
    # (D, K): B is this matrix times its transpose.
    between_root = ((moments.class_means - mean) * np.sqrt(counts / num)[:, None]).T
    between = between_root @ between_root.T
    within = moments.scatter / num
    if np.trace(within) <= 1e-12 * np.trace(between):
        raise SerError("LDA: the vectors of each class are all the same; there is no spread to divide by")
    if shrinkage:
        trace = np.trace(within)
        within *= 1.0 - shrinkage
        within.flat[:: size + 1] += shrinkage * trace / size
    # In the whitened space M is I, and the left singular vectors of B's root are the directions by falling eigenvalue.
    whiten = _whitening(within + total_covariance_factor * between, covariance_floor)
    directions, _, _ = np.linalg.svd(whiten @ between_root, full_matrices=dim > len(counts))
    rows = directions[:, :dim].T @ whiten
    return np.column_stack([rows, -rows @ mean])


def _whitening(covariance: np.ndarray, floor: float) -> np.ndarray:
    """Return T with T covariance T' = I, after flooring the eigenvalues to `floor` times the largest one."""
    size = len(covariance)
    bound = np.abs(covariance).sum(axis=1).max()
    try:
        # No eigenvalue exceeds `bound`. So if this decomposition exists, no eigenvalue is under the floor; it costs a
        # tenth of computing the eigenvalues.
        np.linalg.cholesky(covariance - floor * bound * np.eye(size))
        return scipy.linalg.solve_triangular(np.linalg.cholesky(covariance), np.eye(size), lower=True)
    except np.linalg.LinAlgError:
        values, columns = np.linalg.eigh(covariance)
    lowest = floor * values[-1]
    if max(values[0], lowest) <= 0.0:
        raise SerError("LDA: the within-class covariance is singular; set covariance_floor over 0, or shrinkage")
    if low := np.count_nonzero(values < lowest):
        logger.warning("LDA: floored %d of %d eigenvalues of the covariance to %g", low, size, lowest)
    return (columns / np.sqrt(np.maximum(values, lowest))).T
