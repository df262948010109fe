"""The pdfs of each phone in each left context: left biphones, tied by their counts.

Flat-start training has no alignment from which a decision tree could be built. Like Kaldi's e2e recipes
(gmm-init-biphone.cc), a pair of phones gets its own unit if it occurs often enough; otherwise it shares the unit of the
phone without context. Each unit has two pdfs: one for its first frame, one for all later frames (the chain topology of
Povey et al., Interspeech 2016).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ser.errors import SerError
from ser.files import read_text_lines, tab_separated, write_text

PDFS_A_UNIT = 2


@dataclass(frozen=True)
class ContextConfig:
    """Settings of the context dependency."""

    units: Literal["mono", "biphone"]
    min_biphone_count: int = 100  # a pair of phones with fewer occurrences has no unit of its own
    min_mono_count: int = 20  # phones with fewer occurrences share one unit


@dataclass(frozen=True)
class PhoneContext:
    """The unit of each phone in each left context.

    Attributes
    ----------
    phones : names of the phones, silence first.
    units : (P + 1, P) int64. Column p is phone p; row 0 is its unit at the start of an utterance, row 1 + q after
        phone q.
    """

    phones: tuple[str, ...]
    units: np.ndarray

    @property
    def num_pdfs(self) -> int:
        return PDFS_A_UNIT * (int(self.units.max()) + 1)

    def pdfs_of_phones(self) -> np.ndarray:
        """Tell which pdfs each phone has over all contexts: (P, pdfs) bool."""
        of_units = np.zeros((len(self.phones), self.num_pdfs // PDFS_A_UNIT), dtype=bool)
        for phone, units in enumerate(self.units.T):
            of_units[phone, units] = True
        return of_units.repeat(PDFS_A_UNIT, axis=1)

    def unit(self, left: int, phone: int) -> int:
        """Return the unit u of `phone` after `left` (-1: at the start); its pdfs are 2 u and 2 u + 1."""
        return int(self.units[left + 1, phone])


def make_context(phones: Sequence[str], sequences: Iterable[Sequence[int]], config: ContextConfig) -> PhoneContext:
    """Choose the units by the counts of phones and of pairs of phones in `sequences` of phone numbers."""
    singles: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    for sequence in sequences:
        singles.update(sequence)
        pairs.update(zip([-1, *sequence], sequence, strict=False))
    units = np.zeros((len(phones) + 1, len(phones)), np.int64)
    rare = [phone for phone in range(len(phones)) if 0 < singles[phone] < config.min_mono_count or not singles[phone]]
    if config.units == "mono":
        rare = []
    count = 0
    for phone in range(len(phones)):
        if phone in rare and phone != rare[0]:
            units[:, phone] = units[0, rare[0]]
            continue
        units[:, phone] = count
        count += 1
        if config.units == "mono" or phone in rare:
            continue
        for left in range(-1, len(phones)):
            if pairs[left, phone] >= config.min_biphone_count:
                units[left + 1, phone] = count
                count += 1
    return PhoneContext(tuple(phones), units)


def write_context(path: str | Path, context: PhoneContext) -> None:
    """Write a table with a line for each phone: its unit after each left phone."""
    rows = [(name, *context.units[:, number]) for number, name in enumerate(context.phones)]
    write_text(path, tab_separated(("phone", "begin", *context.phones), rows))


def read_context(path: str | Path) -> PhoneContext:
    """Read what `write_context` wrote."""
    lines = [line.split("\t") for line in read_text_lines(path, "train the model again")]
    try:
        phones = tuple(line[0] for line in lines[1:])
        if lines[0] != ["phone", "begin", *phones]:
            raise ValueError("the names of the columns differ from those of the lines")
        units = np.array([[int(value) for value in line[1:]] for line in lines[1:]]).T
        if units.shape != (len(phones) + 1, len(phones)):
            raise ValueError(f"{units.shape} units")
    except (ValueError, IndexError) as error:
        raise SerError(f"{path}: not a table of units: {error}; train the model again") from error
    return PhoneContext(phones, units)
