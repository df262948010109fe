"""Numbers and names as the report words them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser.report.experiment import MeanRow, Row, number
from ser.results import result_table
from ser.results.result_table import Result


def slug(title: str) -> str:
    """Make a file name from a title.

    >>> slug("iemocap, trained without it")
    'iemocap-trained-without-it'
    """
    return "-".join("".join(letter if letter.isalnum() else " " for letter in title).split()).lower()


def trials(row: Result) -> str:
    """Write the number of trials of a row."""
    return result_table.NOT_APPLICABLE if row.trials is None else f"{row.trials:,}"


def rounded(text: str, digits: int = 2) -> str:
    """Round a number given as text; other text stays.

    >>> rounded("12.3456"), rounded("-"), rounded("12")
    ('12.35', '-', '12')
    """
    return f"{float(text):,.{digits}f}" if np.isfinite(number(text)) and "." in text else grouped(text)


def grouped(text: str) -> str:
    """Write a count with commas between thousands.

    >>> grouped("63756"), grouped("-")
    ('63,756', '-')
    """
    return f"{int(text):,}" if text.isdigit() else text


def plain(value: float) -> str:
    """Format a number for a table."""
    return f"{value:.4f}" if np.isfinite(value) else result_table.NOT_APPLICABLE


def names_of(row: Result, names: Sequence[str], mark: str = "") -> list[str]:
    """Return the cells that identify a row, with a mark on the first."""
    first, *others = (result_table.format_field(name, getattr(row, name)) for name in names)
    return [f"{first} {mark}".rstrip(), *others]


def trials_of(cells: Sequence[MeanRow]) -> str:
    """Say from how many trials and folds the figures of `cells` were computed."""
    counts = sorted({cell.row.trials for cell in cells if cell.row.trials is not None})
    folds = max(len(cell.folders) for cell in cells)
    text = " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1]))) + " trials" if counts else ""
    return text + (f" in {folds} folds" if folds > 1 else "")


def of_folds(tables: Sequence[Sequence[Row]], what: str) -> str:
    """Say how many folds a table was joined from, if more than one.

    >>> of_folds([[], []], "the sum"), of_folds([[]], "the sum")
    ('; the sum of 2 folds', '')
    """
    return f"; {what} of {len(tables)} folds" if len(tables) > 1 else ""


def limits(values: Sequence[float]) -> tuple[float, float]:
    """Return round bounds of `values` for a colour scale.

    >>> limits([12.0, 37.0])
    (10.0, 40.0)
    """
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = np.floor(min(finite) / 5) * 5, np.ceil(max(finite) / 5) * 5
    return float(low), float(max(high, low + 5))
