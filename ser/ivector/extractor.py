"""The i-vector extractor: the mean of Gaussian g is M_g x, where the i-vector x has a normal prior.

Dehak et al., "Front-end factor analysis for speaker verification", TASLP 2011; Kaldi's ivector/ivector-extractor.cc. Of
Kaldi's two kinds this is the one whose mixture weights do not depend on the i-vector.
"""

from typing import NamedTuple

import numpy as np

from ser.kaldi.ivector_files import ExtractorArrays


class Distribution(NamedTuple):
    """The posterior of an i-vector: mean (S,) and covariance (S, S)."""

    mean: np.ndarray
    covariance: np.ndarray


class Extractor:
    """An extractor with products of its parameters that are computed once, in float64.

    `projections` (G, D, S) are Sigma^-1 M; `squares` (G, S (S + 1) / 2) are the lower triangles of M^T Sigma^-1 M.
    """

    def __init__(self, arrays: ExtractorArrays) -> None:
        self.arrays = arrays
        self.num_gaussians, self.dim, self.size = arrays.projections.shape
        self.offset = arrays.offset
        self.projections = np.ascontiguousarray(arrays.precisions @ arrays.projections)
        rows, columns = np.tril_indices(self.size)
        squares = np.empty((self.num_gaussians, len(rows)))
        for gaussian, matrix in enumerate(arrays.projections):
            squares[gaussian] = (matrix.T @ self.projections[gaussian])[rows, columns]
        self.squares = squares

    def distribution(self, gammas: np.ndarray, sums: np.ndarray) -> Distribution:
        """Return the posterior of an utterance's i-vector.

        Parameters
        ----------
        gammas : (G,) sums of the posteriors over frames.
        sums : (G, D) sums of the frames, weighted by their posteriors.
        """
        quadratic = self.unpack(gammas @ self.squares) + np.eye(self.size)
        linear = np.einsum("gds,gd->s", self.projections, sums, optimize=True)
        linear[0] += self.offset
        covariance = np.linalg.inv(quadratic)
        return Distribution(covariance @ linear, (covariance + covariance.T) / 2)

    def unpack(self, triangle: np.ndarray) -> np.ndarray:
        """Make a symmetric matrix (S, S) from its packed lower triangle."""
        matrix = np.zeros((self.size, self.size))
        rows, columns = np.tril_indices(self.size)
        matrix[rows, columns] = matrix[columns, rows] = triangle
        return matrix
