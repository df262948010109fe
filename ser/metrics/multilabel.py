"""F1 and thresholds for multi-label classification, where an utterance may have several classes at once.

Accuracy over all N K decisions would say little: if each text has one class of 28, choosing no class at all gets 96 %.
"""

import numpy as np


def f1_by_class(truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Compute F1 of each class, the harmonic mean of precision and recall; 0 for a class neither present nor predicted.

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
    """Find for each class the threshold with the highest F1; a score that reaches it predicts the class.

    Parameters
    ----------
    truth : (N, K) bool.
    scores : (N, K) in [0, 1].

    Returns
    -------
    (K,) float64; 1 for a class without examples, so that it is not predicted.

    >>> best_thresholds(np.array([[1], [1], [0]], bool), np.array([[0.9], [0.4], [0.2]])).tolist()
    [0.4]
    """
    thresholds = np.ones(truth.shape[1])
    for number in np.flatnonzero(truth.any(axis=0)):
        order = np.argsort(-scores[:, number], kind="stable")
        sorted_scores = scores[order, number]
        hits = np.cumsum(truth[order, number])
        # Entry n is the F1 if the n + 1 highest scores predict the class.
        f1 = 2.0 * hits / (np.arange(1, len(order) + 1) + hits[-1])
        # A threshold accepts equal scores together: only the last of them is a choice.
        f1[:-1][sorted_scores[:-1] == sorted_scores[1:]] = -1.0
        thresholds[number] = sorted_scores[f1.argmax()]
    return thresholds
