"""Tables of strata and of pairs of emotions, as tab-separated text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines, tab_separated
from ser.metrics.strata import Stratum


def strata_to_tsv(strata: Sequence[Stratum]) -> str:
    """Write strata as a table, error rates in percent."""
    lines = ((one.name, one.trials, one.targets, *_figures(one)) for one in strata)
    return tab_separated(("stratum", "trials", "targets", "eer", "min_dcf"), lines)


def read_strata(path: Path) -> dict[str, Stratum]:
    """Read a table that `strata_to_tsv` wrote: name -> stratum.

    Raises
    ------
    SerError
        If a line is not a stratum with its figures.
    """
    found = {}
    for number, line in enumerate(read_text_lines(path, "evaluate the cell again")[1:], start=2):
        try:
            name, trials, targets, eer, min_dcf = line.split("\t")
            rates = (None, None) if eer == "-" else (float(eer) / 100.0, float(min_dcf))
            found[name] = Stratum(name, int(trials), int(targets), *rates)
        except ValueError as error:
            raise SerError(f"{path}:{number}: expected a stratum with its figures, found '{line}'") from error
    return found


def emotion_pairs_to_tsv(pairs: Mapping[tuple[str, str], Stratum]) -> str:
    """Write the strata that `emotion_pairs` returned as a table, error rates in percent."""
    lines = ((*classes, one.trials, *_figures(one)) for classes, one in pairs.items())
    return tab_separated(("class_a", "class_b", "trials", "eer", "min_dcf"), lines)


def _figures(stratum: Stratum) -> tuple[str, str]:
    if stratum.eer is None:
        return "-", "-"
    return f"{100 * stratum.eer:.2f}", f"{stratum.min_dcf:.4f}"
