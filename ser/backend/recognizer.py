"""Trained back ends, which score pairs of utterances, and utterances against classes; their interface and trainers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from ser.backend import chain, scoring
from ser.backend.backend_dir import save_backend
from ser.backend.plda import adapt_plda
from ser.backend.yardsticks import train_cosine, train_logistic


class Recognizer(Protocol):
    """A back end with the training utterances that represent its K classes."""

    @property
    def lda_dim(self) -> int | None:
        """Rows of its LDA, None if it has none."""

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        """Score every pair: (N, M) float32. Rows of `enrol` (N, D) average `num_utts` utterances; `test` is (M, D)."""

    def class_scores(self, test: np.ndarray) -> np.ndarray:
        """Score each row of `test` (M, D) against each class: (M, K) float64."""

    def save(self, folder: Path, num_utts: Mapping[str, int]) -> None:
        """Write it to a folder; `num_utts` is class -> number of training utterances, in the order of the labels."""


@dataclass(frozen=True)
class PldaRecognizer:
    """The chain to PLDA. A class is scored by its training utterances: `projected` (N, d), `labels` (N,)."""

    backend: chain.Backend
    projected: np.ndarray
    labels: np.ndarray

    @property
    def lda_dim(self) -> int | None:
        return len(self.backend.plda.mean)

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        return scoring.score_matrix(*self.backend.factors(enrol, test, num_utts))

    def class_scores(self, test: np.ndarray) -> np.ndarray:
        factors = scoring.factor_ratios(self.backend.plda, self.projected, self.backend.project(test))
        return scoring.class_scores(*factors, self.labels, self.backend.config.rule)

    def save(self, folder: Path, num_utts: Mapping[str, int]) -> None:
        save_backend(folder, self.backend, num_utts)


def train_plda(vectors: np.ndarray, labels: np.ndarray, config: chain.BackendConfig) -> PldaRecognizer:
    """Train mean, LDA and PLDA (`chain.train`)."""
    backend = chain.train(vectors, labels, config)
    return PldaRecognizer(backend, backend.project(vectors), labels)


# Kaldi's defaults of ivector-adapt-plda.
ADAPTATION = {"within_scale": 0.3, "between_scale": 0.7, "mean_diff_scale": 1.0}


def adapted(recognizer: PldaRecognizer, train: np.ndarray, unlabelled: np.ndarray) -> PldaRecognizer:
    """Adapt the PLDA of a recognizer to unlabelled vectors (M, D) of another domain.

    `train` (N, D) are the vectors that the recognizer was trained on, which represent its classes.
    """
    plda = adapt_plda(recognizer.backend.plda, recognizer.backend.reduce(unlabelled), **ADAPTATION)
    backend = replace(recognizer.backend, plda=plda)
    return PldaRecognizer(backend, backend.project(train), recognizer.labels)


TRAINERS: dict[str, Callable[..., Recognizer]] = {
    "plda": train_plda,
    "cosine": train_cosine,
    "logistic": train_logistic,
}


def trainer(kind: str, config: chain.BackendConfig) -> Callable[..., Recognizer]:
    """Return a function that trains a back end of `kind`, a key of `TRAINERS`.

    Its arguments are vectors (N, D), labels (N,) int, 0 to K - 1, each present, and speakers (N,). The speakers are
    ignored; the argument is there because `fallback_trainer` needs it.
    """
    return lambda vectors, labels, speakers: TRAINERS[kind](vectors, labels, config)
