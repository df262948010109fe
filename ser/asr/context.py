"""Which pdfs a phone has in which left context: a tree without clustering, tied by counts.

Flat-start training has no alignment to cluster states by, so that Kaldi's e2e recipes (gmm-init-biphone.cc) give a
pair of phones its own pdfs where it was seen often enough, and those of the phone alone where it was not. Each unit has
two pdfs: one for its first frame, one for the frames after it (the chain topology of Povey et al., Interspeech 2016).
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
    """Settings of the pdfs."""

    units: Literal["mono", "biphone"]
    min_biphone_count: int = 100  # times that a pair must have been seen to have pdfs of its own
    min_mono_count: int = 20  # rarer phones share the pdfs of all rare phones


@dataclass(frozen=True)
class PhoneContext:
    """The unit of each phone in each left context.

    Attributes
    ----------
    phones : names, the silence first.
    units : (P + 1, P) int64; row 0 is for the first phone, row 1 + p for one after phone p.
    """

    phones: tuple[str, ...]
    units: np.ndarray

    @property
    def num_pdfs(self) -> int:
        return PDFS_A_UNIT * (int(self.units.max()) + 1)

    def pdfs_of_phones(self) -> np.ndarray:
        """Tell which pdfs each phone has in any context, (P, pdfs) bool."""
        of_units = np.zeros((len(self.phones), self.num_pdfs // PDFS_A_UNIT), dtype=bool)
        for phone, units in enumerate(self.units.T):
            of_units[phone, units] = True
        return of_units.repeat(PDFS_A_UNIT, axis=1)

    def unit(self, left: int, phone: int) -> int:
        """Return the unit of `phone` after `left`, which is -1 for the first phone; its pdfs are 2 u and 2 u + 1."""
        return int(self.units[left + 1, phone])


def make_context(phones: Sequence[str], sequences: Iterable[Sequence[int]], config: ContextConfig) -> PhoneContext:
    """Make units by how often phones and pairs of phones occur in `sequences` of phone numbers."""
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
