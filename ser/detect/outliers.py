"""How far an embedding is from all that the back end was trained on: what is no emotional speech is called unknown.

The score is the squared Mahalanobis distance under the total covariance of the training embeddings, a number of D terms
divided by D: about 1 for what they are like. It is taken from the nearest of the training mean and of the averages of
classes that a user added. The covariance is shrunk towards a multiple of the identity (Ledoit and Wolf, "A
well-conditioned estimator for large-dimensional covariance matrices", J. Multivariate Analysis 88, 2004), since there
may be fewer utterances than dimensions. A posterior cannot tell this: a tone is nearer to one class than to the
others, however far it is from all (Lee et al., "A simple unified framework for detecting out-of-distribution samples",
NeurIPS 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.kaldi import ark

FILE = "outliers.ark"


@dataclass(frozen=True)
class Outliers:
    """What embeddings are like.

    Attributes
    ----------
    centres : (C, D), the mean of the training embeddings, then the averages of added classes.
    whitening : (D, D), whose product with a training embedding's difference from the mean has covariance I.
    """

    centres: np.ndarray
    whitening: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray) -> Outliers:
        """Estimate both from embeddings (N, D)."""
        from sklearn.covariance import ledoit_wolf

        vectors = vectors.astype(np.float64)
        variances, axes = np.linalg.eigh(ledoit_wolf(vectors)[0])
        # Embeddings that do not vary at all would divide by 0.
        return cls(
            vectors.mean(axis=0)[None], axes / np.sqrt(np.maximum(variances, 1e-12 * max(variances.max(), 1e-12)))
        )

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Return (N,) float64 of embeddings (N, D): about 1 for those like the training ones, more for others."""
        whitened = vectors @ self.whitening
        return np.min([np.square(whitened - c @ self.whitening).mean(axis=1) for c in self.centres], axis=0)

    def add(self, vectors: np.ndarray) -> Outliers:
        """Return one that also knows a class by the embeddings (n, D) of its examples."""
        average = vectors.mean(axis=0, dtype=np.float64)
        return Outliers(np.vstack([self.centres, average]), self.whitening)

    def save(self, folder: Path) -> None:
        """Write FILE, Kaldi's vector and matrix."""
        with ark.Writer(f"ark:{folder / FILE}") as writer:
            writer.write("centres", self.centres.astype(np.float32))
            writer.write("whitening", self.whitening.astype(np.float32))

    @classmethod
    def load(cls, folder: Path, dim: int) -> Outliers:
        """Read what `save` wrote, for embeddings of `dim` numbers."""
        path = folder / FILE
        arrays = ark.load(f"ark:{path}")
        shapes = {name: array.shape for name, array in arrays.items()}
        is_right = list(shapes) == ["centres", "whitening"] and shapes["centres"][1:] == (dim,) != (0,)
        is_finite = all(np.isfinite(array).all() for array in arrays.values())
        if not is_right or shapes["whitening"] != (dim, dim) or not shapes["centres"][0] or not is_finite:
            raise SerError(
                f"{path}: expected finite numbers, centres of {dim} and a whitening of {dim} by {dim}, found {shapes};"
                " make the model anew"
            )
        return cls(arrays["centres"].astype(np.float64), arrays["whitening"].astype(np.float64))
