"""Word error rates: the fewest substitutions, deletions and insertions that turn the reference into the hypothesis."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WordErrors:
    """Counts of errors, and the number of reference words."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    words: int = 0

    def __add__(self, other: "WordErrors") -> "WordErrors":
        return WordErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.words + other.words,
        )

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """The word error rate; it is above 1 if there are many insertions."""
        return self.errors / max(1, self.words)

    def __str__(self) -> str:
        return (
            f"WER {100 * self.rate:.2f} % [ {self.errors} / {self.words}, {self.insertions} ins, "
            f"{self.deletions} del, {self.substitutions} sub ]"
        )


def word_errors(reference: Sequence[str], found: Sequence[str]) -> WordErrors:
    """Align two word sequences by Levenshtein distance; one substitution is preferred to a deletion and an insertion.

    >>> str(word_errors("a b c d".split(), "a x c d e".split()))
    'WER 50.00 % [ 2 / 4, 1 ins, 0 del, 1 sub ]'
    """
    # For each prefix of `found`: errors, substitutions, deletions and insertions of its best alignment so far.
    row = [(count, 0, 0, count) for count in range(len(found) + 1)]
    for word in reference:
        before, row = row, [_plus(row[0], deletion=1)]
        for place, other in enumerate(found, start=1):
            row.append(
                min(
                    _plus(before[place - 1], substitution=int(word != other)),
                    _plus(before[place], deletion=1),
                    _plus(row[place - 1], insertion=1),
                    key=lambda cell: cell[0],
                )
            )
    _, substitutions, deletions, insertions = row[-1]
    return WordErrors(substitutions, deletions, insertions, len(reference))


def _plus(cell: tuple[int, int, int, int], substitution: int = 0, deletion: int = 0, insertion: int = 0):
    errors, substitutions, deletions, insertions = cell
    total = errors + substitution + deletion + insertion
    return total, substitutions + substitution, deletions + deletion, insertions + insertion


def by_speaker(errors: Mapping[str, WordErrors], utt2spk: Mapping[str, str]) -> dict[str, WordErrors]:
    """Add up the errors of each speaker's utterances."""
    totals: dict[str, WordErrors] = {}
    for utt, value in errors.items():
        totals[utt2spk[utt]] = totals.get(utt2spk[utt], WordErrors()) + value
    return dict(sorted(totals.items()))


def interval(errors: Iterable[WordErrors], seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the word error rate; groups (speakers) are drawn with replacement."""
    table = np.array([(value.errors, value.words) for value in errors], dtype=np.float64)  # (groups, 2)
    rows = np.random.default_rng(seed).integers(0, len(table), (draws, len(table)))  # (draws, groups)
    sums = table[rows].sum(1)  # (draws, 2): errors and words of each draw
    low, high = np.quantile(sums[:, 0] / np.maximum(sums[:, 1], 1), [0.025, 0.975])
    return float(low), float(high)
