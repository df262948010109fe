"""System D on the toy corpora: the driver of its own stages, one protocol of the two, on the annotators' votes."""

import csv
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Of its own for each worker of pytest-xdist, should they share the tests of this file.
NAME = "vgg_bert_test" + os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture(scope="module")
def options(with_epochs) -> list[str]:
    """The options of the run: the random split alone, settings of few epochs, one job at a time."""
    # The settings of icon are like those of bc_lstm.
    conf = with_epochs(ROOT / "conf" / "toy" / "vgg_bert", {"bert": 8, "vgg": 4, "bc_lstm": 5, "fusion": 8})
    return [
        "--name", NAME, "--conf", str(conf), "--protocols", "random", "--yardsticks", "icon", "--soft-targets", "true",
        "--inner-folds", "2", "--nj", "1",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def exp(options):
    """A run of all stages, removed after the tests."""
    folders = ROOT / "data" / NAME, ROOT / "exp" / NAME
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    run([*options, "--copies", "shift"])
    yield folders[1]
    for folder in folders:
        shutil.rmtree(folder)


def run(options: list[str]) -> None:
    done = subprocess.run(["local/run_vgg_bert.sh", *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_table_has_every_modality_of_the_system_and_its_yardstick(exp):
    with open(exp / "results.tsv", newline="") as stream:
        rows = {(row["layer"], row["modality"]): row for row in csv.DictReader(stream, delimiter="\t")}
    assert set(rows) == {
        *(("vgg", "speech"), ("bert", "text")),
        *((layer, "speech+text") for layer in ("fusion", "fusion_out_of_fold", "icon")),
    }
    for row in rows.values():
        assert (row["variant"], row["fold"], row["status"], row["eer"]) == ("random+soft", "all", "ok", "-")
        assert float(row["uar"]) > 25
    assert rows["bert", "text"]["text"] == "gold"


def test_the_audit_tells_what_the_random_split_shares(exp):
    with open(exp / "audit" / "random.tsv", newline="") as stream:
        found = {row["check"]: row for row in csv.DictReader(stream, delimiter="\t") if row["role"] == "train"}
    assert found["speakers"]["status"] == "LEAK" and int(found["speakers"]["count"]) == 10
    assert found["dialogues"]["status"] == "LEAK"
    assert found["utterances"]["status"] == "ok"


def test_a_second_run_trains_and_embeds_nothing_anew(exp, options):
    made = sorted([*exp.glob("*_random/model.safetensors"), *exp.glob("embeddings_random/*.ark")])
    assert len(made) == 7  # models of speech, text, their two fusions and the yardstick; embeddings of speech and text
    before = [path.stat().st_mtime_ns for path in made]
    run([*options, "--stage", "2", "--stop-stage", "5"])
    assert [path.stat().st_mtime_ns for path in made] == before
