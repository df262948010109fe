"""Classification: predictions, confusion matrices, unweighted and weighted accuracy, F1."""

from collections.abc import Sequence

import numpy as np

from ser.errors import SerError


def format_predictions(utts: Sequence[str], classes: Sequence[str], scores: np.ndarray) -> dict[str, str]:
    """Write the best class and all scores (N, K) of each utterance: utterance -> ``class score ...``.

    >>> format_predictions(["u1"], ["anger", "neutral"], np.array([[-1.0, 2.0]]))
    {'u1': 'neutral -1.000000 2.000000'}
    """
    return {
        utt: " ".join([classes[row.argmax()], *(f"{score:.6f}" for score in row)])
        for utt, row in zip(utts, scores, strict=True)
    }


def confusion(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the utterances of each true class (row) and predicted class (column): (K, K) int64.

    Parameters
    ----------
    truth, predicted : (N,) int, 0 to K - 1.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    if len(truth) != len(predicted) or not len(truth):
        raise SerError(
            f"confusion: {len(truth)} true and {len(predicted)} predicted classes; give one of each for every utterance"
        )
    return np.bincount(truth * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)


def uar(counts: np.ndarray) -> float:
    """Return the unweighted average recall (unweighted accuracy, UA) over the classes that the test set has.

    >>> uar(np.array([[3, 1], [0, 1]]))
    0.875
    """
    totals = counts.sum(axis=1)
    present = totals > 0
    return float(np.mean(np.diag(counts)[present] / totals[present]))


def accuracy(counts: np.ndarray) -> float:
    """Return the share of utterances that are right (weighted accuracy, WA).

    >>> accuracy(np.array([[3, 1], [0, 1]]))
    0.8
    """
    return float(np.trace(counts) / counts.sum())


def macro_f1(counts: np.ndarray) -> float:
    """Return F1, the harmonic mean of precision and recall, averaged over the classes that the test set has.

    >>> round(macro_f1(np.array([[3, 1], [0, 1]])), 4)
    0.7619
    """
    present = counts.sum(axis=1) > 0
    f1 = 2.0 * np.diag(counts)[present] / (counts.sum(axis=0) + counts.sum(axis=1))[present]
    return float(np.mean(f1))
