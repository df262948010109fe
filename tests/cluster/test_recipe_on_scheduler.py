"""The whole recipe on the toy corpora with every job on a real scheduler, in a copy of the checkout."""

import csv
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
WRAPPER = {"slurm": "utils/slurm.pl", "sge": "utils/queue.pl"}.get(os.environ.get("SER_SCHEDULER", ""), "")

pytestmark = pytest.mark.skipif(
    not WRAPPER, reason="no scheduler up; tests/cluster/with_scheduler.sh slurm|sge python3 -m pytest tests/cluster"
)


def test_toy_recipe_passes_with_every_job_on_the_scheduler(tmp_path):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "cmd.sh").write_text(
        f'train_cmd="{WRAPPER} --mem 2G --retries 1"\ncuda_cmd="{WRAPPER} --mem 4G --gpu 1"\n'
    )
    done = subprocess.run(["./run.sh", "--nj", "4"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    with open(tmp_path / "exp/toy/results.tsv", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert {row["modality"] for row in rows} == {"speech", "text", "speech+text"}
    assert all(float(row["eer"]) < 50 for row in rows if row["fold"] == "all")
    # What the scheduler's files beside the logs prove: these jobs were its.
    assert all((tmp_path / f"exp/toy/log/q/{kind}.sh").is_file() for kind in ("cells", "pretrain"))
