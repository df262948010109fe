"""Costs of stages, from planted logs and times."""

import os
import socket
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.report.cost import Cost, measure, read_times, replace_row
from ser.report.experiment import read_table

HERE = socket.gethostname()


@pytest.fixture
def times(tmp_path: Path) -> tuple[Path, Path]:
    """A stage of 10 s of wall time, in which the script and its children took 7 s of CPU time."""
    began, ended = tmp_path / "exp" / "log" / "stage_1.began", tmp_path / "exp" / "log" / "stage_1.ended"
    began.parent.mkdir(parents=True)
    began.write_text("0m1.000s 0m0.500s\n0m2.000s 0m0.500s\n")
    ended.write_text("0m1.500s 0m0.500s\n0m8.000s 0m1.000s\n")
    os.utime(began, (1000, 1000))
    os.utime(ended, (1010, 1010))
    return began, ended


def write_log(path: Path, host: str, cpu: float, memory: int, written: float = 1005) -> None:
    path.write_text(
        f"# command\n# Running on {host}\noutput\n# Accounting: time=3.0 cpu={cpu} mem={memory}M threads=1\n"
    )
    os.utime(path, (written, written))


def test_times_are_those_of_the_shell_and_its_children(times):
    assert read_times(times[0]) == 4.0


def test_stage_without_jobs_costs_the_scripts_own_time(times, tmp_path):
    assert measure(*times, [tmp_path]) == Cost(wall=10.0, cpu=7.0, memory=None, disk=0)


def test_jobs_run_here_are_not_counted_twice(times, tmp_path):
    write_log(tmp_path / "exp/log/a.1.log", HERE, 2.5, 300)
    write_log(tmp_path / "exp/log/a.2.log", HERE, 3.0, 450)
    cost = measure(*times, [tmp_path])
    assert (cost.cpu, cost.memory) == (7.0, 450)


def test_jobs_of_a_queue_are_added(times, tmp_path):
    write_log(tmp_path / "exp/log/a.1.log", "node7", 100.0, 300)
    write_log(tmp_path / "exp/log/a.2.log.attempt1", "node8", 50.0, 2000)
    cost = measure(*times, [tmp_path])
    assert (cost.cpu, cost.memory) == (157.0, 2000)


def test_a_queue_on_this_machine_counts_by_its_logs(times, tmp_path):
    write_log(tmp_path / "exp/log/a.1.log", HERE, 60.0, 300)
    assert measure(*times, [tmp_path]).cpu == 60.0


def test_what_was_written_before_the_stage_is_another_stages(times, tmp_path):
    write_log(tmp_path / "exp/log/old.log", "node7", 100.0, 300, written=999)
    (tmp_path / "new.ark").write_bytes(bytes(3 << 20))
    (tmp_path / "link").symlink_to(tmp_path / "new.ark")
    cost = measure(*times, [tmp_path])
    assert (cost.cpu, cost.memory, cost.disk) == (7.0, None, 3 << 20)


def test_a_stage_run_again_replaces_its_row(tmp_path):
    table = tmp_path / "cost.tsv"
    for stage, wall in (("2", 5.0), ("10", 1.0), ("2, continued", 3.0), ("2", 8.0)):
        replace_row(table, stage, "work", Cost(wall, 1.0, None, 0))
    assert [(row["stage"], row["wall_s"]) for row in read_table(table)] == [
        ("2", "8.0"),
        ("2, continued", "3.0"),
        ("10", "1.0"),
    ]


def test_a_file_of_no_times_is_named(tmp_path):
    (tmp_path / "stage_1.began").write_text("nothing\n")
    with pytest.raises(SerError, match=r"stage_1.began: expected the four times"):
        read_times(tmp_path / "stage_1.began")
