"""Decides whether the headline EER of a system is over all pairs of utterances, or only over pairs of two speakers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ser.errors import SerError
from ser.metrics import intervals
from ser.results import result_table
from ser.results.cell import Cell
from ser.results.protocol_config import ProtocolConfig


def settle_pairs(cells: Sequence[Cell], protocol: ProtocolConfig) -> list[Cell]:
    """Leave pairs of the same speaker out of the headline of each system whose EER on them differs from that of all.

    For each system, the EER of all pairs and the EER of the pairs of one speaker are averaged over its folds and seeds.
    If they differ by more than `one_speaker_points`, the rows of the system get the EER, minDCF, number of trials and
    interval of the pairs of two speakers.
    """
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.row.name("fold", "seed"), []).append(cell)
    leaving = {name for name, group in groups.items() if _one_speaker_gap(group) > protocol.one_speaker_points}
    return [without_one_speaker(cell, protocol) if cell.row.name("fold", "seed") in leaving else cell for cell in cells]


def _one_speaker_gap(group: Sequence[Cell]) -> float:
    """Return by how many points the EER of pairs of one speaker differs from that of all; 0 if a cell has none."""
    scored = [cell for cell in group if cell.row.status == result_table.OK]
    gaps = [
        cell.two_speakers.one_speaker_eer - cell.row.eer
        for cell in scored
        if cell.two_speakers is not None and cell.row.eer is not None
    ]
    return abs(float(np.mean(gaps))) if scored and len(gaps) == len(scored) else 0.0


def without_one_speaker(cell: Cell, protocol: ProtocolConfig) -> Cell:
    """Return a cell whose headline is over the pairs of two speakers; the cell itself if it has no such figures."""
    two = cell.two_speakers
    if two is None or cell.row.status != result_table.OK or cell.row.eer is None:
        return cell
    row = dataclasses.replace(
        cell.row, pairs=result_table.TWO_SPEAKERS, trials=two.trials, eer=two.eer, min_dcf=two.min_dcf
    )
    if cell.resamples is None or two.resamples is None:
        return dataclasses.replace(cell, row=row)
    if len(two.resamples) != len(cell.resamples):
        raise SerError(
            f"{cell.folders[0]}: {len(cell.resamples)} resamples of all pairs and {len(two.resamples)} of those of two "
            "speakers; evaluate the cell again"
        )
    place = result_table.MEASURES.index("eer")
    resamples = cell.resamples.copy()
    resamples[:, place] = two.resamples
    if row.eer_low is not None:
        low, high = intervals.interval(two.resamples, protocol.level, cell.units)
        row = dataclasses.replace(row, eer_low=low, eer_high=high)
    return dataclasses.replace(cell, row=row, resamples=resamples)
