"""The results of a run: the rows of results.tsv, their cells, and tables joined over folds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser.errors import SerError
from ser.plan.remedies import command_for
from ser.results import result_table
from ser.results.result_table import Result

Row = dict[str, str]

# Columns that are summed over folds; other numbers are averaged.
COUNTS = ("trials", "targets")


@dataclass(frozen=True)
class MeanRow:
    """A row of the results over all folds and seeds, with the folders of the cells that were averaged for it."""

    row: Result
    folders: tuple[Path, ...]

    @property
    def name(self) -> str:
        """Its name in captions, such as ``speech+text, tdnn7``."""
        return f"{self.row.modality}, {self.row.layer}"

    def tables(self, name: str) -> list[list[Row]]:
        """Read the table `name` of each folder that has it."""
        return [table for folder in self.folders if (table := read_table(folder / name))]


@dataclass(frozen=True)
class Panel:
    """Comparable cells: the same system and test corpus, and either all or none trained on its other folds."""

    title: str
    cells: tuple[MeanRow, ...]

    def best(self) -> list[MeanRow]:
        """Return the best cell of each modality: lowest EER, or highest UAR if the system does not score pairs."""
        best: dict[str, MeanRow] = {}
        for cell in sorted(self.cells, key=_worse):
            best.setdefault(cell.row.modality, cell)
        return sorted(best.values(), key=lambda cell: modality_order(cell.row.modality))


@dataclass(frozen=True)
class Experiment:
    """A run: its folder, all rows of ``results.tsv``, and the cells without a held-out class."""

    folder: Path
    rows: tuple[Result, ...]
    panels: tuple[Panel, ...]

    @property
    def scores_pairs(self) -> bool:
        """Whether any system of the run scores pairs of utterances; true if this is unknown."""
        scored = [row for row in self.rows if row.status == result_table.OK]
        return not scored or any(row.eer is not None for row in scored)

    def remedy(self, what: str) -> str:
        """Return the command that makes a missing part: ``run``, ``training``, ``cells`` or ``report``."""
        return command_for(self.folder, what)

    def best(self) -> list[tuple[Panel, MeanRow]]:
        """Return the best cell of each modality of each panel."""
        return [(panel, cell) for panel in self.panels for cell in panel.best()]


def read_experiment(folder: Path) -> Experiment:
    """Read ``results.tsv``, and find the cells of each row in ``cells/list``.

    Raises
    ------
    SerError
        If a table is malformed; the message names the line.
    """
    rows = _read_results(folder / "results.tsv")
    listed = folder / "cells" / "list"
    cells = [Path(line) for line in listed.read_text(encoding="utf-8").splitlines()] if listed.exists() else []
    scored = [(row, cell) for cell in cells for row in _read_results(cell / "result.tsv")]

    several_systems = len({row.system for row in rows}) > 1
    panels: dict[str, list[MeanRow]] = {}
    for row in result_table.means(rows):
        if row.status != result_table.OK or row.held_out != result_table.NOT_APPLICABLE:
            continue
        means_over = ("fold", "seed") if row.seed == result_table.ALL else ("fold",)
        parts = [(one.fold, cell) for one, cell in scored if one.name(*means_over) == row.name(*means_over)]
        folders = tuple(cell for _, cell in parts)
        among = "trained without it"
        if row.test in result_table.trained_corpora(row.train):
            # Unlike folds, a random split shares speakers and dialogues between training and test.
            by_folds = any(fold != result_table.ALL for fold, _ in parts)
            among = "trained on its other folds" if by_folds else "trained on its other utterances"
        if row.fold != result_table.ALL:
            among += f", fold {row.fold} alone"
        if row.speaker_normalisation != result_table.NO_NORMALISATION:
            among += f", minus each speaker's mean ({row.speaker_normalisation})"
        title = f"{row.system}: " * several_systems + f"{row.test}, {among}"
        panels.setdefault(title, []).append(MeanRow(row, folders))
    return Experiment(folder, tuple(rows), tuple(Panel(title, tuple(of_it)) for title, of_it in panels.items()))


def modality_order(modality: str) -> tuple[int, str]:
    """Return the sort key of a modality: the order of `MODALITIES`, unknown ones last."""
    known = result_table.MODALITIES
    return (known.index(modality) if modality in known else len(known), modality)


def _worse(cell: MeanRow) -> tuple[bool, float]:
    row = cell.row
    return (row.eer is None, -(row.uar or 0.0) if row.eer is None else row.eer)


def _read_results(path: Path) -> list[Result]:
    return result_table.from_tsv(path.read_text(encoding="utf-8"), str(path)) if path.exists() else []


def read_table(path: Path) -> list[Row]:
    """Read a tab-separated table with a header: a dict a row; no rows if the file does not exist.

    Raises
    ------
    SerError
        If a row has more or fewer fields than the header; the message names the line.
    """
    if not path.exists():
        return []
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise SerError(f"{path}:{number}: expected {len(lines[0])} fields, found {len(line)}; make the file again")
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def number(text: str) -> float:
    """Read a number; any other text, such as ``-``, is NaN.

    >>> number("12.5"), number("-")
    (12.5, nan)
    """
    try:
        return float(text)
    except ValueError:
        return math.nan


def over_folds(tables: Iterable[Sequence[Row]], keys: Sequence[str]) -> list[Row]:
    """Join tables of folds row by row: `keys` identify a row, `COUNTS` are summed, other numbers are averaged.

    >>> folds = [[{"class": "a", "trials": "2", "eer": "7"}], [{"class": "a", "trials": "4", "eer": "8"}]]
    >>> over_folds(folds, ["class"])
    [{'class': 'a', 'trials': '6', 'eer': '7.500'}]
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for table in tables:
        for row in table:
            groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    joined = []
    for key, group in groups.items():
        row = dict(zip(keys, key, strict=True))
        for name in (name for name in group[0] if name not in keys):
            values = [value for value in (number(each[name]) for each in group) if math.isfinite(value)]
            if not values:
                row[name] = result_table.NOT_APPLICABLE
            else:
                row[name] = f"{sum(values):.0f}" if name in COUNTS else f"{sum(values) / len(values):.3f}"
        joined.append(row)
    return joined
