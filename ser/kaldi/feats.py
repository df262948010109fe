"""Features as a command reads them: finite numbers, and at least one utterance."""

from collections.abc import Iterator

import numpy as np

from ser.errors import SerError
from ser.kaldi import ark


def read_features(rspecifier: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (utterance, features (T, F)) in the order of the table.

    Raises
    ------
    SerError
        Where a number is NaN or infinite, with utterance and frame; and at the end, where there was no utterance.
    """
    count = 0
    for utt, features in ark.read(rspecifier):
        ark.check_finite(rspecifier, utt, features)
        yield utt, features
        count += 1
    if not count:
        raise SerError(f"{rspecifier}: no utterance in it; make the features again, and look at the log of their step")
