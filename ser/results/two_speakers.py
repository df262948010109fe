"""Figures of a cell on the pairs of two different speakers; its headline is usually over all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.files import tab_separated, write_text
from ser.metrics import strata
from ser.results import strata_tables
from ser.results.resamples import read_resamples

RESAMPLES = "bootstrap_two_speakers.tsv"


@dataclass(frozen=True)
class TwoSpeakers:
    """Figures of the pairs of two speakers, and the EER of the pairs of one speaker; both rates in percent.

    `resamples` (R,), in percent, are those of `eer`; None if there are none.
    """

    trials: int
    eer: float
    min_dcf: float
    one_speaker_eer: float
    resamples: np.ndarray | None


def write_resamples(folder: Path, rates: np.ndarray) -> None:
    """Write the EER of each resample on the pairs of two speakers, (R,) shares, into the folder of a cell."""
    write_text(folder / RESAMPLES, tab_separated(("eer",), ([f"{100.0 * rate:.4f}"] for rate in rates)))


def read_two_speakers(folder: Path) -> TwoSpeakers | None:
    """Read the figures of pairs of two speakers; None if they, or the pairs of one speaker, have no EER."""
    path = folder / "strata.tsv"
    found = strata_tables.read_strata(path) if path.exists() else {}
    one, two = (found.get(name) for name in (strata.ONE_SPEAKER, strata.TWO_SPEAKERS))
    if one is None or two is None or one.eer is None or two.eer is None or two.min_dcf is None:
        return None
    drawn = read_resamples(folder / RESAMPLES, 1)
    drawn = None if drawn is None else drawn[:, 0]
    return TwoSpeakers(two.trials, 100.0 * two.eer, two.min_dcf, 100.0 * one.eer, drawn)
