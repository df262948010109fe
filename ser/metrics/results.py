"""Rows of the results table: what was trained on what, and how well it did."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ser.errors import SerError

ALL_FOLDS = "all"
MODALITIES = ("speech", "text", "speech+text")


@dataclass(frozen=True)
class Result:
    """One row; `eer`, `uar`, `wa` and `f1` in percent, `trials` a count, `fold` ``all`` where there are none."""

    system: str
    train: str
    test: str
    fold: str
    layer: str
    modality: str
    lda_dim: int
    trials: int
    eer: float
    uar: float
    wa: float
    f1: float

    def cells(self) -> list[str]:
        """Return the row as text, in the order of `COLUMNS`."""
        return [
            *map(str, (self.system, self.train, self.test, self.fold, self.layer, self.modality)),
            *(str(self.lda_dim), str(self.trials), f"{self.eer:.3f}"),
            *(f"{value:.2f}" for value in (self.uar, self.wa, self.f1)),
        ]

    def cell(self) -> tuple[str, ...]:
        """Return what the folds of one experiment have in common."""
        return (self.system, self.train, self.test, self.layer, self.modality, str(self.lda_dim))


COLUMNS = tuple(field.name for field in dataclasses.fields(Result))


def to_tsv(results: Iterable[Result]) -> str:
    """Write rows under their header, tab separated."""
    return "".join("\t".join(cells) + "\n" for cells in [COLUMNS, *(result.cells() for result in results)])


def from_tsv(text: str, where: str) -> list[Result]:
    """Read the rows of a table that `to_tsv` wrote; `where` names it in messages.

    Raises
    ------
    SerError
        With the line, on another header, a wrong number of fields or a value that is no number.
    """
    lines = text.splitlines()
    if not lines or tuple(lines[0].split("\t")) != COLUMNS:
        raise SerError(f"{where}:1: expected the header '{' '.join(COLUMNS)}'; evaluate_backend writes such a file")
    results = []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        try:
            names, counts, shares = fields[:6], map(int, fields[6:8]), map(float, fields[8:])
            results.append(Result(*names, *counts, *shares))
        except (TypeError, ValueError) as error:
            raise SerError(f"{where}:{number}: expected {len(COLUMNS)} fields, of them 6 numbers: '{line}'") from error
    return results


def with_means(results: Sequence[Result]) -> list[Result]:
    """Add to the rows of the folds the mean over them, as fold ``all`` with the sum of their trials; sort all rows.

    Raises
    ------
    SerError
        Where a row comes twice.
    """
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        group = groups.setdefault(result.cell(), [])
        if result.fold in {other.fold for other in group}:
            raise SerError(f"results: two rows of {' '.join(result.cell())}, fold {result.fold}; give each cell once")
        group.append(result)
    rows = []
    for group in groups.values():
        rows += group
        if all(result.fold != ALL_FOLDS for result in group):
            means = {
                name: sum(getattr(result, name) for result in group) / len(group) for name in ("eer", "uar", "wa", "f1")
            }
            trials = sum(result.trials for result in group)
            rows.append(dataclasses.replace(group[0], fold=ALL_FOLDS, trials=trials, **means))
    return sorted(rows, key=_order)


def best_of_each_modality(results: Iterable[Result]) -> list[Result]:
    """Pick the row of the lowest EER of each modality, in the order in which the modalities come."""
    best: dict[str, Result] = {}
    for result in results:
        if result.modality not in best or result.eer < best[result.modality].eer:
            best[result.modality] = result
    return list(best.values())


def align(results: Sequence[Result]) -> str:
    """Lay rows out for a screen: names to the left, numbers to the right, a line of dashes under the header."""
    table = [list(COLUMNS), *(result.cells() for result in results)]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    table.insert(1, ["-" * width for width in widths])
    lines = (
        "  ".join(cell.ljust(width) if place < 6 else cell.rjust(width) for place, (cell, width) in enumerate(pairs))
        for pairs in (zip(row, widths, strict=True) for row in table)
    )
    return "".join(line.rstrip() + "\n" for line in lines)


def _order(result: Result) -> tuple:
    modality = MODALITIES.index(result.modality) if result.modality in MODALITIES else len(MODALITIES)
    # The mean comes after its folds.
    return (*result.cell()[:4], modality, result.modality, result.lda_dim, result.fold == ALL_FOLDS, result.fold)
