"""Interface of a cluster's scheduler, as the loop over the jobs needs it, and functions that run its commands."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ANSWER_SECONDS = 8  # longest time to wait for an answer of the scheduler


class NoAnswerError(Exception):
    """The scheduler is out of reach, at least for the moment."""


class RefusedError(Exception):
    """The scheduler does not take the jobs, or cannot be waited for any longer."""


@dataclass(frozen=True)
class State:
    """State of a job: ``waiting``, ``running``, ``ending``, ``gone`` from the list, or ``stuck`` for ever.

    `reason` is the scheduler's explanation if something is unusual, else empty.
    """

    phase: str
    reason: str = ""


@dataclass
class Job:
    """A submitted job: its place in its array, its files, and what is known of it."""

    number: int
    array: str
    task: int
    log: str
    alive: Path
    state: State
    sign: float  # when it last gave a sign of life, or was last known to wait
    beat: int | None = None  # time of change of its file `alive`
    gone_since: float = 0.0
    last_reason: str = ""
    silence_said: bool = False


class Scheduler(Protocol):
    """What SLURM and Grid Engine do, each in its own way. All but `task_variable` may raise NoAnswerError."""

    task_variable: str
    """The environment variable with a task's number in its array."""

    def largest_array(self) -> int:
        """Return the number of tasks that an array may have."""

    def submit(self, command: list[str], script: Path, name: str, count: int, at_once: int, output: Path) -> str:
        """Submit an array of tasks 1 to `count`, `at_once` of them (0: all) at the same time; return its id."""

    def states(self, arrays: set[str]) -> dict[tuple[str, int], State]:
        """Return the states of the tasks (array, number in it) that the list has."""

    def cancel(self, array: str, tasks: list[int] | None = None) -> None:
        """Cancel an array or some of its tasks."""


def ask(arguments: list[str], seconds: float | None = ANSWER_SECONDS) -> subprocess.CompletedProcess:
    """Run a scheduler's command, out of reach of the terminal's Ctrl-C, which is the wrapper's to handle."""
    try:
        return subprocess.run(arguments, capture_output=True, text=True, timeout=seconds, start_new_session=True)
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"{arguments[0]}: no answer in {seconds} s") from None
    except OSError as error:
        raise RefusedError(f"cannot run {arguments[0]}: {error.strerror}; is this a submission host?") from None


def ask_for_answer(arguments: list[str]) -> str:
    """Run a query of a scheduler and return its output; if it fails, the scheduler counts as out of reach."""
    done = ask(arguments)
    if done.returncode != 0:
        raise NoAnswerError(f"{arguments[0]}: {done.stderr.strip() or f'status {done.returncode}'}")
    return done.stdout
