"""The training utterances that a back end holds most like each test utterance."""

import numpy as np

from ser.backend.recognizer import Recognizer

# Scores at once, so that the memory does not grow with the corpus.
SCORES_AT_ONCE = 1 << 24


def nearest(recognizer: Recognizer, train: np.ndarray, test: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows of `train` (N, D) of the highest scores with each row of `test` (M, D).

    Returns
    -------
    which, scores : (M, min(count, N)) int64 and float32, the highest first; of equal scores the first row.
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
