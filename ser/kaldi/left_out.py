"""Collect the utterances that a command leaves out, with the reason for each."""

import logging
from pathlib import Path

from ser.errors import SerError
from ser.kaldi import tables

logger = logging.getLogger(__name__)

# Default share of the utterances that may be left out. If more are unusable, something is wrong with all of them.
MAX_SHARE = 0.05
NUM_EXAMPLES = 3


class LeftOut:
    """Collects utterances that cannot be used, so that one bad clip does not stop the others.

    Parameters
    ----------
    path : file for the list, ``<utt> <reason>`` per line; None writes no list and warns of each utterance.
    max_share : share of the utterances above which `finish` fails; 1 in a job array, where the step checks the sum.
    """

    def __init__(self, path: str | Path | None, max_share: float = MAX_SHARE) -> None:
        if not 0.0 <= max_share <= 1.0:
            raise SerError(f"--max-left-out is a share of 0 to 1, found {max_share:g}")
        self._path = path
        self._max_share = max_share
        self._reasons: dict[str, str] = {}

    @property
    def count(self) -> int:
        """Number of utterances left out so far."""
        return len(self._reasons)

    def add(self, utt: str, reason: str) -> None:
        """Note that `utt` is left out."""
        self._reasons[utt] = " ".join(reason.split())
        if self._path is None:
            logger.warning("%s: left out: %s", utt, self._reasons[utt])

    def finish(self, num_used: int) -> int:
        """Write the list and return its length; raise a `SerError` if its share, beside `num_used`, is too large."""
        if self._path is not None:
            tables.write_map(self._path, self._reasons)
        count = len(self._reasons)
        total = num_used + count
        if total == 0:
            raise SerError("no utterance at all in the input; is the table empty?")
        if count > self._max_share * total:
            allowed = f", over the {100 * self._max_share:g} % of --max-left-out"
            listed = "" if self._path is None else f"; all are in {self._path}"
            first = "; ".join(f"{utt}: {reason}" for utt, reason in list(self._reasons.items())[:NUM_EXAMPLES])
            raise SerError(f"{count} of {total} utterances cannot be used{allowed}: {first}{listed}")
        return count
