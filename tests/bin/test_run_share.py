"""Jobs that share a process: each runs once, with the arguments of all and its own, and a failure names its job."""

import sys

import numpy as np
import pytest

from ser.bin import run_share
from ser.errors import SerError
from ser.kaldi import ark

MODULE = "ser.bin.concat_vectors"


@pytest.fixture
def plan(tmp_path):
    """A plan of three jobs that join tables of vectors, and the tables."""
    for name, size in (("a", 2), ("b", 3)):
        with ark.Writer(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp") as writer:
            writer.write("utt", np.arange(size, dtype=np.float32))
    for number in (1, 2, 3):
        words = [f"scp:{tmp_path}/a.scp", f"scp:{tmp_path}/b.scp", f"ark:{tmp_path}/{number}.ark"]
        (tmp_path / f"joined.{number}.args").write_text("".join(f"{word}\n" for word in words))
    (tmp_path / "joined.list").write_text("1\n2\n3\n")
    return tmp_path


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["run_share", *map(str, words)])
    run_share.main()


def test_two_shares_run_each_job_once(plan, monkeypatch):
    made = []
    for share in ("2/2", "1/2"):
        run(monkeypatch, "--share", share, plan, "joined", MODULE, "--allow-missing", "true")
        made.append({path.stem for path in plan.glob("[123].ark")})
    assert made == [{"2"}, {"1", "2", "3"}]
    for number in (1, 2, 3):
        assert dict(ark.read(f"ark:{plan}/{number}.ark"))["utt"].tolist() == [0, 1, 0, 1, 2]


def test_a_failure_names_the_job_and_ends_the_share(plan, monkeypatch):
    (plan / "joined.2.args").write_text(f"scp:{plan}/a.scp\nscp:{plan}/none.scp\nark:{plan}/2.ark\n")
    with pytest.raises((SerError, OSError), match=r"none\.scp"):
        run(monkeypatch, plan, "joined", MODULE)
    assert (plan / "1.ark").exists() and not (plan / "3.ark").exists()


@pytest.mark.parametrize("share", ["0/2", "3/2", "half", "1/0"])
def test_a_share_that_is_none_is_refused(plan, monkeypatch, share):
    with pytest.raises(SerError, match=f"--share {share}: give one of N shares"):
        run(monkeypatch, "--share", share, plan, "joined", MODULE)


def test_a_kind_that_the_plan_lacks_is_refused(plan, monkeypatch):
    with pytest.raises(SerError, match=r"no .*typo\.list: the plan has no jobs of the kind 'typo'"):
        run(monkeypatch, plan, "typo", MODULE)
