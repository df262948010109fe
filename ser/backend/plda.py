"""Two-covariance PLDA, equal to Kaldi's ivector-compute-plda, ivector-copy-plda and ivector-adapt-plda.

A vector is the sum of its class's centre, drawn from N(mean, between), and an offset drawn from N(0, within)
(Ioffe, "Probabilistic linear discriminant analysis", ECCV 2006). The model is kept in the basis where `within` is
the unit matrix and `between` is diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from ser.backend.moments import Moments, moments_of
from ser.errors import SerError


@dataclass(frozen=True)
class Plda:
    """A model: `transform` (D, D) maps x - `mean` (D,) to where within is I and between is diag(`psi` (D,))."""

    mean: np.ndarray
    transform: np.ndarray
    psi: np.ndarray

    def project(self, vectors: np.ndarray, num_utts: np.ndarray | int = 1, *, normalize_length: bool) -> np.ndarray:
        """Project `vectors` (N, D) into the model's basis: (N, D) float64.

        Parameters
        ----------
        vectors : each is one utterance, or the average of `num_utts` of them.
        num_utts : (N,) or one number for all.
        normalize_length : scale each u to u' (psi + I / n)^-1 u = D, the value expected under the model, n = num_utts.

        Raises
        ------
        SerError
            For vectors of another size than the model's.
        """
        if vectors.shape[1] != len(self.mean):
            raise SerError(f"PLDA: the model has dimension {len(self.mean)}, the vectors have {vectors.shape[1]}")
        projected = vectors @ self.transform.T - self.transform @ self.mean
        if normalize_length:
            variance = self.psi + 1.0 / np.reshape(num_utts, (-1, 1))
            projected *= np.sqrt(len(self.psi) / np.sum(projected**2 / variance, axis=1, keepdims=True))
        return projected

    def smoothed(self, factor: float) -> Plda:
        """Add `factor` times the between-class covariance to the within-class one (`ivector-copy-plda --smoothing`)."""
        within = 1.0 + factor * self.psi
        return Plda(self.mean, self.transform / np.sqrt(within)[:, None], self.psi / within)


def train_plda(moments: Moments, iterations: int) -> Plda:
    """Estimate a model by expectation maximisation, from within = between = I.

    Each class counts once, whatever its size, in the mean and in the between-class covariance.
    A class's average m over n vectors is x + y, x ~ N(0, between), y ~ N(0, within / n). The E step computes the
    posterior of x, whose mean is w = (between^-1 + n within^-1)^-1 n within^-1 m. Each iteration works in the basis of
    the previous model, where both covariances are diagonal, so that no matrix is inverted for a class or a class size.

    Parameters
    ----------
    moments : of N vectors of D numbers in K classes.
    iterations : 10 in Kaldi.

    Raises
    ------
    SerError
        If no class has two vectors, or the estimate is singular.
    """
    counts, scatter = moments.counts[:, None].astype(np.float64), moments.scatter
    if counts.max() < 2:
        raise SerError(f"PLDA: each of the {len(counts)} classes has one vector; the within-class spread is unknown")
    mean = moments.class_means.mean(axis=0)
    centres = moments.class_means - mean
    transform = np.eye(len(mean))
    psi = np.ones(len(mean))
    for _ in range(iterations):
        posterior = psi / (1.0 + counts * psi)  # (K, D), the posterior variance of x; y has the same
        expected = counts * posterior * centres  # (K, D), w, the posterior mean of x
        rest = centres - expected  # (K, D), the posterior mean of y
        between = (expected.T @ expected + np.diag(posterior.sum(axis=0))) / len(counts)
        within = (scatter + rest.T @ (counts * rest) + np.diag((counts * posterior).sum(axis=0))) / counts.sum()
        # Move to the basis of the new model.
        step, psi = _diagonalise(within, between)
        transform = step @ transform
        centres = centres @ step.T
        scatter = step @ scatter @ step.T
    return Plda(mean, transform, psi)


def adapt_plda(
    plda: Plda, vectors: np.ndarray, *, within_scale: float, between_scale: float, mean_diff_scale: float
) -> Plda:
    """Adapt a model to unlabelled vectors of another domain, as `ivector-adapt-plda` does.

    In each direction where the new vectors vary more than the model expects, the excess is shared between the
    within-class and the between-class covariance. The mean becomes that of the new vectors.

    Parameters
    ----------
    plda : model of the old domain.
    vectors : (N, D) of the new domain.
    within_scale, between_scale : shares of the excess (0.3 and 0.7 in Kaldi).
    mean_diff_scale : weight of the shift of the mean in the covariance of the new vectors (1 in Kaldi).
    """
    new = moments_of(vectors, np.zeros(len(vectors), dtype=np.int64))
    mean, shift = new.mean, new.mean - plda.mean
    total = new.scatter / new.num + mean_diff_scale * np.outer(shift, shift)
    # A basis in which the model's total covariance is I and the new vectors' is diagonal.
    unit_total = plda.transform / np.sqrt(1.0 + plda.psi)[:, None]
    values, columns = np.linalg.eigh(unit_total @ total @ unit_total.T)
    basis = columns.T @ unit_total
    excess = np.diag(np.maximum(values - 1.0, 0.0))
    within = columns.T @ (columns / (1.0 + plda.psi)[:, None]) + within_scale * excess
    between = columns.T @ (columns * (plda.psi / (1.0 + plda.psi))[:, None]) + between_scale * excess
    step, psi = _diagonalise(within, between)
    return Plda(mean, step @ basis, psi)


def _diagonalise(within: np.ndarray, between: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return A and psi with A within A' = I and A between A' = diag(psi), psi in falling order."""
    try:
        root = np.linalg.cholesky(within)
    except np.linalg.LinAlgError as error:
        raise SerError(
            "PLDA: the within-class covariance is singular; give more vectors or a smaller lda_dim"
        ) from error
    half = scipy.linalg.solve_triangular(root, between, lower=True)
    values, columns = np.linalg.eigh(scipy.linalg.solve_triangular(root, half.T, lower=True))
    order = np.argsort(-values)
    step = scipy.linalg.solve_triangular(root, columns[:, order], lower=True, trans="T").T
    return step, np.maximum(values[order], 0.0)
