"""Summaries of cells of the results table: means over folds and seeds with intervals, and comparisons of systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ser.corpora.folds import natural_key
from ser.errors import SerError
from ser.files import tab_separated
from ser.kaldi import tables
from ser.metrics import intervals
from ser.results import result_table
from ser.results.cell import Cell
from ser.results.headline import settle_pairs, without_one_speaker
from ser.results.protocol_config import ProtocolConfig


@dataclass(frozen=True)
class Difference:
    """A figure of two systems, each averaged over folds and seeds, and the test of the first minus the second."""

    first: float
    second: float
    found: intervals.Comparison


def with_means(cells: Sequence[Cell], protocol: ProtocolConfig) -> list[Cell]:
    """Add to the cells the mean over the folds of each experiment, then the mean over its seeds, if it has several.

    If the folds do not cover all speakers of the test corpus, the mean is named after them, such as ``1+2``; a single
    fold gets no mean. The resamples of a mean over folds are the means of the folds' resamples, which draw the same
    speakers; if folds have few speakers, whole folds are resampled. The interval of a mean over seeds covers the
    variation over both speakers and seeds.

    Before that, `settle_pairs` decides which systems' headline leaves out pairs of the same speaker.

    Raises
    ------
    SerError
        If a row comes twice, or the folds of an experiment have different numbers of resamples.
    """
    seen: dict[tuple[str, ...], Cell] = {}
    for cell in cells:
        other = seen.setdefault(cell.row.name(), cell)
        if other is not cell:
            raise SerError(
                f"results: two rows of {' '.join(cell.row.name())}: {other.folders[0]} and {cell.folders[0]}; "
                "give each cell once"
            )
    cells = settle_pairs(cells, protocol)
    over_folds = _means(cells, "fold", protocol)
    return [*cells, *over_folds, *_means(_over_folds([*cells, *over_folds]), "seed", protocol)]


def deviations(cells: Sequence[Cell]) -> str:
    """Write a table of means and standard deviations (n - 1) over seeds, for experiments with several seeds.

    Parameters
    ----------
    cells : what `with_means` returns.
    """
    names = [name for name in result_table.NAMES if name not in ("fold", "seed")]
    columns = [*names, "seeds", *(f"{name}{end}" for name in result_table.MEASURES for end in ("", "_stddev"))]
    lines = []
    for group in _groups(_over_folds(cells), "seed").values():
        rows = [
            cell.row
            for cell in group
            if cell.row.seed not in (result_table.ALL, result_table.AVERAGE) and cell.row.status == result_table.OK
        ]
        if len(rows) < 2:
            continue
        figures = []
        for name in result_table.MEASURES:
            values = [value for one in rows if (value := getattr(one, name)) is not None]
            known = len(values) == len(rows)
            figures += [f"{np.mean(values):.2f}", f"{np.std(values, ddof=1):.2f}"] if known else ["-", "-"]
        lines.append([*rows[0].name("fold", "seed"), len(rows), *figures])
    return tab_separated(columns, lines)


def compare(first: Sequence[Cell], second: Sequence[Cell], protocol: ProtocolConfig) -> dict[str, Difference]:
    """Compare two systems, each given by the cells of its folds and seeds: measure -> difference, in percent.

    If the headline of one of them leaves out pairs of the same speaker (`settle_pairs`), so does that of the other. A
    figure that one of the two lacks is left out.

    Raises
    ------
    SerError
        If the two have different folds, utterances, classes or resamples, or an average of seeds is given as one of the
        seeds.
    """
    for side in (first, second):
        seeds = {cell.row.seed for cell in side}
        if len(seeds) > 1 and seeds & {result_table.AVERAGE, result_table.ALL}:
            raise SerError(
                f"compare: seeds {', '.join(sorted(seeds))} of one system: the average of the scores of several seeds "
                "is a separate system; give only it, or only the seeds"
            )
    settled = [settle_pairs(side, protocol) for side in (first, second)]
    if any(cell.row.pairs == result_table.TWO_SPEAKERS for side in settled for cell in side):
        settled = [[without_one_speaker(cell, protocol) for cell in side] for side in (first, second)]
    sides = [_by_seed(side) for side in settled]
    scored = [{frozenset(_test_set(cell) for cell in cells) for cells in side.values()} for side in sides]
    if len(scored[0] | scored[1]) > 1 or len({len(cells) for side in sides for cells in side.values()}) > 1:
        utts = [{utt for sets in side for _, keys in sets for utt in keys} for side in scored]
        raise SerError(
            f"compare: systems are compared on the same folds, utterances and classes, each seed on all of them; found "
            f"{len(first)} and {len(second)} cells of {len(sides[0])} and {len(sides[1])} seeds, {len(utts[0])} and "
            f"{len(utts[1])} utterances, {len(utts[0] & utts[1])} of them shared"
        )
    one, other = ([_over_their_folds(cells, protocol) for cells in side.values()] for side in sides)
    if len(_mean_over(one)) != len(_mean_over(other)):
        raise SerError(
            f"compare: {len(_mean_over(one))} and {len(_mean_over(other))} resamples; evaluate both by one "
            "conf/protocol.yaml"
        )
    found = {}
    for place, name in enumerate(result_table.MEASURES):
        values = [[getattr(mean.row, name) for mean in side] for side in (one, other)]
        if any(value is None for side in values for value in side):
            continue
        # (R,) the difference on each resample of the speakers; then widen it for few speakers and for the seeds.
        speakers = _mean_over(one)[:, place] - _mean_over(other)[:, place]
        if np.isnan(speakers).all():
            continue
        differences = intervals.spread(speakers, protocol.level, one[0].units, values, protocol.seed)
        means = [float(np.mean(side)) for side in values]
        found[name] = Difference(means[0], means[1], intervals.compare(differences, protocol.level))
    return found


def _by_seed(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    seeds: dict[str, list[Cell]] = {}
    for cell in cells:
        seeds.setdefault(cell.row.seed, []).append(cell)
    return seeds


def _over_their_folds(cells: Sequence[Cell], protocol: ProtocolConfig) -> Cell:
    """Return the mean of the cells of one seed; each fold has one."""
    mean = cells[0] if len(cells) == 1 else _mean(cells, "fold", result_table.ALL, protocol)
    if mean.resamples is None:
        raise SerError("compare: cells without resamples; evaluate both alike")
    return mean


def _mean_over(cells: Sequence[Cell]) -> np.ndarray:
    resamples = _mean_resamples(cells)
    if resamples is None:
        raise SerError("compare: cells without resamples; evaluate both alike")
    return resamples


def _means(cells: Sequence[Cell], over: str, protocol: ProtocolConfig) -> list[Cell]:
    found = []
    if over == "seed":
        cells = [cell for cell in cells if cell.row.seed != result_table.AVERAGE]
    for group in _groups(cells, over).values():
        if len(group) == 1 and (over == "seed" or group[0].row.fold == result_table.ALL):
            continue
        name = result_table.ALL
        utts_of = _utts_of(group)
        if over == "fold" and utts_of is not None and min(utts_of.values()) == 0:
            if len(group) == 1:
                continue
            name = result_table.AND.join(sorted((cell.row.fold for cell in group), key=natural_key))
        found.append(_mean(group, over, name, protocol))
    return found


def _mean(group: Sequence[Cell], over: str, name: str, protocol: ProtocolConfig) -> Cell:
    """Return the mean of the cells of an experiment over its folds, or over its seeds, with intervals."""
    row = result_table.mean([cell.row for cell in group], over, name)
    folders = tuple(folder for cell in group for folder in cell.folders)
    utts_of = _utts_of(group) if over == "fold" else group[0].utts_of
    resamples = _mean_resamples(group) if row.status == result_table.OK else None
    if resamples is None:
        return Cell(folders, row, None, utts_of)
    units = group[0].units
    if over == "fold":
        resamples, units = _resample_folds(group, resamples, utts_of, protocol)
    else:
        resamples, units = _add_training(group, resamples, protocol), None
    if utts_of is not None and _num_speakers(utts_of) < protocol.interval_speakers:
        return Cell(folders, row, resamples, utts_of, units)
    row = row.with_intervals(resamples, partial(intervals.interval, level=protocol.level, units=units))
    return Cell(folders, row, resamples, utts_of, units)


def _num_speakers(utts_of: Mapping[str, int]) -> int:
    return sum(count > 0 for count in utts_of.values())


def _resample_folds(
    group: Sequence[Cell], resamples: np.ndarray, utts_of: Mapping[str, int] | None, protocol: ProtocolConfig
) -> tuple[np.ndarray, int | None]:
    """Return the resamples (R, 4) of a mean over folds, and the number of units that they are drawn from.

    If a fold has fewer speakers than `interval_speakers`, whole folds are resampled instead of speakers.
    """
    if utts_of is None:
        return resamples, None
    fewest = min(_num_speakers(cell.utts_of or {}) for cell in group)
    if fewest >= protocol.interval_speakers or len(group) < 2:
        return resamples, max(2, _num_speakers(utts_of))
    columns = []
    for place, name in enumerate(result_table.MEASURES):
        figures = [getattr(cell.row, name) for cell in group]
        known = None not in figures
        drawn = intervals.resample_folds(figures, len(resamples), protocol.seed) if known else resamples[:, place]
        columns.append(drawn)
    return np.column_stack(columns), len(group)


def _add_training(group: Sequence[Cell], resamples: np.ndarray, protocol: ProtocolConfig) -> np.ndarray:
    """Add the variation over seeds to the resamples (R, 4) of a mean over seeds."""
    columns = []
    for place, name in enumerate(result_table.MEASURES):
        figures = [getattr(cell.row, name) for cell in group]
        trainings = [] if None in figures else [figures]
        columns.append(intervals.spread(resamples[:, place], protocol.level, group[0].units, trainings, protocol.seed))
    return np.column_stack(columns)


def _over_folds(cells: Sequence[Cell]) -> list[Cell]:
    """Return for each experiment and seed the cell over the most folds, like `result_table.over_folds`."""
    kept = {row.name() for row in result_table.over_folds([cell.row for cell in cells])}
    return [cell for cell in cells if cell.row.name() in kept]


def _utts_of(cells: Sequence[Cell]) -> dict[str, int] | None:
    """Add up the utterances of each speaker over folds; None if they are unknown for a fold, or a fold failed."""
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
    return intervals.fold_mean(resamples)


def _test_set(cell: Cell) -> tuple[str, frozenset[str]]:
    (folder,) = cell.folders
    with open(folder / "confusion.tsv", encoding="utf-8") as stream:
        return next(stream), frozenset(tables.read_map(folder / "predictions.txt"))
