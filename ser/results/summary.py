"""Cells of the results table put together: means over folds and seeds with their intervals, and comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np

from ser.corpora.folds import natural_key
from ser.errors import SerError
from ser.files import tab_separated
from ser.kaldi import tables
from ser.metrics import bootstrap
from ser.results import result_table
from ser.results.cell import Cell


def with_means(cells: Sequence[Cell], level: float) -> list[Cell]:
    """Add to the cells the mean over each experiment's folds, then, of several seeds, that over its seeds.

    Where the folds that are there do not have every speaker of the test corpus, the mean is called by their names,
    ``1+2``; a single one stands for itself. The interval of a mean is that of the mean of the resamples, which are the
    same speakers for all folds and seeds.

    Raises
    ------
    SerError
        Where a row comes twice, or the folds of an experiment have other resamples.
    """
    seen: dict[tuple[str, ...], Cell] = {}
    for cell in cells:
        other = seen.setdefault(cell.row.name(), cell)
        if other is not cell:
            raise SerError(
                f"results: two rows of {' '.join(cell.row.name())}: {other.folders[0]} and {cell.folders[0]}; "
                "give each cell once"
            )
    over_folds = _means(cells, "fold", level)
    return [*cells, *over_folds, *_means(_over_folds([*cells, *over_folds]), "seed", level)]


def deviations(cells: Sequence[Cell]) -> str:
    """Write the table of the means and standard deviations (n - 1) over seeds; the header alone where none has several.

    Parameters
    ----------
    cells : as `with_means` returns them.
    """
    names = [name for name in result_table.NAMES if name not in ("fold", "seed")]
    columns = [*names, "seeds", *(f"{name}{end}" for name in result_table.MEASURES for end in ("", "_stddev"))]
    lines = []
    for group in _groups(_over_folds(cells), "seed").values():
        rows = [cell.row for cell in group if cell.row.seed != result_table.ALL and cell.row.status == result_table.OK]
        if len(rows) < 2:
            continue
        figures = []
        for name in result_table.MEASURES:
            values = [value for one in rows if (value := getattr(one, name)) is not None]
            known = len(values) == len(rows)
            figures += [f"{np.mean(values):.3f}", f"{np.std(values, ddof=1):.3f}"] if known else ["-", "-"]
        lines.append([*rows[0].name("fold", "seed"), len(rows), *figures])
    return tab_separated(columns, lines)


def compare(first: Sequence[Cell], second: Sequence[Cell], level: float) -> dict[str, bootstrap.Comparison]:
    """Compare two systems, each by the cells of its folds: measure -> first less second, in percent.

    Raises
    ------
    SerError
        Where the two are not of the same utterances and classes, or of other resamples.
    """
    scored = [{_test_set(cell) for cell in side} for side in (first, second)]
    if scored[0] != scored[1] or len(first) != len(second):
        utts = [{utt for _, keys in sets for utt in keys} for sets in scored]
        raise SerError(
            f"compare: two systems are compared on the same folds, utterances and classes; found "
            f"{len(first)} and {len(second)} cells, {len(utts[0])} and {len(utts[1])} utterances, "
            f"{len(utts[0] & utts[1])} of them shared"
        )
    sides = [_mean_resamples(side) for side in (first, second)]
    one, other = sides
    if one is None or other is None or len(one) != len(other):
        raise SerError("compare: cells without resamples, or with a different number of them; evaluate both alike")
    pairs = zip(result_table.MEASURES, one.T, other.T, strict=True)
    return {
        name: bootstrap.compare(a, b, level) for name, a, b in pairs if not (np.isnan(a).all() or np.isnan(b).all())
    }


def _means(cells: Sequence[Cell], over: str, level: float) -> list[Cell]:
    found = []
    for group in _groups(cells, over).values():
        if len(group) == 1 and (over == "seed" or group[0].row.fold == result_table.ALL):
            continue
        utts_of = _utts_of(group)
        name = result_table.ALL
        if over == "fold" and utts_of is not None and min(utts_of.values()) == 0:
            if len(group) == 1:
                continue
            name = result_table.AND.join(sorted((cell.row.fold for cell in group), key=natural_key))
        row = result_table.mean([cell.row for cell in group], over, name)
        resamples = _mean_resamples(group) if row.status == result_table.OK else None
        if resamples is not None:
            row = row.with_intervals(resamples, partial(bootstrap.interval, level=level))
        found.append(Cell(tuple(folder for cell in group for folder in cell.folders), row, resamples, utts_of))
    return found


def _over_folds(cells: Sequence[Cell]) -> list[Cell]:
    """Pick of each experiment and seed what is over the most folds, as `result_table.means` does."""
    kept = {row.name() for row in result_table.over_folds([cell.row for cell in cells])}
    return [cell for cell in cells if cell.row.name() in kept]


def _utts_of(cells: Sequence[Cell]) -> dict[str, int] | None:
    """Add up the utterances of each speaker over folds; None where some fold does not know its own, or has failed."""
    known = [cell.utts_of for cell in cells if cell.utts_of is not None]
    if len(known) < len(cells):
        return None
    total: Counter[str] = Counter()
    for utts_of in known:
        total.update(utts_of)
    return dict(total)


def _groups(cells: Sequence[Cell], over: str) -> dict[tuple[str, ...], list[Cell]]:
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.row.name(over), []).append(cell)
    return groups


def _mean_resamples(cells: Sequence[Cell]) -> np.ndarray | None:
    resamples = [cell.resamples for cell in cells if cell.resamples is not None]
    if len(resamples) < len(cells):
        return None
    if len({one.shape for one in resamples}) > 1:
        raise SerError(
            f"results: {cells[0].folders[0]} and its other folds or seeds have different numbers of resamples; "
            "evaluate all of them with one conf/protocol.yaml"
        )
    return bootstrap.fold_mean(resamples)


def _test_set(cell: Cell) -> tuple[str, frozenset[str]]:
    (folder,) = cell.folders
    with open(folder / "confusion.tsv", encoding="utf-8") as stream:
        return next(stream), frozenset(tables.read_map(folder / "predictions.txt"))
