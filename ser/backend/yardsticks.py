"""Baseline back ends to compare with PLDA: cosine similarity after LDA, and logistic regression.

Their interface is `ser.backend.recognizer.Recognizer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

from ser.backend import scoring
from ser.backend.chain import BackendConfig, apply_lda, train_mean_and_lda
from ser.backend.moments import moments_of
from ser.config import to_yaml
from ser.errors import SerError
from ser.files import write_text
from ser.kaldi import ark, tables


@dataclass(frozen=True)
class CosineRecognizer:
    """Mean subtraction, LDA, and the cosine of the angle between two vectors (Dehak et al., IEEE T-ASLP 19(4), 2011).

    `mean` (D,); `lda` (d, D + 1); `directions` (N, d), the training utterances scaled to length 1; `labels` (N,).
    """

    mean: np.ndarray
    lda: np.ndarray
    directions: np.ndarray
    labels: np.ndarray
    config: BackendConfig

    @property
    def lda_dim(self) -> int | None:
        return len(self.lda)

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        return scoring.score_matrix(_directions(enrol, self.mean, self.lda), _directions(test, self.mean, self.lda))

    def class_scores(self, test: np.ndarray) -> np.ndarray:
        return scoring.class_scores(
            self.directions, _directions(test, self.mean, self.lda), self.labels, self.config.rule
        )

    def save(self, folder: Path, num_utts: Mapping[str, int]) -> None:
        """Write ``mean.vec lda.mat`` in Kaldi's format, as `save_backend` does."""
        ark.write_vector_file(folder / "mean.vec", self.mean.astype(np.float32))
        ark.write_matrix_file(folder / "lda.mat", self.lda.astype(np.float32))
        _save_classes(folder, self.config, num_utts)


def train_cosine(vectors: np.ndarray, labels: np.ndarray, config: BackendConfig) -> CosineRecognizer:
    """Train mean and LDA on embeddings (N, D) and their classes (N,), 0 to K - 1, each present."""
    mean, lda = train_mean_and_lda(moments_of(vectors, labels), config)
    return CosineRecognizer(mean, lda, _directions(vectors, mean, lda), labels, config)


@dataclass(frozen=True)
class LogisticRecognizer:
    """Multinomial logistic regression on standardised embeddings.

    The score of a class is its log posterior. The score of a pair is log sum_k p_i(k) p_j(k), the log probability that
    both utterances are of one class, if they are independent. `weights` (K, D) and `offset` (K,) apply to embeddings
    that are not standardised.
    """

    weights: np.ndarray
    offset: np.ndarray
    config: BackendConfig

    @property
    def lda_dim(self) -> int | None:
        return None

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        scores = scoring.score_matrix(np.exp(self.class_scores(enrol)), np.exp(self.class_scores(test)))
        # The product of posteriors that do not overlap may round to 0, whose logarithm is infinite.
        return np.log(np.maximum(scores, np.finfo(np.float32).tiny, out=scores), out=scores)

    def class_scores(self, test: np.ndarray) -> np.ndarray:
        return log_softmax(test @ self.weights.T + self.offset, axis=1)

    def save(self, folder: Path, num_utts: Mapping[str, int]) -> None:
        """Write ``weights.ark`` in Kaldi's text format: the offset and the weights of each class."""
        rows = np.column_stack([self.offset, self.weights]).astype(np.float32)
        with ark.Writer(f"ark,t:{folder}/weights.ark") as writer:
            for name, row in zip(num_utts, rows, strict=True):
                writer.write(name, row)
        _save_classes(folder, self.config, num_utts)


def train_logistic(vectors: np.ndarray, labels: np.ndarray, config: BackendConfig) -> LogisticRecognizer:
    """Fit scikit-learn's logistic regression, with its default penalty, on embeddings (N, D) and classes (N,)."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        raise SerError(f"logistic: {len(labels)} vectors of {len(np.unique(labels))} class; it needs 2 classes or more")
    mean = vectors.mean(axis=0, dtype=np.float64)
    stddev = vectors.std(axis=0, dtype=np.float64)
    stddev[stddev == 0.0] = 1.0
    model = LogisticRegression(max_iter=1000).fit((vectors - mean) / stddev, labels)
    # For two classes scikit-learn has one row, the log odds of the second against the first.
    two = len(model.classes_) == 2
    coefficients = np.vstack([np.zeros_like(model.coef_), model.coef_]) if two else model.coef_
    intercept = np.append(0.0, model.intercept_) if two else model.intercept_
    # Fold the standardisation into the weights and the offset.
    weights = coefficients / stddev
    return LogisticRecognizer(weights, intercept - weights @ mean, config)


def _directions(vectors: np.ndarray, mean: np.ndarray, lda: np.ndarray) -> np.ndarray:
    reduced = apply_lda(vectors - mean, lda, normalize_vectors=True)
    return reduced / np.sqrt(reduced.shape[1])


def _save_classes(folder: Path, config: BackendConfig, num_utts: Mapping[str, int]) -> None:
    write_text(folder / "classes.txt", "".join(f"{name}\n" for name in num_utts))
    tables.write_map(folder / "num_utts", num_utts)
    write_text(folder / "config.yaml", to_yaml(config))
