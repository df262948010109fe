"""The chain of the back end: mean subtraction, LDA, length normalisation, PLDA; training and application."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ser.backend.lda import train_lda
from ser.backend.moments import Block, Moments, in_blocks, moments
from ser.backend.plda import Plda, train_plda
from ser.backend.scoring import factor_ratios
from ser.backend.speaker_normalisation import NONE, SpeakerNormalisation
from ser.errors import SerError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BackendConfig:
    """Settings of the back end: the keys of conf/backend.yaml, which explains each."""

    lda_dim: int
    total_covariance_factor: float
    covariance_floor: float
    shrinkage: float
    plda_iterations: int
    smoothing: float
    normalize_vectors: bool
    normalize_length: bool
    rule: Literal["average", "best"]
    # Missing in the config.yaml of older back ends.
    speaker_normalisation: str = NONE

    def __post_init__(self) -> None:
        SpeakerNormalisation.parse(self.speaker_normalisation)
        for name in ("total_covariance_factor", "covariance_floor", "shrinkage", "smoothing"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise SerError(f"back end: {name} is a share of 0 to 1, found {getattr(self, name)}")
        if self.plda_iterations < 1 or self.lda_dim < 0:
            raise SerError(
                f"back end: plda_iterations is 1 or more, found {self.plda_iterations}; "
                f"lda_dim is 0 (K - 1) or more, found {self.lda_dim}"
            )


@dataclass(frozen=True)
class Backend:
    """A trained chain.

    `mean` (D,), or None for no mean subtraction; `lda` (d, D), or (d, D + 1) with an offset as its last column, or None
    for neither LDA nor length normalisation; `plda` of d dimensions.
    """

    mean: np.ndarray | None
    lda: np.ndarray | None
    plda: Plda
    config: BackendConfig

    def project(self, vectors: np.ndarray, num_utts: np.ndarray | int = 1) -> np.ndarray:
        """Project embeddings (N, D), each the average of `num_utts` utterances, into the PLDA's basis: (N, d) float64.

        Vectors of d < D numbers are taken to have passed mean, LDA and length normalisation already.
        """
        return self.plda.project(self.reduce(vectors), num_utts, normalize_length=self.config.normalize_length)

    def factors(
        self, enrol: np.ndarray, test: np.ndarray, num_utts: np.ndarray | int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Write the score of every pair of embeddings as a dot product, see `ser.backend.scoring.factor_ratios`.

        Parameters
        ----------
        enrol, test : (N, D), each the average of `num_utts` utterances, and (M, D).
        """
        return factor_ratios(self.plda, self.project(enrol, num_utts), self.project(test), num_utts)

    def reduce(self, vectors: np.ndarray) -> np.ndarray:
        """Apply mean, LDA and length normalisation to embeddings (N, D): (N, d) float64, the input of the PLDA."""
        size = vectors.shape[1]
        if self.lda is not None and size == len(self.plda.mean) < self.lda.shape[1] - 1:
            return vectors
        if self.mean is not None:
            if size != len(self.mean):
                raise SerError(f"back end: trained on vectors of dimension {len(self.mean)}, found vectors of {size}")
            vectors = vectors - self.mean
        return vectors if self.lda is None else apply_lda(vectors, self.lda, self.config.normalize_vectors)


def train(vectors: np.ndarray, labels: np.ndarray, config: BackendConfig) -> Backend:
    """Train the chain on embeddings (N, D) and their classes (N,), 0 to K - 1, each present."""
    return train_in_blocks(in_blocks(vectors, labels), int(labels.max()) + 1, config)


def train_in_blocks(blocks: Iterable[Block], num_classes: int, config: BackendConfig) -> Backend:
    """Train the chain on blocks of embeddings, in two passes; they need not be in memory all at once."""
    mean, lda = train_mean_and_lda(moments(blocks, num_classes), config)
    config = config_for(lda, config)
    reduced = ((apply_lda(vectors - mean, lda, config.normalize_vectors), labels) for vectors, labels in blocks)
    plda = train_plda(moments(reduced, num_classes), config.plda_iterations)
    return Backend(mean, lda, plda.smoothed(config.smoothing), config)


def config_for(lda: np.ndarray | None, config: BackendConfig) -> BackendConfig:
    """Return the settings for an LDA (d, D + 1): of one row they normalise no length."""
    if lda is None or len(lda) > 1 or not (config.normalize_vectors or config.normalize_length):
        return config
    logger.info("back end: an LDA of one row: no length normalisation, which would leave the sign of one number")
    return dataclasses.replace(config, normalize_vectors=False, normalize_length=False)


def train_mean_and_lda(whole: Moments, config: BackendConfig) -> tuple[np.ndarray, np.ndarray]:
    """Train the first half of the chain: the mean (D,), and the LDA (d, D + 1) of the vectors minus the mean."""
    mean = whole.mean
    lda = train_lda(
        whole.moved(mean),
        config.lda_dim or min(len(whole.counts) - 1, len(mean)),
        total_covariance_factor=config.total_covariance_factor,
        covariance_floor=config.covariance_floor,
        shrinkage=config.shrinkage,
    )
    return mean, lda


def apply_lda(centred: np.ndarray, lda: np.ndarray, normalize_vectors: bool) -> np.ndarray:
    """Apply an LDA matrix, with or without an offset column; if `normalize_vectors`, scale rows to norm sqrt(d)."""
    size = centred.shape[1]
    if lda.shape[1] not in (size, size + 1):
        raise SerError(
            f"LDA: a matrix of {lda.shape[1]} columns for vectors of dimension {size}; it needs {size} or {size + 1}"
        )
    reduced = centred @ lda[:, :size].T
    if lda.shape[1] > size:
        reduced += lda[:, size]
    return length_normalize(reduced) if normalize_vectors else reduced


def length_normalize(vectors: np.ndarray) -> np.ndarray:
    """Scale each row of (N, D) to a norm of sqrt(D), as `ivector-normalize-length` does; rows of zeros stay.

    Source: Garcia-Romero and Espy-Wilson, "Analysis of i-vector length normalization", Interspeech 2011.

    >>> length_normalize(np.array([[3.0, 4.0], [0.0, 0.0]])).round(3).tolist()
    [[0.849, 1.131], [0.0, 0.0]]
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors * (np.sqrt(vectors.shape[1]) / np.where(norms > 0.0, norms, 1.0))
