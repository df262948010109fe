"""Find the command that makes a missing part of a run: the run's last command, from the stage that makes the part."""

import csv
import shlex
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines
from ser.plan.job import TABLE
from ser.plan.layout import Layout

# The part of a run that has the scores; also the kind of the jobs that make them.
CELLS = "cells"


def command_for(exp: Path, what: str) -> str:
    """Return the last command of a run, with the --stage that makes a part of it.

    Parameters
    ----------
    exp : folder of the run, or of a grid; a grid's command makes all missing parts and gets no --stage.
    what : the part: ``run`` (all of it), ``training``, ``cells`` or ``report``.
    """
    command = _last_command(exp)
    stage = _stages(Layout(exp, exp).plan / TABLE).get(what)
    return command if stage is None else f"{command} --stage {stage}"


def _last_command(exp: Path) -> str:
    """Return the last line of commands.txt, without its --stage and --stop-stage."""
    path = exp / "commands.txt"
    try:
        words = shlex.split(read_text_lines(path)[-1])
    except (SerError, ValueError, IndexError):  # no command was noted, or the file is damaged
        return "./run.sh"
    kept: list[str] = []
    drop = False
    for word in words:
        if drop:
            drop = False
        elif word in ("--stage", "--stop-stage"):
            drop = True
        elif not word.startswith(("--stage=", "--stop-stage=")):
            kept.append(word)
    return shlex.join(kept)


def _stages(table: Path) -> dict[str, int]:
    """Read from the table of a plan: the first stage that trains, the stage of the cells, and the last stage."""
    if not table.exists():
        return {}
    with open(table, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    try:
        stages = {row["kind"]: int(row["stage"]) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise SerError(f"{table}: damaged: {error}; run the driver again to write it anew") from error
    # An output in exp/ that is not a table, such as those of the audit, is a trained model.
    made = (row for row in rows if Path(row["makes"]).parts[:1] == ("exp",) and not row["makes"].endswith(".tsv"))
    models = [int(row["stage"]) for row in made]
    found = {
        "report": max(stages.values(), default=None),
        CELLS: stages.get(CELLS),
        "training": min(models, default=None),
    }
    return {what: stage for what, stage in found.items() if stage is not None}
