"""Enrolled classes: each class is the average embedding of its examples and their number, the input of PLDA scoring.

A class of the training set and a class that a user adds with a few recordings are treated alike. The score of either is
the log likelihood ratio of "an utterance of this class" against "an utterance of a class never seen".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.backend import chain, scoring
from ser.backend.backend_dir import load_backend, read_num_utts, save_backend
from ser.backend.moments import moments_of
from ser.errors import SerError
from ser.files import read_text
from ser.kaldi import ark


@dataclass(frozen=True)
class EnrolledClasses:
    """A back end and K classes: `names`, mean embeddings `averages` (K, D), numbers of examples `num_utts` (K,)."""

    backend: chain.Backend
    names: tuple[str, ...]
    averages: np.ndarray
    num_utts: np.ndarray

    @classmethod
    def train(
        cls, vectors: np.ndarray, labels: np.ndarray, names: tuple[str, ...], config: chain.BackendConfig
    ) -> EnrolledClasses:
        """Train the back end on embeddings (N, D) of the classes `labels` (N,), and enrol all of them."""
        backend = chain.train(vectors, labels, config)
        examples = moments_of(vectors, labels)
        return cls(backend, names, examples.class_means, examples.counts)

    def add(self, name: str, vectors: np.ndarray) -> EnrolledClasses:
        """Enrol one more class by the embeddings (n, D) of its examples; nothing is trained."""
        average = vectors.mean(axis=0, dtype=np.float64)
        return EnrolledClasses(
            self.backend,
            (*self.names, name),
            np.vstack([self.averages, average]),
            np.append(self.num_utts, len(vectors)),
        )

    def class_scores(self, vectors: np.ndarray) -> np.ndarray:
        """Score utterances (M, D) against each class: log likelihood ratios (M, K), see `scoring.factor_ratios`."""
        enrolled = self.backend.project(self.averages, self.num_utts)
        left, right = scoring.factor_ratios(self.backend.plda, enrolled, self.backend.project(vectors), self.num_utts)
        return right @ left.T

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        """Score every pair of embeddings (N, D) and (M, D): (N, M) float32."""
        project = self.backend.project
        return scoring.score_matrix(
            *scoring.factor_ratios(self.backend.plda, project(enrol, num_utts), project(test), num_utts)
        )

    def save(self, folder: Path) -> None:
        """Write the back end in Kaldi's formats, and the average of each class to ``classes.ark``."""
        save_backend(folder, self.backend, dict(zip(self.names, self.num_utts.tolist(), strict=True)))
        with ark.Writer(f"ark:{folder / 'classes.ark'}") as writer:
            for name, average in zip(self.names, self.averages, strict=True):
                writer.write(name, average.astype(np.float32))

    @classmethod
    def load(cls, folder: Path) -> EnrolledClasses:
        """Read what `save` wrote."""
        names = read_text(folder / "classes.txt", "make the detector again").split()
        averages, num_utts = ark.load(f"ark:{folder / 'classes.ark'}"), read_num_utts(folder)
        backend = load_backend(folder, folder / "config.yaml")
        if set(names) != set(averages) or set(names) != set(num_utts) or not names:
            raise SerError(
                f"{folder}: classes.txt, classes.ark and num_utts name different classes; make the detector again"
            )
        return cls(
            backend,
            tuple(names),
            np.array([averages[name] for name in names], dtype=np.float64),
            np.array([num_utts[name] for name in names], dtype=np.int64),
        )
