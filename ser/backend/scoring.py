"""PLDA log likelihood ratios of trials, computed by matrix products."""

from collections.abc import Iterator

import numpy as np

from ser.backend.plda import Plda

# Rows scored at a time: a block of 512 x 7,000 doubles is 29 MB.
ROWS_PER_BLOCK = 512


def factor_ratios(
    plda: Plda, enrol: np.ndarray, test: np.ndarray, num_utts: np.ndarray | int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Write the log likelihood ratio of every pair as a dot product: ratio[i, j] = left[i] . right[j].

    The ratio is log N(t; n psi / (n psi + 1) e, 1 + psi / (n psi + 1)) - log N(t; 0, 1 + psi), summed over dimensions
    (Ioffe 2006, between eq. 4 and 5): the hypotheses are that the test utterance t is of the class of the n utterances
    with average e, or of another class. The ratio is linear in [t, 1, t^2], so that matrix products compute it.

    Parameters
    ----------
    plda : the model.
    enrol, test : (N, d) and (M, d), as its `project` returns them.
    num_utts : (N,) utterances behind each row of `enrol`, or one number for all.

    Returns
    -------
    left (N, r), right (M, r), float64; r is d + 2, or 2 d + 1 where `num_utts` varies.
    """
    counts = np.unique(num_utts)
    shared = len(counts) == 1
    n = float(counts[0]) if shared else np.asarray(num_utts, dtype=np.float64)[:, None]
    psi = plda.psi
    posterior = psi / (n * psi + 1.0)  # variance of the class centre, given the n utterances
    variance = 1.0 + posterior
    expected = n * posterior * enrol  # (N, d) its mean
    constant = 0.5 * np.sum(np.log1p(psi) - np.log(variance) - expected**2 / variance, axis=1, keepdims=True)
    curvature = 0.5 * (1.0 / (1.0 + psi) - 1.0 / variance)  # the coefficient of t^2
    if shared:
        left = [expected / variance, constant, np.ones_like(constant)]
        right = [test, np.ones((len(test), 1)), test**2 @ curvature[:, None]]
    else:
        left = [expected / variance, constant, curvature]
        right = [test, np.ones((len(test), 1)), test**2]
    return np.hstack(left), np.hstack(right)


def score_blocks(left: np.ndarray, right: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first row, ratios of the next rows with every column) in float32, ROWS_PER_BLOCK rows at a time."""
    columns = np.ascontiguousarray(right.T)
    for start in range(0, len(left), ROWS_PER_BLOCK):
        yield start, (left[start : start + ROWS_PER_BLOCK] @ columns).astype(np.float32)


def score_matrix(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Score every pair: (N, M) float32, 4 N M bytes."""
    scores = np.empty((len(left), len(right)), dtype=np.float32)
    for start, block in score_blocks(left, right):
        scores[start : start + len(block)] = block
    return scores


def class_scores(left: np.ndarray, right: np.ndarray, labels: np.ndarray, rule: str) -> np.ndarray:
    """Score each test utterance against each class: (M, K) float64.

    Parameters
    ----------
    left, right : factors of the training utterances (N, r) and the test utterances (M, r) (`factor_ratios`).
    labels : (N,) int, the class of each training utterance, 0 to K - 1, each class present.
    rule : a class's score is the ``average`` of the scores with its training utterances, or the ``best`` of them.
    """
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    if rule == "average":
        # The average of dot products is the dot product with the average.
        return right @ (np.add.reduceat(left[order], starts, axis=0) / counts[:, None]).T
    columns = np.ascontiguousarray(left[order].T)
    best = [
        np.maximum.reduceat(right[start : start + ROWS_PER_BLOCK] @ columns, starts, axis=1)
        for start in range(0, len(right), ROWS_PER_BLOCK)
    ]
    return np.concatenate(best)
