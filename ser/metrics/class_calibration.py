"""Calibration of class scores to posterior probabilities, by a temperature and biases; costs of such posteriors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

from ser.errors import SerError
from ser.metrics.classification import confusion, uar
from ser.metrics.logistic import minimise


@dataclass(frozen=True)
class ClassCalibration:
    """A fitted calibration: the posteriors are the softmax of score / `temperature` + `bias` (K,)."""

    temperature: float
    bias: np.ndarray

    def posteriors(self, scores: np.ndarray) -> np.ndarray:
        """Map scores (N, K) to posteriors (N, K) float64."""
        return np.exp(log_softmax(scores / self.temperature + self.bias, axis=1))


def fit(scores: np.ndarray, truth: np.ndarray, *, with_bias: bool) -> ClassCalibration:
    """Fit a temperature, and with `with_bias` a bias for each class, by multinomial logistic regression.

    Source: Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2; Brümmer and van Leeuwen,
    "On calibration of language recognition scores", Odyssey 2006.

    Parameters
    ----------
    scores : (N, K).
    truth : (N,) int, 0 to K - 1.

    Raises
    ------
    SerError
        If a score is not finite, or a true class has no column of scores.
    """
    _check_classes(scores, truth)
    num, size = scores.shape
    # The softmax ignores a constant that is added to all scores of an utterance, so their mean can be subtracted.
    centred = scores - scores.mean(axis=1, keepdims=True, dtype=np.float64)  # (N, K)
    # Scale to deviation 1, so that the search suits scores of any scale.
    spread = centred.std() or 1.0
    standard = centred / spread
    right = np.eye(size)[truth]  # (N, K) one-hot

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        # The parameters are the inverse temperature, then the K biases, which stay 0 unless `with_bias`.
        logs = log_softmax(parameters[0] * standard + parameters[1:] * with_bias, axis=1)  # (N, K) log posteriors
        wrong = (np.exp(logs) - right) / num  # (N, K) the derivative of the loss by each calibrated score
        gradient = np.concatenate([[np.sum(wrong * standard)], wrong.sum(axis=0) * with_bias])
        return -np.mean(logs[np.arange(num), truth]), gradient

    # A scale of 0 or less would reverse the ranking of the classes. The bound keeps the temperature under 1,000 times
    # the standard deviation of the scores.
    bounds = [(1e-3, None), *[(None, None)] * size]
    scale, *bias = minimise(loss, np.concatenate([[1.0], np.zeros(size)]), bounds)
    return ClassCalibration(float(spread / scale), np.array(bias))


def class_cllr(posteriors: np.ndarray, truth: np.ndarray) -> float:
    """Return the multi-class Cllr: the mean cost of posteriors under equal priors; 1 is that of no score at all.

    It is the cross entropy of the true class, averaged over each class and then over the classes, in units of log K.
    Source: Brümmer and van Leeuwen, "On calibration of language recognition scores", Odyssey 2006, eq. 6.

    Parameters
    ----------
    posteriors : (N, K), under equal priors.
    truth : (N,) int, 0 to K - 1.

    >>> round(class_cllr(np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([0, 1])), 6)
    1.0
    """
    _check_classes(posteriors, truth)
    costs = -np.log(np.maximum(posteriors[np.arange(len(truth)), truth], np.finfo(float).tiny))
    return float(np.mean([costs[truth == label].mean() for label in np.unique(truth)]) / np.log(posteriors.shape[1]))


def class_cost(posteriors: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of wrong decisions under equal priors, divided by that of guessing; parameters as `class_cllr`.

    >>> class_cost(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
    1.0
    """
    _check_classes(posteriors, truth)
    size = posteriors.shape[1]
    return float((1 - uar(confusion(truth, posteriors.argmax(axis=1), size))) / (1 - 1 / size))


def _check_classes(scores: np.ndarray, truth: np.ndarray) -> None:
    if len(scores) != len(truth) or not len(truth):
        raise SerError(f"calibration: scores of {len(scores)} utterances and {len(truth)} true classes")
    if truth.min() < 0 or truth.max() >= scores.shape[1]:
        raise SerError(f"calibration: true classes {truth.min()} to {truth.max()}, but scores of {scores.shape[1]}")
    if not np.isfinite(scores).all():
        raise SerError("calibration: a class score is not finite; check the vectors")
