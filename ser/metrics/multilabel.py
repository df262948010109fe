"""Figures of answers that may be of several classes at once.

The share of right ones among all N K answers is no such figure: where a text has one class of 28, saying nothing at all
gets 96 %.
"""

import numpy as np


def f1_by_class(truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Compute F1 of each class, the harmonic mean of precision and recall; 0 where it was neither there nor said.

    Parameters
    ----------
    truth, answers : (N, K) bool.

    Returns
    -------
    (K,) float64. Their mean is the macro F1.

    >>> f1_by_class(np.array([[1, 0], [1, 1]], bool), np.array([[1, 1], [0, 1]], bool)).round(3).tolist()
    [0.667, 0.667]
    """
    hits = (truth & answers).sum(axis=0)
    total = truth.sum(axis=0) + answers.sum(axis=0)
    return 2.0 * hits / np.maximum(total, 1)


def best_thresholds(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Find for each class the threshold with the highest F1: said is what scores at least that.

    Parameters
    ----------
    truth : (N, K) bool.
    scores : (N, K) in [0, 1].

    Returns
    -------
    (K,) float64; of a class that is not there 1, so that nothing is said.

    >>> best_thresholds(np.array([[1], [1], [0]], bool), np.array([[0.9], [0.4], [0.2]])).tolist()
    [0.4]
    """
    thresholds = np.ones(truth.shape[1])
    for number in np.flatnonzero(truth.any(axis=0)):
        order = np.argsort(-scores[:, number], kind="stable")
        sorted_scores = scores[order, number]
        hits = np.cumsum(truth[order, number])
        f1 = 2.0 * hits / (np.arange(1, len(order) + 1) + hits[-1])
        # Texts of equal scores are said together.
        f1[:-1][sorted_scores[:-1] == sorted_scores[1:]] = -1.0
        thresholds[number] = sorted_scores[f1.argmax()]
    return thresholds
