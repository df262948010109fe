"""How many arrays slurm.pl and queue.pl make of their jobs, on a real scheduler: see test_on_scheduler.py."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from ser.files import write_text

KIND = os.environ.get("SER_SCHEDULER", "")
WRAPPER = {"slurm": "utils/slurm.pl", "sge": "utils/queue.pl"}.get(KIND, "")
SUBMIT = {"slurm": "sbatch --no-requeue", "sge": "qsub -V -cwd -S /bin/bash -r n"}.get(KIND, "")

pytestmark = pytest.mark.skipif(
    not KIND, reason="no scheduler up; tests/cluster/with_scheduler.sh slurm|sge python3 -m pytest tests/cluster"
)


@pytest.fixture
def run(tmp_path):
    """Run the wrapper with a submission command that counts its calls; return them with what the wrapper ended with."""
    (tmp_path / "submit").write_text(f'#!/bin/bash\necho >> {tmp_path}/count\nexec {SUBMIT} "$@"\n')
    (tmp_path / "submit").chmod(0o755)
    (tmp_path / "conf").write_text(f"command {tmp_path}/submit\noption max_jobs_run=* -tc $0\n")

    def run_it(*arguments):
        command = [WRAPPER, "--config", tmp_path / "conf", *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr
        return len((tmp_path / "count").read_text())

    return run_it


def tell(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def arrays_of_three_at_most(tmp_path):
    """Have the scheduler refuse a larger array."""
    conf = Path(os.environ["SLURM_CONF"] if KIND == "slurm" else tmp_path / "global")

    def change(text):
        # Whole at once: slurmd reads it some time after it is told to, and ends if the file is half written.
        write_text(conf, text)
        tell(*(["scontrol", "reconfigure"] if KIND == "slurm" else ["qconf", "-Mconf", conf]))

    if KIND == "slurm":
        before = conf.read_text()
        change(f"{before}MaxArraySize=4\n")  # the largest number of a task, and one more
    else:
        before = re.sub("^#.*\n", "", tell("qconf", "-sconf", "global"))
        change(re.sub("max_aj_tasks .*", "max_aj_tasks 3", before))
    yield
    change(before)


def test_many_jobs_are_one_submission(run, tmp_path):
    count = int(os.environ.get("SER_TEST_ARRAY", 20))
    begin = time.monotonic()
    assert run(f"JOB=1:{count}", tmp_path / "n.JOB.log", "true") == 1
    print(f"{count} jobs in one submission: {time.monotonic() - begin:.1f} s")


def test_jobs_that_one_array_cannot_hold_are_as_many_arrays_as_needed(run, arrays_of_three_at_most, tmp_path):
    assert run("JOB=3:9", tmp_path / "n.JOB.log", "echo", "job", "JOB") == 3
    assert all(f"\njob {number}\n" in (tmp_path / f"n.{number}.log").read_text() for number in range(3, 10))


def test_retried_jobs_of_several_arrays_keep_to_the_largest_array(run, arrays_of_three_at_most, tmp_path):
    command = f"sleep 2; [ -f {tmp_path}/once.JOB ] || {{ touch {tmp_path}/once.JOB; false; }}"
    assert run("--retries", 1, "JOB=1:4", tmp_path / "r.JOB.log", "bash", "-c", command) >= 4
    assert all((tmp_path / f"r.{number}.log.attempt1").exists() for number in range(1, 5))


@pytest.mark.parametrize("limit", ["--max-jobs-run", "-tc"])
def test_max_jobs_run_holds_over_several_arrays(run, arrays_of_three_at_most, tmp_path, limit):
    command = f"mkdir {tmp_path}/lock && sleep 0.2 && rmdir {tmp_path}/lock"
    assert run(limit, 1, "JOB=1:4", tmp_path / "m.JOB.log", "bash", "-c", command) == 2
