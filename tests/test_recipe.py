"""The main job: the whole recipe on the toy corpora, as the README's first command runs it."""

import csv
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
# Of its own for each worker of pytest-xdist, should they share the tests of this file.
NAME = "recipe_test" + os.environ.get("PYTEST_XDIST_WORKER", "")
HEADER = (
    "system train test fold variant seed text layer modality backend lda_dim held_out status utts trials "
    "eer eer_low eer_high min_dcf uar uar_low uar_high wa wa_low wa_high f1 f1_low f1_high pairs speaker_normalisation"
)


def toy_commands(root: Path) -> list[tuple[str, str]]:
    """List the commands that the documentation says to run after ./run.sh: page, and each block marked ``sh toy``."""
    pages = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    blocks = re.compile(r"^```sh toy\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [(page.name, commands) for page in pages for commands in blocks.findall(page.read_text(encoding="utf-8"))]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the recipe, one job of an array at a time, since the other worker runs tests too."""
    command = ["./run.sh", "--name", NAME, "--nj", "1", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def finished_run():
    """A run of all stages, removed after the tests."""
    folders = ROOT / "data" / NAME, ROOT / "exp" / NAME
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    done = run()
    assert done.returncode == 0, done.stderr[-3000:]
    yield folders[1], done
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def rows(finished_run):
    exp, _ = finished_run
    with open(exp / "results.tsv", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t")
        assert " ".join(reader.fieldnames) == HEADER
        return list(reader)


def test_results_cover_both_conditions_every_layer_modality_and_fold(rows):
    without = {(row["layer"], row["modality"]) for row in rows if "iemocap" not in row["train"].split("+")}
    with_folds = {(row["layer"], row["modality"], row["fold"]) for row in rows if "iemocap" in row["train"].split("+")}
    cells = {("bert", "text"), *((f"tdnn{n}", modality) for n in (6, 7) for modality in ("speech", "speech+text"))}
    assert without == cells
    assert with_folds == {(*cell, fold) for cell in cells for fold in ("1", "2", "3", "4", "5", "all")}


def test_each_modality_beats_chance_and_with_the_target_corpus_speech_with_text_beats_both(rows):
    for with_target in (False, True):
        best = {
            modality: min(
                float(row["eer"])
                for row in rows
                if (row["modality"], row["fold"]) == (modality, "all")
                and ("iemocap" in row["train"].split("+")) == with_target
            )
            for modality in ("speech", "text", "speech+text")
        }
        assert 0.0 < min(best.values()) <= max(best.values()) < (40.0 if with_target else 45.0)
        if with_target:  # by 3 to 6 points on two processors; without the target corpus rounding decides
            assert best["speech+text"] < min(best["speech"], best["text"])


def test_every_number_of_trials_is_that_of_all_pairs_each_once_or_those_of_two_speakers(rows, finished_run):
    data = ROOT / "data" / NAME
    for row in rows:
        if row["fold"] != "all":
            size = len((data / f"test_{row['fold']}" / "utt2emo").read_text().splitlines())
            speakers = Counter(line.split()[1] for line in (data / f"test_{row['fold']}" / "utt2spk").open())
            within = sum(count * (count - 1) // 2 for count in speakers.values())
            left = within if row["pairs"] == "two_speakers" else 0
            assert int(row["trials"]) == size * (size - 1) // 2 - left


def test_figures_of_all_ten_speakers_have_intervals_and_those_of_a_fold_of_two_have_none(rows):
    for row in rows:
        for name in ("eer", "uar", "wa", "f1"):
            if row["fold"] != "all":
                assert row[f"{name}_low"] == row[f"{name}_high"] == "-"
                continue
            low, value, high = (float(row[name + end]) for end in ("_low", "", "_high"))
            assert low <= value <= high, (row, name)


def test_no_training_dir_of_a_fold_has_a_speaker_of_its_test(finished_run):
    data = ROOT / "data" / NAME

    def speakers(name):
        return {line.split()[1] for line in (data / name / "utt2spk").read_text().splitlines()}

    for fold in range(1, 6):
        for role in (f"finetune_{fold}", f"backend_{fold}", "pretrain_none", "text_none"):
            assert not speakers(f"test_{fold}") & speakers(role), (role, fold)
    assert not speakers("test_none") & (speakers("finetune_none") | speakers("backend_none"))


def test_last_lines_name_results_and_report_that_are_there(finished_run):
    exp, done = finished_run
    for name in ("results.tsv", "report.html"):
        assert f"exp/{NAME}/{name}" in done.stderr
        assert (exp / name).stat().st_size > 0


def explained_names() -> re.Pattern[str]:
    """A pattern of the files that the tour and the page of data dirs explain: names in backquotes, `<n>` for any."""
    text = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("tour.md", "data_dirs.md"))
    spans = {re.sub(r"^(data|exp)/toy/", "", span) for span in re.findall(r"`([^` \n]+)`", text)}
    files = (span for span in spans if "<" not in span or "." in span or span.endswith("/"))
    names = (re.sub(r"<[^>]+>", r"[\\w+]+", re.escape(name)) for name in files)
    return re.compile("|".join(rf"(.*/)?{name}{'.*' if name.endswith('/') else ''}" for name in names))


def test_every_file_of_a_run_is_explained_in_the_documentation(finished_run):
    explained = explained_names()
    unknown = set()
    for kind in ("data", "exp"):
        top = ROOT / kind / NAME
        for path in top.rglob("*"):
            name = path.relative_to(top).as_posix()
            if path.is_file() and not name.startswith("corpora/") and not explained.fullmatch(name):
                unknown.add(f"{kind}: {re.sub(r'[0-9]+', '<n>', name)}")
    assert not unknown


def test_stages_8_and_9_again_give_the_same_bytes_and_training_again_does_nothing(finished_run):
    exp, _ = finished_run
    before = (exp / "results.tsv").read_bytes()
    weights = (exp / "finetune_1" / "model.safetensors").stat().st_mtime_ns
    for options in (("--stage", "8"), ("--stage", "4", "--stop-stage", "4")):
        done = run(*options)
        assert done.returncode == 0, done.stderr[-3000:]
    assert (exp / "results.tsv").read_bytes() == before
    assert (exp / "finetune_1" / "model.safetensors").stat().st_mtime_ns == weights


def test_a_grid_of_one_point_of_the_run_trains_nothing_and_has_the_row_of_the_run(rows, tmp_path):
    point = {
        "variant": ["all"], "train": [["cremad"]], "fold": [], "layer": ["tdnn7"], "modality": ["speech"],
        "lda_dim": [0], "backend": ["plda"], "seed": [0], "held_out": ["none"],
    }  # fmt: skip
    grid = {
        "name": "one_point", "run": NAME, "noise_kinds": [], "backend_config": "conf/backend.yaml",
        "protocol": "conf/protocol.yaml", "blocks": [point],
        "variants": {"all": {"config": "conf/toy/xvector_finetune.yaml", "noise": False}},
    }  # fmt: skip
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    command = ["local/run_experiments.sh", str(tmp_path / "grid.yaml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    exp = ROOT / "exp" / NAME / "experiments" / "one_point"
    with open(exp / "results.tsv", newline="") as stream:
        (found,) = csv.DictReader(stream, delimiter="\t")
    assert [found] == [row for row in rows if row["layer"] == "tdnn7" and row["train"] == "voxceleb1+cremad"]
    (log,) = exp.glob("artefacts/net-*/make.log")
    assert "is the net that is needed here" in log.read_text()


@pytest.mark.parametrize(("page", "commands"), toy_commands(ROOT))
def test_commands_of_the_documentation_run_on_the_toy_corpora(finished_run, page, commands):
    lines = re.sub(r"\b(data|exp)/toy\b", rf"\1/{NAME}", commands)
    done = subprocess.run(
        ["bash", "-euc", f". ./path.sh\n{lines}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{page}:\n{lines}\n{done.stderr[-2000:]}"
