"""Figures over the utterances of all folds together, of all utterances and by stratum.

They differ from the mean over folds. In that mean, the few utterances of a rare class in one fold have as much weight
as the many in another; pooled, all utterances of a class have the same weight. Papers give one or the other, often
without saying which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.kaldi import tables
from ser.metrics import bootstrap, classification, intervals
from ser.results.cell import read_cell
from ser.results.protocol_config import ProtocolConfig
from ser.results.result_table import Result

ALL = "all"
DURATIONS = ("short", "medium", "long")  # thirds of the utterances


@dataclass(frozen=True)
class Answers:
    """The predictions of one experiment: its row without figures, and fold -> utterance -> predicted class."""

    row: Result
    folds: dict[str, dict[str, str]]

    @property
    def name(self) -> tuple[str, str, str, str, str]:
        """Variant, layer, back end, speaker normalisation and text condition."""
        row = self.row
        return row.variant, row.layer, row.backend, row.speaker_normalisation, row.text


def read_answers(cells: Sequence[str | Path]) -> list[Answers]:
    """Read the predictions of cells, and group them by experiment.

    Raises
    ------
    SerError
        If a cell has no row or no predictions.
    """
    found: dict[tuple[str, ...], Answers] = {}
    for folder in map(Path, cells):
        row = read_cell(folder).row
        answers = found.setdefault(row.name("fold"), Answers(row, {}))
        predictions = tables.read_map(folder / "predictions.txt")
        answers.folds[row.fold] = {utt: line.split()[0] for utt, line in predictions.items()}
    return list(found.values())


def read_strata(data_dir: Path, seconds: Mapping[str, float]) -> dict[str, dict[str, str]]:
    """Read the strata of utterances from a data dir: kind of stratum -> utterance -> stratum.

    The kinds are ``style`` (utt2style: scripted, improvised), ``duration`` (thirds of `seconds`) and ``agreement``
    (whether all votes in utt2votes are for the class in utt2emo; only if the data dir has votes).
    """
    strata: dict[str, dict[str, str]] = {}
    if (data_dir / "utt2style").exists():
        strata["style"] = tables.read_map(data_dir / "utt2style", fields=2)
    utts = sorted(seconds)
    if len(utts) >= len(DURATIONS):
        edges = np.quantile([seconds[utt] for utt in utts], [1 / 3, 2 / 3])
        strata["duration"] = {utt: DURATIONS[int(np.searchsorted(edges, seconds[utt]))] for utt in utts}
    if (data_dir / "utt2votes").exists():
        votes = tables.read_map(data_dir / "utt2votes")
        strata["agreement"] = {
            utt: "all agree" if len(line.split()) == 1 else "some disagree" for utt, line in votes.items()
        }
    return strata


@dataclass(frozen=True)
class Pooled:
    """Figures of the utterances of one stratum, over all folds, in percent; intervals are over speakers."""

    utts: int
    uar: float
    uar_low: float
    uar_high: float
    wa: float
    wa_low: float
    wa_high: float


def pooled(
    truth: np.ndarray,
    predicted: np.ndarray,
    speakers: np.ndarray,
    num_speakers: int,
    num_classes: int,
    protocol: ProtocolConfig,
) -> Pooled:
    """Score utterances of all folds together.

    Parameters
    ----------
    truth, predicted : (N,) int, 0 to K - 1.
    speakers : (N,) int, 0 to `num_speakers` - 1, of all speakers of the corpus.
    """
    counts = classification.confusion(truth, predicted, num_classes)
    limits = {"uar": (np.nan, np.nan), "wa": (np.nan, np.nan)}
    present = len(np.unique(speakers))
    if present >= max(2, protocol.interval_speakers):
        draws = bootstrap.draw_speakers(num_speakers, protocol.resamples, protocol.seed)
        measures = bootstrap.class_metrics(truth, predicted, speakers, draws, num_classes)
        limits = {name: intervals.interval(measures[name], protocol.level, present) for name in limits}
    percent = 100.0
    uar, wa = percent * classification.uar(counts), percent * classification.accuracy(counts)
    (uar_low, uar_high), (wa_low, wa_high) = (
        (percent * low, percent * high) for low, high in (limits["uar"], limits["wa"])
    )
    return Pooled(len(truth), uar, uar_low, uar_high, wa, wa_low, wa_high)


def confusions(truth: Mapping[str, str], answers: Answers, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the confusion counts (K, K) of all folds together, and the mean of the folds' row-normalised matrices.

    The mean leaves out, for a class, folds that have no utterance of it.
    """
    number = {name: index for index, name in enumerate(classes)}
    matrices = []
    for fold, predicted in answers.folds.items():
        if unknown := [utt for utt in predicted if utt not in truth]:
            raise SerError(f"fold {fold}: predictions of {len(unknown)} utterances without a class, e.g. {unknown[0]}")
        labels = np.array([number[truth[utt]] for utt in predicted])
        matrices.append(
            classification.confusion(labels, np.array([number[name] for name in predicted.values()]), len(classes))
        )
    counts = np.array(matrices, float)
    totals = counts.sum(axis=2, keepdims=True)
    shares = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    present = (totals > 0).sum(axis=0)
    mean = np.divide(np.nansum(shares, axis=0), present, out=np.zeros(counts.shape[1:]), where=present > 0)
    return counts.sum(axis=0).astype(np.int64), mean
