"""Sufficient statistics of LDA and PLDA training: count, mean and scatter of the classes.

Vectors are processed in blocks of a few thousand, so that millions need not be in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

Block = tuple[np.ndarray, np.ndarray]
"""Vectors (n, D) and their classes (n,), 0 to K - 1."""

ROWS_IN_BLOCK = 1 << 13


class Moments(NamedTuple):
    """Statistics of N vectors x in K classes: `counts` (K,) int64, `class_means` (K, D) and `scatter` (D, D) float64.

    The scatter is the sum of (x - m) (x - m)' over all x, where m is the mean of x's class.
    """

    counts: np.ndarray
    class_means: np.ndarray
    scatter: np.ndarray

    @property
    def num(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> np.ndarray:
        """The mean of all vectors (D,)."""
        return self.counts @ self.class_means / self.num

    def moved(self, shift: np.ndarray) -> Moments:
        """Return the moments of the vectors less `shift` (D,)."""
        return self._replace(class_means=self.class_means - shift)


def moments(blocks: Iterable[Block], num_classes: int) -> Moments:
    """Compute the moments in one pass over the blocks; each of the classes needs at least one vector."""
    counts = np.zeros(num_classes, dtype=np.int64)
    for index, (vectors, labels) in enumerate(blocks):
        if index == 0:
            # Sums of squares about a point near the mean lose no digits to cancellation.
            origin = vectors.mean(axis=0, dtype=np.float64)
            sums = np.zeros((num_classes, len(origin)))
            scatter = np.zeros((len(origin), len(origin)))
        centred = vectors - origin
        counts += np.bincount(labels, minlength=num_classes)
        _add_by_class(sums, centred, labels)
        scatter += centred.T @ centred
    class_means = sums / counts[:, None]
    return Moments(counts, class_means + origin, scatter - class_means.T @ sums)


def in_blocks(vectors: np.ndarray, labels: np.ndarray) -> list[Block]:
    """Split arrays (N, D) and (N,) into blocks, which are views."""
    starts = range(0, len(vectors), ROWS_IN_BLOCK)
    return [(vectors[start : start + ROWS_IN_BLOCK], labels[start : start + ROWS_IN_BLOCK]) for start in starts]


def moments_of(vectors: np.ndarray, labels: np.ndarray) -> Moments:
    """Compute the moments of vectors (N, D) with classes (N,), 0 to K - 1, each present."""
    return moments(in_blocks(vectors, labels), int(labels.max()) + 1)


def _add_by_class(sums: np.ndarray, vectors: np.ndarray, labels: np.ndarray) -> None:
    """Add vectors (n, D) to the rows of `sums` (K, D) that their labels (n,) name."""
    order = np.argsort(labels, kind="stable")
    present, starts = np.unique(labels[order], return_index=True)
    sums[present] += np.add.reduceat(vectors[order], starts, axis=0)
