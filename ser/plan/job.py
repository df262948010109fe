"""Plans: the jobs of a run in the order of its stages, printed as a table and written as files of arguments."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser.errors import SerError
from ser.files import tab_separated, write_text

TABLE = "plan.tsv"
COLUMNS = ("stage", "kind", "name", "utterances", "makes", "from")


@dataclass(frozen=True)
class Job:
    """One call of a command.

    Attributes
    ----------
    stage : number of the stage that runs it.
    kind : jobs of one kind run the same command with different arguments; in a job array they run in parallel.
    name : name of the job, unique within its kind.
    arguments : arguments of this job alone; the driver shows those that all jobs of the kind share.
    inputs, outputs : files and folders; the first output is the main one.
    size : number of utterances that the job reads, with augmented copies; 0 if not known or not relevant.
    """

    stage: int
    kind: str
    name: str
    arguments: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    size: float = 0.0


def job(
    stage: int,
    kind: str,
    name: str,
    arguments: Iterable[object],
    inputs: Iterable[object] = (),
    outputs: Iterable[object] = (),
    size: float = 0.0,
) -> Job:
    """Make a `Job`; arguments, inputs and outputs may be paths, numbers or strings."""
    arguments, inputs, outputs = (tuple(map(str, words)) for words in (arguments, inputs, outputs))
    return Job(stage, kind, name, arguments, inputs, outputs, size)


@dataclass(frozen=True)
class Plan:
    """The jobs of a run.

    Attributes
    ----------
    kinds : kind of job -> stage, for all kinds of the system, also those without jobs in this run.
    texts : further files of the plan, name -> text.
    """

    kinds: dict[str, int]
    jobs: tuple[Job, ...]
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.jobs:
            if self.kinds.get(one.kind) != one.stage:
                raise ValueError(f"job '{one.name}' of kind '{one.kind}' in stage {one.stage}: not a kind of the plan")

    def of(self, kind: str) -> list[Job]:
        """Return the jobs of a kind."""
        if kind not in self.kinds:
            raise KeyError(kind)
        return [one for one in self.jobs if one.kind == kind]

    def between(self, first: int, last: int) -> list[Job]:
        """Return the jobs of these stages, in the order in which their kinds run."""
        return [one for kind, stage in self.kinds.items() if first <= stage <= last for one in self.of(kind)]


def show(jobs: Sequence[Job]) -> str:
    """Return jobs as a text table for a person to read."""
    rows = [COLUMNS, *(_row(one) for one in jobs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS) - 1)]
    return "".join("  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() + "\n" for row in rows)


def write(plan: Plan, folder: Path) -> None:
    """Write a plan into `folder` and remove the files of an earlier plan there.

    ``plan.tsv`` is the table of all jobs. For each kind, ``<kind>.list`` has a line per job, its first output, and
    ``<kind>.<n>.args`` has the arguments of the n-th job, one per line, for a command to read as ``@<file>``.

    Raises
    ------
    SerError
        If an argument contains a line break.
    """
    files = {
        TABLE: tab_separated(COLUMNS, [_row(one) for one in plan.between(0, max(plan.kinds.values()))]),
        **plan.texts,
    }
    for kind in plan.kinds:
        jobs = plan.of(kind)
        files[f"{kind}.list"] = "".join(f"{(one.outputs or (one.name,))[0]}\n" for one in jobs)
        for number, one in enumerate(jobs, start=1):
            if broken := [word for word in one.arguments if "\n" in word]:
                raise SerError(f"{kind} '{one.name}': a line break in the argument {broken[0]!r}; take it out")
            files[f"{kind}.{number}.args"] = "".join(f"{word}\n" for word in one.arguments)
    for old in folder.iterdir() if folder.is_dir() else ():
        if old.is_dir():
            shutil.rmtree(old)
        elif old.name not in files:
            old.unlink()
    for name, text in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != text.encode():
            write_text(path, text)


def _row(one: Job) -> tuple[str, ...]:
    size = f"{one.size:.0f}" if one.size else "-"
    return str(one.stage), one.kind, one.name, size, " ".join(one.outputs) or "-", " ".join(one.inputs) or "-"
