"""Sections of the report on classes: confusions, pairs of emotions, calibration, LDA scatter. Each is a function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser.report import page, pictures, wording
from ser.report.experiment import Experiment, MeanRow, Row, number, over_folds
from ser.report.page import Section
from ser.report.pictures import Picture

_COSTS = {"cllr": "Cllr", "min_cllr": "min Cllr", "act_dcf": "actual DCF", "min_dcf": "min DCF", "ece": "ECE"}


def confusions(run: Experiment) -> Section:
    """Show the confusion matrices of the best cells, with the counts of their folds added up."""
    drawn = []
    for panel, cell in run.best():
        tables = cell.tables("confusion.tsv")
        if not tables:
            continue
        corner, classes, counts = add_confusions(tables)
        shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        texts = [
            [f"{share:.0f} %\n{count}" for share, count in zip(*line, strict=True)]
            for line in zip(shares, counts, strict=True)
        ]
        title = f"{cell.name}\n{panel.title}"
        labels = ("true class", "predicted class", "share of the true class (%)")
        right = 100 * np.trace(counts) / counts.sum()
        picture = Picture(
            f"confusion-{wording.slug(cell.row.modality)}-{wording.slug(panel.title)}",
            f"Confusion matrix: {cell.name}; {panel.title}",
            f"{cell.name}; {panel.title}: {counts.sum():,} utterances, {right:.1f} % right. Rows add up to 100 %, "
            f"counts below{wording.of_folds(tables, 'the sum')}.",
            pictures.draw_map(title, shares, texts, classes, classes, labels, (0.0, 100.0)),
            (corner, *classes),
            tuple((name, *map(int, line)) for name, line in zip(classes, counts, strict=True)),
        )
        drawn.append(picture)
    return page.pictured("Confusions", drawn, "confusion.tsv in the cells", run.remedy("cells"))


def add_confusions(tables: Sequence[Sequence[Row]]) -> tuple[str, list[str], np.ndarray]:
    """Add up the confusion matrices of folds by the names of the classes.

    The order of the classes differs between tables: classes that a fold's training set lacks come last. A fold may
    lack a class.

    Returns
    -------
    corner : header of the column of row names.
    classes : the K classes, those of the first fold first.
    counts : (K, K) int64, the sum over folds; a row for each true class.

    >>> first = [{"": "a", "a": "3", "b": "1"}, {"": "b", "a": "0", "b": "2"}]
    >>> add_confusions([first, [{"": "b", "b": "5"}]])[2].tolist()
    [[3, 1], [0, 7]]
    """
    corner = next(iter(tables[0][0]))
    classes = list(dict.fromkeys(row[corner] for table in tables for row in table))
    place = {name: index for index, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for table in tables:
        for row in table:
            for name, count in row.items():
                if name != corner:
                    counts[place[row[corner]], place[name]] += int(count)
    return corner, classes, counts


def emotion_pairs(run: Experiment) -> Section:
    """Show the EER of each pair of emotions, for the best cells."""
    drawn = []
    tables = {(panel.title, cell.name): cell.tables("emotion_pairs.tsv") for panel, cell in run.best()}
    joined = {key: over_folds(found, ["class_a", "class_b"]) for key, found in tables.items()}
    limits = wording.limits([number(row["eer"]) for rows in joined.values() for row in rows])
    for panel, cell in run.best():
        rows = joined[panel.title, cell.name]
        if not rows:
            continue
        classes = sorted({row[name] for row in rows for name in ("class_a", "class_b")})
        values = np.full((len(classes), len(classes)), np.nan)
        for row in rows:
            first, second = sorted(classes.index(row[name]) for name in ("class_a", "class_b"))
            values[second, first] = number(row["eer"])
        values = values[1:, :-1]  # below the diagonal
        texts = [[f"{value:.1f}" for value in line] for line in values]
        title = f"{cell.name}\n{panel.title}"
        labels = ("one emotion", "the other emotion", "equal error rate (%)")
        picture = Picture(
            f"emotion-pairs-{wording.slug(cell.row.modality)}-{wording.slug(panel.title)}",
            f"EER by emotion pair: {cell.name}; {panel.title}",
            f"{cell.name}; {panel.title}: EER for each pair of emotions; in a target trial both utterances have "
            f"the same emotion. Dark: low EER{wording.of_folds(tables[panel.title, cell.name], 'the mean')}.",
            pictures.draw_map(title, values, texts, classes[1:], classes[:-1], labels, limits),
            tuple(rows[0]),
            tuple(tuple(row.values()) for row in rows),
        )
        drawn.append(picture)
    return page.pictured("Emotion pairs", drawn, "emotion_pairs.tsv in the cells", run.remedy("cells"))


def calibration(run: Experiment) -> Section:
    """Show the calibration of the scores: cost of the log likelihood ratios, reliability of the posteriors."""
    html, drawn = "", []
    for panel in run.panels:
        rows = [
            {"cell": cell.name, **row}
            for cell in panel.best()
            for row in over_folds(cell.tables("calibration.tsv"), ["which"])
        ]
        if rows:
            caption = f"{panel.title}, best cell of each modality: cost of the log likelihood ratios of pairs (Cllr in "
            caption += (
                "bits; 1 means no information; actual and minimum detection cost), calibration error of the posteriors."
            )
            heads = ["cell", "scores", *(_COSTS.get(name, name) for name in list(rows[0])[2:])]
            shown = [[*list(row.values())[:2], *map(_cost, list(row.values())[2:])] for row in rows]
            html += page.table(caption, heads, shown, 2)
        bins = {cell: found for cell in panel.best() if (found := _reliability(cell)) is not None}
        if bins:
            lines = {cell.row.modality: (found[0], found[1]) for cell, found in bins.items()}
            picture = Picture(
                f"reliability-{wording.slug(panel.title)}",
                f"Reliability diagram: {panel.title}",
                "Share of right choices by the posterior of the chosen class. Calibrated posteriors lie on "
                "the thin line; bins of few utterances are off it by chance. "
                f"{max(found[2].sum() for found in bins.values()):,.0f} utterances.",
                pictures.draw_reliability(panel.title, lines),
                ("modality", "layer", "confidence", "accuracy", "utts"),
                tuple(
                    (cell.row.modality, cell.row.layer, f"{posterior:.4f}", f"{share:.4f}", f"{utts:.0f}")
                    for cell, found in bins.items()
                    for posterior, share, utts in zip(*found, strict=True)
                ),
            )
            drawn.append(picture)
    html = html or page.missing("calibration.tsv in the cells", run.remedy("cells"))
    html += page.figures(drawn) if drawn else page.missing("reliability.tsv in the cells", run.remedy("cells"))
    return Section("Calibration", html, tuple(drawn))


def _cost(text: str) -> str:
    return wording.rounded(text, 3)


def _reliability(cell: MeanRow) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Add up the bins of the folds: mean posterior, share of right choices, utterances, each (B,); drop empty bins."""
    tables = cell.tables("reliability.tsv")
    if not tables:
        return None
    names = ("utts", "expected", "right")
    folds = np.array([[[number(row[name]) for name in names] for row in table] for table in tables])
    utts, expected, right = (column[folds[:, :, 0].any(axis=0)] for column in folds.sum(axis=0).T)
    return expected / utts, right / utts, utts


