"""Linear classifiers whose regularisation is chosen on inner folds of the training speakers: SVM and Gaussian.

A classifier's scores become posteriors by a temperature that is fitted on the same inner folds. Pairs are then scored
as for logistic regression (`ser.backend.yardsticks.LogisticRecognizer`). So these classifiers know only the training
classes: unlike PLDA, they cannot separate two emotions that training lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import log_softmax

from ser.backend.chain import BackendConfig
from ser.backend.held_out import assign_parts
from ser.backend.yardsticks import LogisticRecognizer
from ser.metrics import class_calibration

# Decision functions of K classes: weights (K, D) and offset (K,).
Fitted = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Kind:
    """A kind of classifier: `fit` maps vectors (N, D), labels (N,) and `strengths` to a `Fitted` for each strength."""

    strengths: tuple[float, ...]
    fit: Callable[[np.ndarray, np.ndarray, Sequence[float]], list[Fitted]]


def fit_gaussian(vectors: np.ndarray, labels: np.ndarray, strengths: Sequence[float]) -> list[Fitted]:
    """Fit Gaussian classes with a shared covariance and equal priors, for each of several strengths of shrinkage.

    The covariance is (1 - s) W + s trace(W) / D I, where W is the mean of the classes' covariances. If N < D, its axes
    are computed in the space that the N vectors span, which is exact: in all other directions W is 0. Source: J. H.
    Friedman, "Regularized discriminant analysis", JASA 1989.

    Parameters
    ----------
    vectors : (N, D).
    labels : (N,) int, 0 to K - 1, each present.
    strengths : values of s, from 0 to 1; 0 needs at least as many vectors as dimensions.
    """
    centre = vectors.mean(axis=0)
    num_classes = int(labels.max()) + 1
    means = np.array([vectors[labels == label].mean(axis=0) for label in range(num_classes)])  # (K, D)
    sizes = num_classes * np.bincount(labels)[labels]
    variances, axes = _principal_axes((vectors - means[labels]) / np.sqrt(sizes)[:, None])
    unit = variances.sum() / vectors.shape[1]
    means -= centre
    inside = means @ axes  # (K, d)
    outside = means - inside @ axes.T  # (K, D)
    found = []
    for share in strengths:
        weights = inside / ((1.0 - share) * variances + share * unit) @ axes.T  # (K, D)
        if share > 0.0:
            weights += outside / (share * unit)
        found.append((weights, -0.5 * np.sum(weights * means, axis=1) - weights @ centre))
    return found


def fit_svm(vectors: np.ndarray, labels: np.ndarray, strengths: Sequence[float]) -> list[Fitted]:
    """Fit scikit-learn's linear support vector machine, one class against the others, with each of several C.

    Utterances weigh inversely to the size of their class. Parameters as of `fit_gaussian`; `strengths` are values of C.
    """
    from sklearn.svm import SVC

    gram = vectors @ vectors.T
    num_classes = int(labels.max()) + 1
    found = []
    for strength in strengths:
        weights, offset = np.zeros((num_classes, vectors.shape[1])), np.zeros(num_classes)
        for label in range(num_classes):
            machine = SVC(C=strength, kernel="precomputed", class_weight="balanced").fit(gram, labels == label)
            weights[label] = machine.dual_coef_[0] @ vectors[machine.support_]
            offset[label] = machine.intercept_[0]
        found.append((weights, offset))
    return found


KINDS = {
    "gaussian": Kind((0.2, 0.4, 0.6, 0.8, 0.95), fit_gaussian),
    "svm": Kind((1e-4, 3e-4, 1e-3, 3e-3, 1e-2), fit_svm),
}


def train_linear(
    kind: str,
    vectors: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    config: BackendConfig,
    parts: int,
    seed: int,
) -> LogisticRecognizer:
    """Train a classifier on standardised vectors; strength and temperature are those that suit other speakers best.

    The strength is the one with the least mean cross entropy, over the classes, of utterances whose speakers the
    classifier was not trained on, after a temperature that is fitted on all of them.

    Parameters
    ----------
    kind : a key of `KINDS`.
    vectors, labels, speakers : (N, D), (N,) int, 0 to K - 1, each present, and (N,).
    config : is saved with the recognizer.
    parts, seed : of the inner folds, see `ser.backend.held_out.assign_parts`.
    """
    mean, deviation = vectors.mean(axis=0, dtype=np.float64), vectors.std(axis=0, dtype=np.float64)
    deviation[deviation == 0.0] = 1.0
    standard = (vectors - mean) / deviation
    strength, temperature = _choose(kind, standard, labels, speakers, parts, seed)
    ((weights, offset),) = KINDS[kind].fit(standard, labels, [strength])
    weights, offset = weights / temperature / deviation, offset / temperature
    return LogisticRecognizer(weights, offset - weights @ mean, config)


def linear_trainer(kind: str, config: BackendConfig, parts: int, seed: int) -> Callable[..., LogisticRecognizer]:
    """Return a function of vectors, labels and speakers that trains a classifier of `kind`, see `train_linear`."""
    return partial(train_linear, kind, config=config, parts=parts, seed=seed)


def _choose(
    kind: str, vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, parts: int, seed: int
) -> tuple[float, float]:
    """Return the strength that suits other speakers best, and the temperature of its scores."""
    part = assign_parts(labels, speakers, parts, seed)
    strengths = KINDS[kind].strengths
    scores = np.full((len(strengths), len(labels), int(labels.max()) + 1), np.nan)
    for number in np.unique(part[part >= 0]):
        seen, scored = part != number, part == number
        for place, (weights, offset) in enumerate(KINDS[kind].fit(vectors[seen], labels[seen], strengths)):
            scores[place, scored] = vectors[scored] @ weights.T + offset
    known = part >= 0
    truth = labels[known]
    best = (np.inf, strengths[0], 1.0)
    for strength, found in zip(strengths, scores[:, known], strict=True):
        temperature = class_calibration.fit(found, truth, with_bias=False).temperature
        logs = log_softmax(found / temperature, axis=1)[np.arange(len(truth)), truth]
        loss = -np.mean([logs[truth == label].mean() for label in np.unique(truth)])
        best = min(best, (float(loss), strength, temperature))
    return best[1:]


def _principal_axes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues (d,), none below 0, and axes (D, d) of the sum of squares of `rows` (N, D).

    If N <= D, only axes whose eigenvalue is larger than rounding errors are returned.
    """
    if len(rows) > rows.shape[1]:
        squares, axes = np.linalg.eigh(rows.T @ rows)
        return np.maximum(squares, 0.0), axes
    squares, weights = np.linalg.eigh(rows @ rows.T)
    kept = squares > 1e-12 * squares[-1]
    return squares[kept], rows.T @ (weights[:, kept] / np.sqrt(squares[kept]))
