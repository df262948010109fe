"""The list of utterances that a command leaves out, with the reason of each."""

from pathlib import Path

from ser.errors import SerError
from ser.kaldi import tables

NUM_EXAMPLES = 3


class LeftOut:
    """Collects utterances that cannot be used, so that one bad clip never costs the others.

    Parameters
    ----------
    path : the list to write, ``<utt> <reason>`` a line; None: none.
    max_share : share of the utterances above which `finish` fails; None: it fails if there is no other.
    """

    def __init__(self, path: str | Path | None, max_share: float | None) -> None:
        self._path = path
        self._max_share = max_share
        self._reasons: dict[str, str] = {}

    def add(self, utt: str, reason: str) -> None:
        """Note that `utt` is left out."""
        self._reasons[utt] = " ".join(reason.split())

    def finish(self, num_used: int) -> int:
        """Write the list and give its length, or raise a `SerError` if it is too long beside `num_used` utterances."""
        if self._path is not None:
            tables.write_map(self._path, self._reasons)
        count = len(self._reasons)
        total = num_used + count
        if total == 0:
            raise SerError("no utterance at all in the input; is the table empty?")
        if num_used == 0 if self._max_share is None else count > self._max_share * total:
            allowed = "" if self._max_share is None else f", over the {100 * self._max_share:g} % of --max-left-out"
            listed = "" if self._path is None else f"; all are in {self._path}"
            first = "; ".join(f"{utt}: {reason}" for utt, reason in list(self._reasons.items())[:NUM_EXAMPLES])
            raise SerError(f"{count} of {total} utterances cannot be used{allowed}: {first}{listed}")
        return count