def embeddings(run: Experiment) -> Section:
    """Show the test embeddings of the best cell of each panel in the first two LDA dimensions."""
    drawn = []
    for panel in run.panels:
        cells = [cell for cell in panel.best() if cell.tables("projected.tsv")]
        if not cells:
            continue
        cell = min(cells, key=lambda cell: (cell.row.eer is None, cell.row.eer))
        # Each fold has its own back end, so only embeddings of the same fold are in the same space.
        rows = cell.tables("projected.tsv")[0]
        points = np.array([[number(row["lda1"]), number(row["lda2"])] for row in rows])
        title = f"{cell.name}\n{panel.title}"
        which = " of the first fold" * (len(cell.folders) > 1)
        picture = Picture(
            f"embeddings-{wording.slug(panel.title)}",
            f"LDA scatter: {cell.name}; {panel.title}",
            f"{cell.name}; {panel.title}: {len(rows):,} test utterances{which}, by true class, in the first two "
            "dimensions of the LDA estimated on its training utterances.",
            pictures.draw_scatter(title, points, [row["class"] for row in rows]),
            tuple(rows[0]),
            tuple(tuple(row.values()) for row in rows),
        )
        drawn.append(picture)
    return page.pictured("Embeddings", drawn, "projected.tsv in the cells", run.remedy("cells"))
