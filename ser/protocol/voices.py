"""Find speaker names that may be the same person: their embeddings are as similar as those of one speaker.

Each name's utterances are divided into two halves, and the mean embeddings of halves are compared by the cosine. The
score of a name's own two halves shows how similar a voice is to itself; the score of halves of two names shows how
similar two voices are. Embeddings are first whitened by the within-speaker covariance (within-class covariance
normalisation; Hatch, Kajarekar and Stolcke, Interspeech 2006).

The threshold comes from the same data. It is the larger of two scores. One is the score that, of all pairs of different
voices, a single pair would reach by chance; it is computed from the median and the median absolute deviation of the
scores, which are hardly changed by a few pairs of the same voice. The other is the score that 95 % of the names reach
with themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ser.errors import SerError

# Names with fewer utterances are not compared; the threshold needs at least this many names.
LEAST_UTTS = 4
LEAST_NAMES = 4
MOST_IN_HALF = 10
SHARE_OF_OWN = 0.05
# The share of the within-speaker covariance that is replaced by a multiple of the unit matrix.
SHRINKAGE = 0.1


@dataclass(frozen=True)
class Voices:
    """Scores of the K names that have enough utterances.

    `own` (K,) compares the two halves of each name, `pairs` (K, K) those of two names; `threshold` is for `pairs`.
    """

    names: list[str]
    own: np.ndarray
    pairs: np.ndarray
    threshold: float

    def alike(self) -> list[tuple[str, str, float]]:
        """List the pairs of names whose score is above the threshold, the most alike first."""
        rows, columns = np.nonzero(np.triu(self.pairs > self.threshold, 1))
        found = [(self.names[i], self.names[j], float(self.pairs[i, j])) for i, j in zip(rows, columns, strict=True)]
        return sorted(found, key=lambda pair: -pair[2])


def compare_voices(vectors: np.ndarray, speakers: Sequence[str]) -> Voices:
    """Compare the voices of all names.

    Parameters
    ----------
    vectors : (N, D) embeddings of a net that was trained on speaker identity.
    speakers : (N,) name of the speaker of each embedding.

    Raises
    ------
    SerError
        If fewer than LEAST_NAMES names have LEAST_UTTS utterances.
    """
    labels = np.asarray(speakers)
    names, counts = np.unique(labels, return_counts=True)
    names = names[counts >= LEAST_UTTS]
    if len(names) < LEAST_NAMES:
        raise SerError(
            f"{len(names)} speakers have {LEAST_UTTS} utterances or more; a comparison of voices needs {LEAST_NAMES}"
        )
    white = _white(vectors, labels, names)
    # All halves have the same number of utterances, since the mean of more utterances is closer to every other mean.
    size = min(MOST_IN_HALF, int(counts[counts >= LEAST_UTTS].min()) // 2)
    halves = np.array(
        [[white[labels == name][half : 2 * size : 2].mean(axis=0) for half in (0, 1)] for name in names]
    )  # (K, 2, D)
    halves -= halves.mean(axis=(0, 1))
    halves /= np.maximum(np.linalg.norm(halves, axis=2, keepdims=True), 1e-12)
    cosines = np.einsum("ahd,bkd->abhk", halves, halves)  # (K, K, 2, 2)
    own = cosines[np.arange(len(names)), np.arange(len(names)), 0, 1]
    pairs = cosines.mean(axis=(2, 3))
    others = pairs[np.triu_indices(len(names), 1)]
    middle = float(np.median(others))
    deviation = 1.4826 * float(np.median(np.abs(others - middle)))  # that of a normal distribution
    by_chance = middle + deviation * float(norm.isf(1.0 / len(others)))
    return Voices(names.tolist(), own, pairs, max(by_chance, float(np.quantile(own, SHARE_OF_OWN))))


def _white(vectors: np.ndarray, labels: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Whiten vectors (N, D): their within-speaker covariance, after shrinkage, becomes the unit matrix."""
    within = np.zeros((vectors.shape[1],) * 2)
    total = 0
    for name in names:
        own = vectors[labels == name].astype(np.float64)
        own = own - own.mean(axis=0)
        within += own.T @ own
        total += len(own) - 1
    within /= total
    size = len(within)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * max(np.trace(within) / size, 1e-12) * np.eye(size)
    values, axes = np.linalg.eigh(within)
    return vectors.astype(np.float64) @ (axes / np.sqrt(values))
