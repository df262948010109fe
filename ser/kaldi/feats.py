"""Read features for a command and check that all numbers are finite and that there is at least one utterance."""

from collections.abc import Iterator

import numpy as np

from ser.errors import SerError
from ser.kaldi import ark


def read_features(rspecifier: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (utterance, features (T, F)) in the order of the table.

    Raises
    ------
    SerError
        If a number is NaN or infinite (the message names utterance and frame), or if the table has no utterance.
    """
    count = 0
    for utt, features in ark.read(rspecifier):
        ark.check_finite(rspecifier, utt, features)
        yield utt, features
        count += 1
    if not count:
        raise SerError(
            f"{rspecifier}: no utterance in it; read the log of the step that made the features, and make them again"
        )
