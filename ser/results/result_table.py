"""Rows of the results table: the names of an experiment and its figures."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser.backend.speaker_normalisation import NONE as NO_NORMALISATION
from ser.corpora.folds import natural_key
from ser.errors import SerError
from ser.files import tab_separated

# The fold of a mean over folds, and the seed of a mean over seeds.
ALL = "all"
# The seed of a row whose scores are averaged over the nets of several seeds. Means over seeds leave such rows out.
AVERAGE = "average"
# Value of a column that does not apply to a row.
NOT_APPLICABLE = "-"
# Values of the column `pairs`: the pairs over which EER, minDCF and number of trials are computed.
ALL_PAIRS = "all"
TWO_SPEAKERS = "two_speakers"
# Joins the names of the folds in the fold column of a mean over some of the folds.
AND = "+"
# The end of a `test` whose corpus no training has, scored fold by fold all the same.
BY_FOLD = "_by_fold"
# `lda_dim` 0 is written as this: the rank of LDA for K classes.
ALL_DETERMINED = "K-1"
OK = "ok"
MODALITIES = ("speech", "text", "speech+text")
# The figures with an interval and a column in bootstrap.tsv.
MEASURES = ("eer", "uar", "wa", "f1")


@dataclass(frozen=True)
class Result:
    """One row of the table. Numbers that do not apply are None, written ``-``.

    `variant` is the variant of fine-tuning, `seed` the seed of training, `text` the condition of the scored text, and
    `held_out` the class that was left out of all training; ``-`` for none. `status` is ``ok`` or ``failed: <log>``.
    `speaker_normalisation` other than ``none`` used other recordings of the test speakers, without labels
    (`ser.backend.speaker_normalisation`). `lda_dim` is the setting: 0, written ``K-1``, is one less than the number of
    training classes, which may differ between folds. `pairs` says which pairs of utterances the EER is of: ``all``, or
    those of ``two_speakers``. `fold` of a mean is ``all``, or the names of its folds, such as ``1+2``, where some are
    missing.
    `eer` to `f1_high` are in percent, except `min_dcf`, a ratio; `_low` and `_high` bound the interval over speakers.
    """

    system: str
    train: str
    test: str
    fold: str
    variant: str
    seed: str
    text: str
    layer: str
    modality: str
    backend: str
    lda_dim: int | None
    held_out: str
    status: str
    utts: int | None = None
    trials: int | None = None
    eer: float | None = None
    eer_low: float | None = None
    eer_high: float | None = None
    min_dcf: float | None = None
    uar: float | None = None
    uar_low: float | None = None
    uar_high: float | None = None
    wa: float | None = None
    wa_low: float | None = None
    wa_high: float | None = None
    f1: float | None = None
    f1_low: float | None = None
    f1_high: float | None = None
    pairs: str = ALL_PAIRS
    speaker_normalisation: str = NO_NORMALISATION

    def cells(self) -> list[str]:
        """Return the row as text, in the order of `COLUMNS`."""
        return [format_field(name, getattr(self, name)) for name in COLUMNS]

    def name(self, *apart_from: str) -> tuple[str, ...]:
        """Return the columns that identify the row's experiment, without the columns `apart_from`."""
        return tuple(format_field(name, getattr(self, name)) for name in NAMES if name not in apart_from)

    def shown(self, name: str) -> str:
        """Return a measure for display, with its interval where there is one: ``33.4 [29.1, 37.9]``."""
        value, low, high = (getattr(self, name + end) for end in ("", "_low", "_high"))
        return _short(value) if low is None else f"{value:.1f} [{low:.1f}, {high:.1f}]"

    def with_intervals(self, resamples: np.ndarray, bounds: Callable[[np.ndarray], tuple[float, float]]) -> Result:
        """Set the intervals of the measures that the row has.

        Parameters
        ----------
        resamples : (R, 4), percent, a column for each of `MEASURES`, NaN if a resample has no value.
        bounds : function from the resamples (R,) of a measure to its interval, such as `intervals.interval`.
        """
        changes: dict[str, Any] = {}
        for name, column in zip(MEASURES, resamples.T, strict=True):
            if getattr(self, name) is not None and not np.isnan(column).all():
                # Percentages are within 0 and 100; intervals of few speakers, widened about their mean, may not be.
                changes[f"{name}_low"], changes[f"{name}_high"] = np.clip(bounds(column), 0.0, 100.0).tolist()
        return dataclasses.replace(self, **changes)


