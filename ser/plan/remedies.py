"""Which command makes what is missing of a run: the run's own, from the stage that makes it."""

import csv
import shlex
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines
from ser.plan.job import TABLE

# What a report shows, and the kind of job that makes it.
CELLS = "cells"


def command_for(exp: Path, what: str) -> str:
    """Return the command that makes something of a run, as it was last given, from the stage that makes it.

    Parameters
    ----------
    exp : folder of the run, or of a grid, whose command makes all that is missing.
    what : ``run`` (all), ``training``, ``cells`` or ``report``.
    """
    command = _last_command(exp)
    stage = _stages(exp / "plan" / TABLE).get(what)
    return command if stage is None else f"{command} --stage {stage}"


def _last_command(exp: Path) -> str:
    """Return the last line of commands.txt, without the stages that it was for."""
    path = exp / "commands.txt"
    try:
        words = shlex.split(read_text_lines(path)[-1])
    except (SerError, ValueError, IndexError):  # none was noted here, or it is not a command any more
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
    """Read from a plan's table the first stage that trains, that of the cells, and the last one."""
    if not table.exists():
        return {}
    with open(table, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    try:
        stages = {row["kind"]: int(row["stage"]) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise SerError(f"{table}: damaged: {error}; run the driver again, which writes it") from error
    made = {kind: stage for kind, stage in stages.items() if kind != "audit"}
    models = [int(row["stage"]) for row in rows if row["kind"] in made and Path(row["makes"]).parts[:1] == ("exp",)]
    found = {
        "report": max(stages.values(), default=None),
        CELLS: stages.get(CELLS),
        "training": min(models, default=None),
    }
    return {what: stage for what, stage in found.items() if stage is not None}
