"""Results across the toy corpora, end to end: two of them, without the diagonal."""

import csv
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Of its own for each worker of pytest-xdist, should they share the tests of this file.
NAME = "cross_corpus_test" + os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture(scope="module")
def exp():
    """A run of all stages, removed after the tests."""
    folders = ROOT / "data" / NAME, ROOT / "exp" / NAME
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    command = ["local/run_cross_corpus.sh", "--name", NAME, "--among", "ravdess cremad", "--within", "false"]
    command += ["--nj", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    yield folders[1]
    for folder in folders:
        shutil.rmtree(folder)


def table(path):
    return list(csv.DictReader(path.open(encoding="utf-8"), delimiter="\t"))


def test_each_corpus_is_scored_by_the_other_plain_and_adapted_with_intervals(exp):
    rows = {(row["train"], row["test"], row["variant"]): row for row in table(exp / "results.tsv")}
    assert set(rows) == {
        (train, test, variant)
        for train, test in (("cremad", "ravdess"), ("ravdess", "cremad"))
        for variant in ("plain", "adapted")
    }
    for row in rows.values():
        assert row["status"] == "ok"
        assert float(row["eer_low"]) <= float(row["eer"]) <= float(row["eer_high"])
    # 276 utterances of toy speakers teach what the 96 others say well above the chance of 20 %.
    assert float(rows["cremad", "ravdess", "plain"]["uar"]) > 35
    plain, adapted = (rows["cremad", "ravdess", variant]["eer"] for variant in ("plain", "adapted"))
    assert plain != adapted


def test_classes_are_stated_pairs_audited_and_the_matrix_drawn(exp):
    assert {row["kept"] for row in table(exp / "classes.tsv")} == {"yes"}
    audits = {path.stem: table(path) for path in (exp / "audit").glob("*.tsv")}
    assert set(audits) == {"ravdess_by_cremad", "cremad_by_ravdess"}
    found = {row["check"]: row["status"] for row in audits["ravdess_by_cremad"]}
    assert found["speakers"] == found["recordings"] == "ok"
    assert len(table(exp / "figures/cross_eer.tsv")) == len(table(exp / "figures/cross_uar.tsv")) == 4
    assert 'id="across-corpora"' in (exp / "report.html").read_text(encoding="utf-8")


def test_mistakes_of_the_best_row_can_be_heard_and_the_report_leads_to_them(exp):
    assert "<audio " in (exp / "errors.html").read_text(encoding="utf-8")
    assert 'href="errors.html"' in (exp / "report.html").read_text(encoding="utf-8")
