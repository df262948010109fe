"""Results across corpora as heat maps: a row for each training set, a column for each test corpus."""

from __future__ import annotations

import math

import numpy as np

from ser.report import page, pictures
from ser.report.experiment import Experiment, MeanRow, read_table

MEASURES = {"eer": ("EER", "EER (%)", (0.0, 50.0)), "uar": ("UAR", "UAR (%)", (0.0, 100.0))}


def is_across(run: Experiment) -> bool:
    """Tell whether the run has results of two test corpora or more."""
    return len({one.row.test for panel in run.panels for one in panel.cells}) > 1


def cross_corpus(run: Experiment) -> page.Section:
    """Make the section: for each layer a matrix of EER and one of UAR, with 95 % intervals."""
    rows = [one for panel in run.panels for one in panel.cells]
    drawn = []
    for layer in sorted({one.row.layer for one in rows}):
        of_layer = [one for one in rows if one.row.layer == layer]
        for measure in MEASURES:
            if any(getattr(one.row, measure) is not None for one in of_layer):
                drawn.append(_matrix(layer, measure, of_layer, several=len({one.row.layer for one in rows}) > 1))
    section = page.pictured("Across corpora", drawn, "scored cells", run.remedy("cells"))
    return page.Section(section.title, _classes(run) + section.html, section.pictures)


def _classes(run: Experiment) -> str:
    """Say which classes all corpora share, from classes.tsv."""
    table = read_table(run.folder / "classes.tsv")
    if not table:
        return ""
    kept = [row["class"] for row in table if row["kept"] == "yes"]
    lost = [row["class"] for row in table if row["kept"] != "yes"]
    words = f"Every cell uses the {len(kept)} classes that all corpora share: {', '.join(kept)}."
    if lost:
        words += f" Left out, since some corpus lacks them: {', '.join(lost)}."
    words += " Adapted: the PLDA was adapted to the test corpus without its labels. Diagonal: by the corpus's folds."
    return page.paragraph(words)


def _matrix(layer: str, measure: str, rows: list[MeanRow], several: bool) -> pictures.Picture:
    name, label, limits = MEASURES[measure]
    tests = sorted({one.row.test for one in rows})
    # Sort single corpora before combinations, and plain rows before adapted ones.
    order = sorted({(one.row.train.count("+"), one.row.train, one.row.variant == "adapted") for one in rows})
    names = [f"{train}{', adapted' * is_adapted}" for _, train, is_adapted in order]
    values = np.full((len(order), len(tests)), math.nan)
    texts = [[""] * len(tests) for _ in order]
    lines: list[tuple[str | float, ...]] = []
    for one in rows:
        at = order.index((one.row.train.count("+"), one.row.train, one.row.variant == "adapted"))
        column = tests.index(one.row.test)
        value = getattr(one.row, measure)
        if value is None:
            continue
        low, high = (getattr(one.row, f"{measure}_{end}") for end in ("low", "high"))
        interval = "" if low is None else f"\n[{low:.0f}, {high:.0f}]"
        values[at, column], texts[at][column] = value, f"{value:.1f}{interval}"
        lines.append((names[at], one.row.test, value, "-" if low is None else low, "-" if high is None else high))
    figure = pictures.draw_map(
        f"{name} across corpora" + f", {layer}" * several,
        *(values, texts, names, tests),
        labels=("trained on", "scored on", label),
        limits=limits,
    )
    return pictures.Picture(
        f"cross_{measure}" + f"_{layer}" * several,
        f"{name} across corpora",
        f"{name} in percent with 95 % intervals over speakers, {layer}: a row for each training set, a column for each "
        "corpus that is scored.",
        figure,
        ("train", "test", measure, "low", "high"),
        tuple(sorted(lines, key=str)),
    )
