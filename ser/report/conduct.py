"""Sections of the report on the run itself: trainings, annotators, protocol, cost. Each is a function."""

from __future__ import annotations

import numpy as np

from ser.report import page, pictures, wording
from ser.report.experiment import Experiment, Row, number, read_table
from ser.report.page import Section
from ser.report.pictures import Picture

_FIGURES = (("loss", "loss (nats per example)", 1.0), ("accuracy", "accuracy (%)", 100.0))


def training_curves(run: Experiment) -> Section:
    """Show loss and accuracy by epoch, with all trainings of one kind (such as those of the folds) in one picture."""
    kinds: dict[str, dict[str, list[Row]]] = {}
    for path in sorted(run.folder.glob("*/train.tsv")):
        kind, _, fold = path.parent.name.rpartition("_")
        kinds.setdefault(kind or fold, {})[path.parent.name] = read_table(path)
    drawn = []
    for kind, trainings in kinds.items():
        for name, label, factor in _FIGURES:
            curves = {
                part: [
                    (_column(rows, "epoch"), factor * _column(rows, f"{part}_{name}")) for rows in trainings.values()
                ]
                for part in ("train", "valid")
            }
            picture = Picture(
                f"training-{wording.slug(kind)}-{name}",
                f"Training of {kind}: {name} by epoch",
                f"{name.capitalize()} by epoch, a line for each of {', '.join(trainings)}.",
                pictures.draw_training(kind, label, curves),
                ("training", "epoch", f"train_{name}", f"valid_{name}"),
                tuple(
                    (training, row["epoch"], row[f"train_{name}"], row[f"valid_{name}"])
                    for training, rows in trainings.items()
                    for row in rows
                ),
            )
            drawn.append(picture)
    return page.pictured("Training", drawn, "<training>/train.tsv in the run's folder", run.remedy("training"))


def _column(rows: list[Row], name: str) -> np.ndarray:
    return np.array([number(row[name]) for row in rows])


def human_yardstick(run: Experiment) -> Section:
    """Show how well each annotator agrees with the others, by the measures that are used for systems."""
    rows = read_table(run.folder / "human.tsv")
    if not rows:
        what = "human.tsv, which needs a corpus with the votes of its annotators"
        return Section("Human yardstick", page.missing(what, run.remedy("report")))
    caption = "Each annotator against the others on the same utterances, by the measures that are used for systems."
    shown = [
        [row["annotator"], wording.grouped(row["utts"]), *(row[name] for name in ("ua", "wa", "eer"))] for row in rows
    ]
    return Section("Human yardstick", page.table(caption, ("annotator", "utterances", "UA %", "WA %", "EER %"), shown))


def protocol_card(run: Experiment) -> Section:
    """Show the training and test sets, and whether the audit found them disjoint."""
    rows = read_table(run.folder / "protocol_card.tsv")
    if not rows:
        return Section("Protocol card", page.missing("protocol_card.tsv", run.remedy("report")))
    sections: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows:
        name, _, column = row["key"].rpartition(": ")
        entry = (name, column, row["value"]) if name else (column, "value", row["value"])
        sections.setdefault(row["section"], []).append(entry)
    html = ""
    for section, entries in sections.items():
        columns = list(dict.fromkeys(column for _, column, _ in entries))
        cells = {(name, column): value for name, column, value in entries}
        names = dict.fromkeys(name for name, _, _ in entries)
        shown = [[name, *(cells.get((name, column), "") for column in columns)] for name in names]
        html += page.table(section.capitalize(), ["", *columns], shown, len(columns) + 1)
    return Section("Protocol card", html)


def cost(run: Experiment) -> Section:
    """Show the time, memory and disk of each stage."""
    rows = read_table(run.folder / "cost.tsv")
    if not rows:
        return Section("Cost", page.missing("cost.tsv", run.remedy("run")))
    names = [f"{row['stage']} {row['what']}" for row in rows]
    heads = ("stage", "wall time (s)", "CPU time (s)", "peak memory of a job (MB)", "disk (MB)")
    columns = ("wall_s", "cpu_s", "memory_mb", "disk_mb")
    shown = [
        [name, *(wording.rounded(row[column], 1) for column in columns)] for name, row in zip(names, rows, strict=True)
    ]
    sums = (f"{np.nansum([number(row[column]) for row in rows]):,.1f}" for column in columns)
    wall, cpu, _, disk = sums
    peak = f"{np.nanmax([0.0, *(number(row['memory_mb']) for row in rows)]):,.0f}"
    caption = "The last complete run of each stage, without this report. CPU time: all jobs, on any machine, "
    caption += "and the script; disk: the files that the stage wrote."
    html = page.table(caption, heads, [*shown, ["all", wall, cpu, peak, disk]])
    dots = {
        label: np.array([[max(number(row[column]), 0.1), np.nan, np.nan] for row in rows])
        for label, column in (("wall time", "wall_s"), ("CPU time", "cpu_s"))
    }
    picture = Picture(
        "cost",
        "Wall and CPU time of each stage",
        "Wall and CPU time of each stage, on a logarithmic axis.",
        pictures.draw_dots("cost", "time (s)", [f"stage {row['stage']}" for row in rows], dots, log=True),
        tuple(rows[0]),
        tuple(tuple(row.values()) for row in rows),
    )
    return Section("Cost", html + page.figures([picture]), (picture,))
