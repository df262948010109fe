"""Tables of strata and of pairs of emotions, as tab-separated text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ser.files import tab_separated
from ser.metrics.strata import Stratum


def strata_to_tsv(strata: Sequence[Stratum]) -> str:
    """Write strata as a table, error rates in percent."""
    lines = ((one.name, one.trials, one.targets, *_figures(one)) for one in strata)
    return tab_separated(("stratum", "trials", "targets", "eer", "min_dcf"), lines)


def emotion_pairs_to_tsv(pairs: Mapping[tuple[str, str], Stratum]) -> str:
    """Write the strata that `emotion_pairs` returned as a table, error rates in percent."""
    lines = ((*classes, one.trials, *_figures(one)) for classes, one in pairs.items())
    return tab_separated(("class_a", "class_b", "trials", "eer", "min_dcf"), lines)


def _figures(stratum: Stratum) -> tuple[str, str]:
    if stratum.eer is None:
        return "-", "-"
    return f"{100 * stratum.eer:.3f}", f"{stratum.min_dcf:.4f}"
