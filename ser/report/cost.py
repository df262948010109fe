"""Cost of a stage of a recipe: time, memory and disk, from its logs and files.

A stage writes the output of bash's ``times`` to a file when it begins and when it ends; files that were modified in
between belong to it. A job's log ends with its CPU time and peak memory, also under a scheduler on another machine.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser.errors import SerError
from ser.files import tab_separated, write_text
from ser.report.experiment import read_table

COLUMNS = ("stage", "what", "wall_s", "cpu_s", "memory_mb", "disk_mb")
_LOG = re.compile(r".*\.log(\.attempt\d+)?$")
_HOST = re.compile(r"^# Running on (\S+)", re.MULTILINE)
_ACCOUNTING = re.compile(r"^# Accounting: .*\bcpu=([\d.]+) mem=(\d+)M", re.MULTILINE)
_TIMES = re.compile(r"(\d+)m([\d.]+)s")
_TAIL = 4096


@dataclass(frozen=True)
class Cost:
    """Wall and CPU time in seconds; peak memory of a job in MiB, None without jobs; bytes of the files written."""

    wall: float
    cpu: float
    memory: int | None
    disk: int

    def fields(self) -> tuple[str, ...]:
        """Return the fields of a row of ``cost.tsv``, after `stage` and `what`."""
        memory = "-" if self.memory is None else str(self.memory)
        return f"{self.wall:.1f}", f"{self.cpu:.1f}", memory, f"{self.disk / 2**20:.1f}"


def measure(began: Path, ended: Path, folders: Sequence[Path]) -> Cost:
    """Measure a stage: its files in `folders` are those written between its two files of ``times``.

    Jobs that run.pl ran on this machine are children of the script, so ``times`` includes their CPU time; it does not
    include jobs of a scheduler. The CPU time for this machine is the larger of ``times`` and the sum over the logs; the
    CPU time of jobs elsewhere is added.
    """
    here = read_times(ended) - read_times(began)
    jobs_here = jobs_elsewhere = 0.0
    memory, disk = None, 0
    for path, size in _written(folders, began.stat().st_mtime_ns, {began, ended}):
        disk += size
        if _LOG.match(path.name):
            text = path.read_text(encoding="utf-8", errors="replace")
            host, found = _HOST.search(text), _ACCOUNTING.findall(text)
            if host and found:
                cpu, peak = float(found[-1][0]), int(found[-1][1])
                memory = max(memory or 0, peak)
                if host[1] == socket.gethostname():
                    jobs_here += cpu
                else:
                    jobs_elsewhere += cpu
    wall = (ended.stat().st_mtime_ns - began.stat().st_mtime_ns) / 1e9
    return Cost(wall, max(here, jobs_here) + jobs_elsewhere, memory, disk)


def read_times(path: Path) -> float:
    """Read the output of ``times``: user and system time of the shell and of its children, in seconds.

    Raises
    ------
    SerError
        If the file does not have these four times.
    """
    found = _TIMES.findall(path.read_text(encoding="utf-8")) if path.exists() else []
    if len(found) != 4:
        raise SerError(f"{path}: expected the four times that bash's `times` prints, found {len(found)}")
    return sum(60 * int(minutes) + float(seconds) for minutes, seconds in found)


def replace_row(table: Path, stage: str, what: str, cost: Cost) -> None:
    """Write the row of a stage to a table of costs, replacing its old row; rows are sorted by stage."""
    rows = {row["stage"]: tuple(row.values()) for row in read_table(table)}
    rows[stage] = (stage, what, *cost.fields())
    ordered = sorted(rows.values(), key=lambda row: (int(re.sub(r"\D.*", "", row[0]) or 0), row[0]))
    write_text(table, tab_separated(COLUMNS, ordered))


def _written(folders: Sequence[Path], since: int, apart: set[Path]) -> Iterator[tuple[Path, int]]:
    """Yield the files (not links) modified since a time in ns, with their sizes."""
    for folder in folders:
        for root, _, names in os.walk(folder):
            for path in (Path(root, name) for name in names):
                status = path.lstat()
                if status.st_mtime_ns >= since and not path.is_symlink() and path not in apart:
                    yield path, status.st_size