_TYPES = typing.get_type_hints(Result)
COLUMNS = tuple(_TYPES)
SPEAKER_NORMALISATION = "speaker_normalisation"
# The columns that name a row; the last one is the last of the table; it and `pairs` may be missing in old ones.
NAMES = (*COLUMNS[: COLUMNS.index("status")], SPEAKER_NORMALISATION)
_MEANS = (*MEASURES, "min_dcf")
_COUNTS = ("utts", "trials")


def trained_corpora(train: str) -> list[str]:
    """List the corpora that the column `train` names.

    >>> trained_corpora("voxceleb1+cremad,backend:cremad+iemocap")
    ['voxceleb1', 'cremad', 'cremad', 'iemocap']
    """
    return train.replace(",backend:", AND).split(AND)


def scored_corpora(test: str) -> list[str]:
    """List the corpora that the column `test` names.

    >>> scored_corpora("iemocap_by_fold"), scored_corpora("iemocap+savee")
    (['iemocap'], ['iemocap', 'savee'])
    """
    return test.removesuffix(BY_FOLD).split(AND)


def to_tsv(results: Iterable[Result]) -> str:
    """Write rows under their header, tab separated."""
    return tab_separated(COLUMNS, (result.cells() for result in results))


def from_tsv(text: str, where: str) -> list[Result]:
    """Read the rows of a table that `to_tsv` wrote; `where` names it in messages.

    Raises
    ------
    SerError
        If the header, a number of fields or a value is wrong; the message names the line.
    """
    lines = text.splitlines()
    columns = tuple(lines[0].split("\t")) if lines else ()
    if columns not in (COLUMNS, COLUMNS[:-1], COLUMNS[:-2]):
        raise SerError(f"{where}:1: expected the header '{' '.join(COLUMNS)}'; evaluate_backend writes such a file")
    results = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            pairs = zip(columns, line.split("\t"), strict=True)
            values: dict[str, Any] = {name: parse_field(name, field) for name, field in pairs}
            results.append(Result(**values))
        except ValueError as error:
            raise SerError(f"{where}:{number}: expected {len(columns)} fields, numbers or '-': '{line}'") from error
    return results


def mean(results: Sequence[Result], over: str, whole: str = ALL) -> Result:
    """Average the rows of the folds, or of the seeds, of one experiment; utterances and trials of folds are added up.

    The new row has no intervals yet. If one of the rows failed, the mean is a failed row.

    Parameters
    ----------
    over : ``fold`` or ``seed``: the column that the mean is over.
    whole : value of that column in the new row: ``all``, or the names of the folds where some are missing.
    """
    names: dict[str, Any] = {name: getattr(results[0], name) for name in NAMES} | {over: whole}
    if failed := [result for result in results if result.status != OK]:
        return Result(**names, status=f"failed: {len(failed)} of {len(results)} {over}s")
    figures: dict[str, Any] = {"pairs": results[0].pairs}
    for name in _MEANS:
        value = _over_present(np.mean, results, name)
        figures[name] = None if value is None else float(value)
    for name in _COUNTS:
        value = _over_present(np.sum if over == "fold" else np.max, results, name)
        figures[name] = None if value is None else int(value)
    return Result(**names, status=OK, **figures)


