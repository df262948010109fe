"""Nearest training utterances of each test utterance, by the pair scores of a back end."""

import numpy as np

from ser.backend.recognizer import Recognizer

# Scores that are computed at once, so that the memory does not grow with the corpus.
SCORES_AT_ONCE = 1 << 24


def nearest(recognizer: Recognizer, train: np.ndarray, test: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows of `train` (N, D) with the highest scores for each row of `test` (M, D).

    Returns
    -------
    which, scores : (M, min(count, N)) int64 and float32, the highest first; equal scores in the order of the rows.
    """
    count = min(count, len(train))
    block = max(1, SCORES_AT_ONCE // len(train))
    which, scores = [], []
    for start in range(0, len(test), block):
        pairs = recognizer.pair_scores(train, test[start : start + block]).T
        order = np.argsort(-pairs, axis=1, kind="stable")[:, :count]
        which.append(order)
        scores.append(np.take_along_axis(pairs, order, axis=1))
    return np.concatenate(which), np.concatenate(scores)
