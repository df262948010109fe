"""The plan of a grid for ``local/run_experiments.sh``: unfinished artefacts in waves, and the failures afterwards."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ser.errors import SerError
from ser.experiments.artefact import DONE, LOG, Artefact, all_needed, waves
from ser.experiments.point_artefacts import CELL
from ser.experiments.training_sets import AUDIT
from ser.files import tab_separated, write_text
from ser.plan.layout import Layout
from ser.results import result_table

ARTEFACTS = "artefacts"
CELLS = "cells.tsv"


def write_plan(exp: Path, cells: Mapping[Artefact, result_table.Result]) -> int:
    """Write the folders of all unfinished artefacts and the order of making them; return their number.

    ``plan/<wave>.<nets|others>.list`` lists folders: those of a list may be made in parallel, wave after wave.
    ``cells.tsv`` and ``cells/list`` have the folder of each cell, ``plan/unused`` the artefacts of earlier grids,
    settings and code. An outdated table of results is removed.

    Parameters
    ----------
    exp : folder of the grid.
    cells : artefact of a cell -> its row of the results table, still without figures.
    """
    at = Layout(exp, exp)
    store, folder = exp / ARTEFACTS, at.plan
    for old in folder.glob("*.list"):
        old.unlink()
    arranged = waves(cells, store)
    for number, wave in enumerate(arranged, start=1):
        for artefact in wave:
            artefact.write(store)
        for kind, trains in (("nets", True), ("others", False)):
            if listed := [f"{store / artefact.name}\n" for artefact in wave if artefact.trains == trains]:
                write_text(folder / f"{number}.{kind}.list", "".join(listed))
    rows = [[*row.name(), str(store / artefact.name / CELL)] for artefact, row in cells.items()]
    write_text(exp / CELLS, tab_separated([*result_table.NAMES, "folder"], rows))
    listed_cells = at.cells / "list"
    lines = "".join(f"{row[-1]}\n" for row in rows)
    if arranged or not listed_cells.exists() or listed_cells.read_text(encoding="utf-8") != lines:
        (exp / "results.tsv").unlink(missing_ok=True)
        write_text(listed_cells, lines)
    needed = {artefact.name for artefact in all_needed(cells)}
    unused = [path for path in sorted(store.glob("*-*")) if path.name not in needed]
    write_text(folder / "unused", "".join(f"{path}\n" for path in unused))
    return sum(map(len, arranged))


def describe(exp: Path, cells: Mapping[Artefact, result_table.Result]) -> str:
    """Format a summary: how many artefacts each step has, how many are finished, and the waves of the others."""
    store = exp / ARTEFACTS
    artefacts = all_needed(cells)
    total = Counter(artefact.step for artefact in artefacts)
    done = Counter(artefact.step for artefact in artefacts if artefact.is_done(store))
    lines = ["step            all   done", *(f"{step:<14}{total[step]:>5}{done[step]:>7}" for step in total)]
    for number, wave in enumerate(waves(cells, store), start=1):
        counts = Counter(artefact.step for artefact in wave)
        lines.append(f"wave {number}: {', '.join(f'{count} {step}' for step, count in counts.items())}")
    return "".join(f"{line}\n" for line in lines)


def collect(exp: Path) -> list[str]:
    """For each cell without a result, write ``failed`` into its folder: a row of the results that names the log.

    The findings of the audits are copied to ``audit/``, for the protocol card.

    Returns
    -------
    list of str
        The failures, ``<folder of the cell>: <log of the artefact that failed first>``.
    """
    path = exp / CELLS
    if not path.exists():
        raise SerError(f"{path}: no such file; local/run_experiments.sh writes it")
    with open(path, encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    wrong = []
    for cell in cells:
        folder = Path(cell.pop("folder"))
        if not (folder.parent / DONE).exists():
            log = _first_unfinished(folder.parent) / LOG
            wrong.append(f"{folder}: {log}")
            names: dict[str, Any] = {name: result_table.parse_field(name, value) for name, value in cell.items()}
            row = result_table.Result(**names, status=f"failed: {log}")
            write_text(folder / "failed", result_table.to_tsv([row]))
    _gather_audits(exp)
    return wrong


def _gather_audits(exp: Path) -> None:
    at = Layout(exp, exp)
    for old in at.audits.glob("*.tsv"):
        old.unlink()
    unused = set((at.plan / "unused").read_text(encoding="utf-8").splitlines())
    for found in sorted((exp / ARTEFACTS).glob(f"audit-*/{AUDIT}")):
        if str(found.parent) not in unused:
            name = found.parent.name.removeprefix("audit-")
            write_text(at.audit(name), found.read_text(encoding="utf-8"))


def _first_unfinished(artefact: Path) -> Path:
    """Find the cause of a failure: an unfinished artefact among the needs, all of whose own needs are finished."""
    for need in (artefact / "needs").read_text(encoding="utf-8").split():
        if not (artefact.parent / need / DONE).exists():
            return _first_unfinished(artefact.parent / need)
    return artefact