def ordered(results: Iterable[Result]) -> list[Result]:
    """Sort rows by name, with modalities in the order of `MODALITIES` and each mean after its parts."""

    def key(row: Result) -> tuple:
        modality = MODALITIES.index(row.modality) if row.modality in MODALITIES else len(MODALITIES)
        experiment = (row.system, row.train, row.test, row.variant, row.text, row.layer, modality, row.modality)
        used = row.speaker_normalisation
        which = (row.backend, row.lda_dim or 0, row.held_out, used != NO_NORMALISATION, natural_key(used))
        seed, fold = ((name == ALL, natural_key(name)) for name in (row.seed, row.fold))
        return (*experiment, *which, seed, AND in row.fold, fold)

    return sorted(results, key=key)


def over_folds(results: Iterable[Result]) -> list[Result]:
    """Pick for each experiment and seed the mean over all folds, else the mean over some folds, else all rows."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        groups.setdefault(result.name("fold"), []).append(result)
    kept = []
    for group in groups.values():
        for is_mean in (lambda fold: fold == ALL, lambda fold: AND in fold, lambda fold: True):
            if chosen := [result for result in group if is_mean(result.fold)]:
                kept += chosen
                break
    return kept


def means(results: Iterable[Result]) -> list[Result]:
    """Pick the rows over the most folds, and of experiments with several seeds only the mean over seeds."""
    whole = over_folds(results)
    several_seeds = {result.name("seed") for result in whole if result.seed == ALL}
    return [result for result in whole if result.seed in (ALL, AVERAGE) or result.name("seed") not in several_seeds]


def align(results: Sequence[Result]) -> str:
    """Lay rows out for a terminal: a line with the names that all have in common, then a table of the others.

    Counts, minDCF and the intervals of WA and F1 are only in the file.
    """
    two_speakers = any(result.pairs == TWO_SPEAKERS for result in results)
    told = (*NAMES, *["pairs"] * two_speakers, "status")
    constant = [name for name in told if len({getattr(result, name) for result in results}) == 1]
    common = ", ".join(
        f"{name} {field}"
        for name, field in zip(COLUMNS, results[0].cells(), strict=True)
        if name in constant and field != (NO_NORMALISATION if name == SPEAKER_NORMALISATION else NOT_APPLICABLE)
    )
    names = [name for name in told if name not in constant]
    table = [[*names, *MEASURES]]
    for result in results:
        fields = dict(zip(COLUMNS, result.cells(), strict=True))
        figures = [result.shown("eer"), result.shown("uar"), _short(result.wa), _short(result.f1)]
        table.append([*(fields[name] for name in names), *figures])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    table.insert(1, ["-" * width for width in widths])
    lines = (
        "  ".join(
            cell.ljust(width) if place < len(names) else cell.rjust(width) for place, (cell, width) in enumerate(pairs)
        )
        for pairs in (zip(row, widths, strict=True) for row in table)
    )
    return f"All rows: {common}\n" * bool(common) + "".join(line.rstrip() + "\n" for line in lines)


def _short(value: float | None) -> str:
    return NOT_APPLICABLE if value is None else f"{value:.1f}"


def _over_present(function: Callable, results: Sequence[Result], name: str) -> float | None:
    values = [value for result in results if (value := getattr(result, name)) is not None]
    return function(values) if len(values) == len(results) else None


def format_field(name: str, value: str | float | None) -> str:
    """Write the value of a column.

    >>> format_field("lda_dim", 0), format_field("eer", 33.41), format_field("uar", None)
    ('K-1', '33.41', '-')
    """
    if name == "lda_dim" and value == 0:
        return ALL_DETERMINED
    if isinstance(value, float):
        return f"{value:.{4 if name == 'min_dcf' else 2}f}"
    return NOT_APPLICABLE if value is None else str(value)


def parse_field(name: str, field: str) -> str | float | None:
    """Read the value of a column that `format_field` wrote; raise ValueError for any other text."""
    if name == "lda_dim" and field == ALL_DETERMINED:
        return 0
    kind = _TYPES[name]
    if kind is str:
        if not field:
            raise ValueError(f"{name} is empty")
        return field
    (number,) = (one for one in typing.get_args(kind) if one is not types.NoneType)
    return None if field == NOT_APPLICABLE else number(field)
