"""What the benchmarks have in common, and the table that they end with; the command is

    python3 -m pytest tests/benchmarks [--corpora ../shared/corpora] [-k features|backend|loop]

Seconds are of the quickest round. CPU seconds are of all threads, so that other work on the machine counts little.
Kaldi's figures were measured on one core of a 2-core machine, see the README.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Row:
    """A line of the table; `kaldi` and `ours` in the same `unit`, None where there is nothing to compare with."""

    what: str
    ours: float
    unit: str
    kaldi: float | None = None
    other: str = ""  # what `kaldi` is where it is not Kaldi's figure

    def cells(self) -> list[str]:
        theirs = "" if self.kaldi is None else f"{_show(self.kaldi)} {self.unit}{self.other and f' ({self.other})'}"
        ratio = "" if self.kaldi is None else f"{self.ours / self.kaldi:.2g}"
        return [self.what, f"{_show(self.ours)} {self.unit}", theirs, ratio]


@dataclass(frozen=True)
class Usage:
    """What a command took: `wall` and `cpu` seconds, peak memory in MB; and the JSON that it printed, if any."""

    wall: float
    cpu: float
    mb: float
    printed: dict[str, float]


def _show(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


_rows: list[Row] = []
_notes: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpora", type=Path, default=ROOT.parent / "shared" / "corpora", help="holds ravdess/")


@pytest.fixture(scope="session")
def table() -> Callable[..., None]:
    """Add a line to the table: `table(what, ours, unit, kaldi)`."""
    return lambda *cells, **more: _rows.append(Row(*cells, **more))


@pytest.fixture(scope="session")
def note() -> Callable[[str], None]:
    """Add a line under the table."""
    return _notes.append


@pytest.fixture
def command(benchmark) -> Callable[..., Usage]:
    """Run a command of the project, or a script of this folder: `command("make_features", *arguments, threads=1)`.

    Of several rounds the one of fewest CPU seconds counts. pytest-benchmark shows the first command of a test.
    """
    ran = []

    def run(name: str, *arguments: object, threads: int = 1, rounds: int = 1, cache: Path | None = None) -> Usage:
        def call() -> None:
            where = [str(HERE / name)] if name.endswith(".py") else ["-m", f"ser.bin.{name}"]
            used.append(_call([sys.executable, *where, *map(str, arguments)], threads, cache))

        used: list[Usage] = []
        if ran:
            for _ in range(rounds):
                call()
        else:
            benchmark.pedantic(call, rounds=rounds, iterations=1)
        ran.append(name)
        return min(used, key=lambda usage: usage.cpu)

    return run


def _call(command: list[str], threads: int, cache: Path | None) -> Usage:
    count = str(threads)
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
    }
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    done = subprocess.run(
        [sys.executable, str(HERE / "usage.py"), *command], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return Usage(**json.loads(done.stdout))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the Markdown table."""
    if not _rows:
        return
    lines = [["what", "this project", "Kaldi", "ratio"], ["---", "---:", "---:", "---:"]]
    lines += [row.cells() for row in _rows]
    terminalreporter.write_sep("=", "table")
    for cells in lines:
        terminalreporter.write_line(f"| {' | '.join(cells)} |")
    processor = next(
        (line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine()
    )
    for line in (f"{os.cpu_count()} cores, {processor}; Python {platform.python_version()}", *_notes):
        terminalreporter.write_line(line)


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
