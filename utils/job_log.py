"""The files by which jobs tell of themselves: a log's end, and when a file was changed, on a slow file server too."""

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

TAIL_BYTES = 4096


def tail(path: str | Path) -> list[str]:
    """Return the last lines of a file, with their ends; none if there is no such file."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES))
            return stream.read().decode("utf-8", errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return []


def end_line(status: int, time: str) -> str:
    """Write the last line of a log, the one proof of success."""
    return f"# Ended with status {status} at {time}\n"


def ended_status(log: str) -> int | None:
    """Return the status that a log ends with, or None if it does not end (yet)."""
    lines = tail(log)
    match = re.fullmatch(r"# Ended with status (\d+) at .*\n", lines[-1]) if lines else None
    return int(match[1]) if match else None


def time_of_change(path: Path) -> int | None:
    """Return when a file was changed, in ns, or None if there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def refresh(folders: Iterable[str | Path]) -> None:
    """Make a file server's client forget what it remembers of folders: a change of them does."""
    for folder in folders:
        path = Path(folder, f".refresh.{os.getpid()}")
        with contextlib.suppress(OSError):
            path.touch()
            path.unlink()
