"""Sections of the report on scores: all results, EER, DET, layers, strata, unseen emotions. Each is a function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser.report import page, pictures, wording
from ser.report.experiment import Experiment, Row, modality_order, number, over_folds
from ser.report.page import Section
from ser.report.pictures import Picture
from ser.results import result_table

CHANCE_EER = 50.0
_DET_POINTS = 400
_HEADS = ("trials", "EER %", "UAR %", "WA %", "F1 %", "minDCF")


def table_of_results(run: Experiment) -> Section:
    """Show every result with its intervals, the best of each modality marked; single folds are in a closed part."""
    every = [row for row in run.rows if row.held_out == result_table.NOT_APPLICABLE]
    if not every:
        return Section("Results", page.missing("results.tsv", run.remedy("report")))
    means = [row for row in result_table.means(run.rows) if row.held_out == result_table.NOT_APPLICABLE]
    best = [cell.row for _, cell in run.best()]
    same = {name for name in result_table.NAMES if len({getattr(row, name) for row in every}) == 1}
    names = [name for name in result_table.NAMES if name not in same and name != "fold"] or ["system"]

    def rows_of(rows: list[result_table.Result], names: list[str]) -> list[list[str]]:
        return [
            [
                *wording.names_of(row, names, "*" * (row in best)),
                wording.trials(row),
                *(row.shown(name) for name in result_table.MEASURES),
                *(
                    [result_table.NOT_APPLICABLE if row.min_dcf is None else f"{row.min_dcf:.3f}"]
                    if row.status == result_table.OK
                    else [row.status]
                ),
            ]
            for row in rows
        ]

    common = ", ".join(f"{name} {getattr(every[0], name)}" for name in result_table.NAMES if name in same)
    html = page.paragraph(
        "EER: equal error rate of the trials; UAR: mean recall of the classes; WA: accuracy; F1: mean over the "
        "classes. Brackets: intervals by bootstrap over speakers. Bold and *: the best row of each modality."
    )
    caption = f"{len(means)} results; if there are folds, means over folds. All rows: {common}."
    marked = [row in best for row in means]
    html += page.table(caption, [*names, *_HEADS], rows_of(means, names), len(names), marked)
    if folds := [row for row in every if row not in means]:
        names = [*names, "fold"]
        inside = page.table(
            f"{len(folds)} results of single folds.", [*names, *_HEADS], rows_of(folds, names), len(names)
        )
        html += page.folded(f"Each fold ({len(folds)} rows)", inside)
    drawn = _intervals(run)
    return Section("Results", html + page.figures(drawn), drawn)


def _intervals(run: Experiment) -> tuple[Picture, ...]:
    """Show the EERs of the best cells with their intervals, in one figure."""
    best = [(panel, cell) for panel, cell in run.best() if cell.row.eer is not None]
    if not best:
        return ()
    modalities = sorted({cell.row.modality for _, cell in best}, key=modality_order)
    dots = {panel.title: np.full((len(modalities), 3), np.nan) for panel, _ in best}
    for panel, cell in best:
        found = (cell.row.eer, cell.row.eer_low, cell.row.eer_high)
        dots[panel.title][modalities.index(cell.row.modality)] = np.array(found, dtype=float)
    picture = Picture(
        "eer",
        "Equal error rates with their intervals",
        "EER of the best cell of each modality; lines: intervals by bootstrap over speakers; "
        f"{wording.trials_of([cell for _, cell in best])}.",
        pictures.draw_dots("best of each modality", "equal error rate (%)", modalities, dots),
        ("scored", "modality", "layer", "eer", "eer_low", "eer_high"),
        tuple(
            (panel.title, cell.row.modality, cell.row.layer, *map(wording.plain, values))
            for panel, cell in best
            for values in (dots[panel.title][modalities.index(cell.row.modality)],)
        ),
    )
    return (picture,)


def det_curves(run: Experiment) -> Section:
    """Show DET curves: a picture for each panel, a curve for the best cell of each modality."""
    drawn = []
    for panel in run.panels:
        curves, rows = {}, []
        for cell in panel.best():
            folds = [(_shares(table, "miss"), _shares(table, "false_alarm")) for table in cell.tables("det.tsv")]
            if folds and cell.row.eer is not None:
                curve = pictures.average_curves(folds, _DET_POINTS)
                curves[cell.row.modality] = (cell.name, cell.row.eer, curve)
                rows += [(cell.row.modality, f"{100 * m:.4f}", f"{100 * f:.4f}") for m, f in zip(*curve, strict=True)]
        if curves:
            picture = Picture(
                f"det-{wording.slug(panel.title)}",
                f"DET curves: {panel.title}",
                "Miss rate against false alarm rate of the best cell of each modality. Marks: equal error "
                f"rates, on the thin line where both rates are equal; {wording.trials_of(panel.best())}.",
                pictures.draw_det(panel.title, curves),
                ("modality", "miss", "false_alarm"),
                tuple(rows),
            )
            drawn.append(picture)
    return page.pictured("DET curves", drawn, "det.tsv in the cells", run.remedy("cells"))


def layer_map(run: Experiment) -> Section:
    """Show the EER by layer and modality, the lowest over all other settings."""
    drawn = []
    limits = wording.limits([cell.row.eer for panel in run.panels for cell in panel.cells if cell.row.eer is not None])
    for panel in run.panels:
        cells = [cell for cell in panel.cells if cell.row.eer is not None]
        if not cells:
            continue
        layers = sorted({cell.row.layer for cell in cells})
        modalities = sorted({cell.row.modality for cell in cells}, key=modality_order)
        values = np.full((len(layers), len(modalities)), np.nan)
        for cell in cells:
            place = layers.index(cell.row.layer), modalities.index(cell.row.modality)
            values[place] = np.nanmin([values[place], cell.row.eer])
        labels = ("layer", "modality", "equal error rate (%)")
        texts = [[f"{value:.1f}" for value in line] for line in values]
        picture = Picture(
            f"layers-{wording.slug(panel.title)}",
            f"EER by layer and modality: {panel.title}",
            "EER by layer and modality; of several cells, the lowest. Dark is low; chance is "
            f"{CHANCE_EER:.0f} %; {wording.trials_of(cells)}.",
            pictures.draw_map(panel.title, values, texts, layers, modalities, labels, limits),
            ("layer", "modality", "eer"),
            tuple((layers[r], modalities[c], f"{values[r, c]:.2f}") for r, c in np.argwhere(np.isfinite(values))),
        )
        drawn.append(picture)
    return page.pictured("Layers and modalities", drawn, "results.tsv", run.remedy("report"))


def strata(run: Experiment) -> Section:
    """Show the EER of kinds of trials: other speakers only, other sentences only, classes enrolled from examples."""
    html, drawn = "", []
    for panel in run.panels:
        tables = {cell.name: over_folds(cell.tables("strata.tsv"), ["stratum"]) for cell in panel.best()}
        rows = [{"cell": name, **row} for name, table in tables.items() for row in table]
        if not rows:
            continue
        strata = list(dict.fromkeys(row["stratum"] for row in rows))
        dots = {}
        for name, table in tables.items():
            eers = {row["stratum"]: number(row["eer"]) for row in table}
            dots[name] = np.array([[eers.get(stratum, np.nan), np.nan, np.nan] for stratum in strata])
        labels = [stratum.replace("_", " ") for stratum in strata]
        picture = Picture(
            f"strata-{wording.slug(panel.title)}",
            f"EER by stratum: {panel.title}",
            f"EER of kinds of trials, best cell of each modality; all: {wording.trials_of(panel.best())}.",
            pictures.draw_dots(panel.title, "equal error rate (%)", labels, dots),
            tuple(rows[0]),
            tuple(tuple(row.values()) for row in rows),
        )
        drawn.append(picture)
        shown = [[wording.rounded(text) for text in row.values()] for row in rows]
        html += page.folded(f"Numbers: {panel.title}", page.table(picture.title, list(rows[0]), shown, 2))
    if not drawn:
        return Section("Strata", page.missing("strata.tsv in the cells", run.remedy("cells")))
    about = page.paragraph(
        "Some pairs of utterances have the same speaker, sentence or dialogue. On them a system can score well by "
        "recognising the speaker or the words instead of the emotion; the strata leave such pairs out. 'enrol N': "
        "classes enrolled with N utterances of other speakers."
    )
    return Section("Strata", about + page.figures(drawn) + html, tuple(drawn))


def unseen(run: Experiment) -> Section:
    """Show the EER of each held-out emotion, on the pairs that involve it."""
    rows = [row for row in result_table.means(run.rows) if row.held_out != result_table.NOT_APPLICABLE]
    if not rows:
        return Section("Unseen emotions", page.missing("results with a class held out", "local/run_experiments.sh"))
    varying = [name for name in result_table.NAMES if len({getattr(row, name) for row in rows}) > 1]
    names = ["held_out", *(name for name in varying if name not in ("held_out", "fold"))]
    shown = [
        [
            *wording.names_of(row, names),
            *(wording.trials(row), row.shown("eer")),
            row.status if row.min_dcf is None else f"{row.min_dcf:.3f}",
        ]
        for row in rows
    ]
    caption = f"EER of the pairs that involve the emotion held out of all training; chance is {CHANCE_EER:.0f} %."
    return Section("Unseen emotions", page.table(caption, [*names, "trials", "EER %", "minDCF"], shown, len(names)))


def _shares(table: Sequence[Row], name: str) -> np.ndarray:
    return np.array([number(row[name]) for row in table]) / 100
