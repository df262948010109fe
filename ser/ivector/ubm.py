"""The universal background model (UBM), a mixture of diagonal Gaussians, and the posteriors of its Gaussians."""

from typing import NamedTuple

import numpy as np

from ser.errors import SerError
from ser.ivector import kernels
from ser.kaldi.ivector_files import UbmArrays


class Posteriors(NamedTuple):
    """Each frame's Gaussians, best first: `gaussians` and `posts` (T, K); only the first `counts[t]` entries count."""

    counts: np.ndarray
    gaussians: np.ndarray
    posts: np.ndarray
    mean_log_likelihood: float


class Ubm:
    """A mixture whose log-likelihoods are computed in single precision, as in Kaldi."""

    def __init__(self, arrays: UbmArrays) -> None:
        self.arrays = arrays
        self.precisions = 1 / arrays.variances
        scaled = arrays.means * self.precisions
        # log w - D/2 log 2 pi - 1/2 (log |Sigma| + m^T Sigma^-1 m); then x^T Sigma^-1 m - 1/2 x^T Sigma^-1 x.
        constants = np.log(arrays.weights) - 0.5 * (
            self.dim * np.log(2 * np.pi) - np.log(self.precisions).sum(1) + (arrays.means * scaled).sum(1)
        )
        self._constants = constants.astype(np.float32)
        self._linear = np.ascontiguousarray(scaled.T.astype(np.float32))
        self._quadratic = np.ascontiguousarray((-0.5 * self.precisions).T.astype(np.float32))

    @property
    def num_gaussians(self) -> int:
        return len(self.arrays.weights)

    @property
    def dim(self) -> int:
        """Feature dimension."""
        return self.arrays.means.shape[1]

    def log_likelihoods(self, features: np.ndarray) -> np.ndarray:
        """Compute log w_g N(x; m_g, Sigma_g) for frames (T, D) float32: (T, G) float32."""
        if features.shape[1] != self.dim:
            raise SerError(f"the UBM takes {self.dim} features per frame, but these have {features.shape[1]}")
        found = features @ self._linear
        found += (features * features) @ self._quadratic
        found += self._constants
        return found

    def posteriors(self, features: np.ndarray, num_gselect: int, min_post: float) -> Posteriors:
        """Compute the posteriors of the best Gaussians for frames (T, D) float32; see `kernels.select`."""
        counts, chosen, posts, total = kernels.select(self.log_likelihoods(features), num_gselect, np.float32(min_post))
        return Posteriors(counts, chosen, posts, total / max(len(features), 1))
