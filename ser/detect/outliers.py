"""Outlier score: how far a vector is from the training set; sound that is far from it is called unknown.

The vector is an embedding or, where a net reads frames, what `input_statistics` makes of these. A net is trained to
ignore what does not tell its classes apart, so music may have an embedding like that of speech; its input has not.

The score is the squared Mahalanobis distance under the total covariance of the training vectors, divided by their
dimension D: about 1 for vectors like the training ones. It is measured from the nearest centre: the training mean,
or the average of a class that a user added. The covariance is shrunk towards a multiple of the identity (Ledoit and
Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", J. Multivariate Analysis 88, 2004),
since there may be fewer utterances than dimensions. A posterior does not show this: a pure tone gets a high posterior
for the nearest class, however far it is from all classes (Lee et al., "A simple unified framework for detecting
out-of-distribution samples", NeurIPS 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.detect.net import pool
from ser.errors import SerError
from ser.kaldi import ark

FILE = "outliers.ark"
# Added to a standard deviation before its logarithm is taken; far below those of MFCC, which are about 1 to 20.
SMALL = 1e-3


@dataclass(frozen=True)
class Outliers:
    """The distribution of known vectors: centres and whitening.

    Attributes
    ----------
    centres : (C, D), the mean of the training vectors, then the averages of added classes.
    whitening : (D, D); it maps the training vectors, minus their mean, to covariance I.
    """

    centres: np.ndarray
    whitening: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray) -> Outliers:
        """Estimate centre and whitening from training vectors (N, D)."""
        from sklearn.covariance import ledoit_wolf

        vectors = vectors.astype(np.float64)
        variances, axes = np.linalg.eigh(ledoit_wolf(vectors)[0])
        # Vectors that do not vary would cause a division by 0.
        return cls(
            vectors.mean(axis=0)[None], axes / np.sqrt(np.maximum(variances, 1e-12 * max(variances.max(), 1e-12)))
        )

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Return the outlier scores (N,) float64 of vectors (N, D): about 1 for those like the training ones."""
        whitened = vectors @ self.whitening
        return np.min([np.square(whitened - c @ self.whitening).mean(axis=1) for c in self.centres], axis=0)

    def add(self, vectors: np.ndarray) -> Outliers:
        """Return a copy with one more centre: the average of the vectors (n, D) of a class's examples."""
        average = vectors.mean(axis=0, dtype=np.float64)
        return Outliers(np.vstack([self.centres, average]), self.whitening)

    def over(self, farthest: float) -> Outliers:
        """Return a copy whose scores are divided by `farthest`."""
        return Outliers(self.centres, self.whitening / np.sqrt(farthest))

    def save(self, folder: Path) -> None:
        """Write FILE: centres and whitening in Kaldi's matrix format."""
        with ark.Writer(f"ark:{folder / FILE}") as writer:
            writer.write("centres", self.centres.astype(np.float32))
            writer.write("whitening", self.whitening.astype(np.float32))

    @classmethod
    def load(cls, folder: Path, dim: int) -> Outliers:
        """Read what `save` wrote, for vectors of dimension `dim`."""
        path = folder / FILE
        arrays = ark.load(f"ark:{path}")
        shapes = {name: array.shape for name, array in arrays.items()}
        is_right = list(shapes) == ["centres", "whitening"] and shapes["centres"][1:] == (dim,) != (0,)
        is_finite = all(np.isfinite(array).all() for array in arrays.values())
        if not is_right or shapes["whitening"] != (dim, dim) or not shapes["centres"][0] or not is_finite:
            raise SerError(
                f"{path}: expected finite numbers, centres of {dim} and a whitening of {dim} by {dim}, found {shapes};"
                " make the detector again"
            )
        return cls(arrays["centres"].astype(np.float64), arrays["whitening"].astype(np.float64))


def input_statistics(features: np.ndarray) -> np.ndarray:
    """Return how much, and how fast, the features (T, F) of an utterance vary: (2 F,) float64.

    These are the logarithms of the standard deviations over time of each feature, and of its change from frame to
    frame. Speech is slower than noise and less steady than tones and music, whatever its speaker and microphone; means
    over time are left out, since they depend on both.
    """
    size = features.shape[1]
    deviations = [pool(frames)[size:] for frames in (features, np.diff(features, axis=0))]
    return np.log(np.concatenate(deviations).astype(np.float64) + SMALL)


def farthest(vectors: np.ndarray, part: np.ndarray, share: float) -> float:
    """Return the outlier score that this share of the vectors (N, D) exceeds, each scored without its part.

    Parameters
    ----------
    part : (N,) int, the part of each vector; those of -1 are never scored.
    """
    numbers = set(part[part >= 0].tolist())
    scores = [Outliers.fit(vectors[part != number]).scores(vectors[part == number]) for number in sorted(numbers)]
    return float(np.quantile(np.concatenate(scores), 1 - share))
