"""The folder of a run with every file that the report reads, made of drawn numbers; a browser."""

import os
from pathlib import Path

import numpy as np
import pytest

from ser.report.report import write_report
from ser.results import result_table
from ser.results.result_table import Result
from tests.report import chromium

CLASSES = ("anger", "happiness", "neutral", "sadness", "<script>alert(1)</script>")
STRATA = ("all", "different_speaker", "different_sentence_and_dialogue", "enrol_1", "enrol_5")


def row(layer: str, modality: str, fold: str, eer: float, train: str = "cremad", held_out: str = "-") -> Result:
    uar = 100 - 1.4 * eer
    intervals = {
        f"{name}_{end}": value + (3 if end == "high" else -3)
        for end in ("low", "high")
        for name, value in (("eer", eer), ("uar", uar), ("wa", uar), ("f1", uar))
    }
    return Result(
        *("xvector_bert", train, "iemocap", fold, "all", "0", "-" if modality == "speech" else "gold"),
        *(layer, modality, "plda", 4, held_out, result_table.OK),
        **{"utts": 100, "trials": 9900, "eer": eer, "min_dcf": eer / 60, "uar": uar, "wa": uar, "f1": uar},
        **intervals,
    )


def table(path: Path, columns: tuple, lines: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(map(str, line)) + "\n" for line in (columns, *lines)), encoding="utf-8")


def write_cell(folder: Path, result: Result, rng: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    (folder / "result.tsv").write_text(result_table.to_tsv([result]))
    rates = np.linspace(0, 1, 200)
    misses = (1 - rates) ** (100 / result.eer)
    table(
        folder / "det.tsv",
        ("miss", "false_alarm"),
        [(f"{100 * m:.4f}", f"{100 * r:.4f}") for m, r in zip(misses, rates, strict=True)],
    )
    counts = rng.integers(0, 12, (len(CLASSES),) * 2) + 30 * np.eye(len(CLASSES), dtype=int)
    table(
        folder / "confusion.tsv",
        ("true \\ predicted", *CLASSES),
        [(name, *line) for name, line in zip(CLASSES, counts, strict=True)],
    )
    pairs = [(a, b, 400, f"{rng.uniform(10, 40):.3f}", "0.5000") for a in CLASSES for b in CLASSES if a < b]
    table(folder / "emotion_pairs.tsv", ("class_a", "class_b", "trials", "eer", "min_dcf"), pairs)
    lines = [(name, 9900, 2000, f"{result.eer + rng.uniform(-3, 6):.3f}", "0.6000") for name in STRATA[:-1]]
    table(
        folder / "strata.tsv",
        ("stratum", "trials", "targets", "eer", "min_dcf"),
        [*lines, (STRATA[-1], 0, 0, "-", "-")],
    )
    lines = [
        ("raw", 1.2, 0.7, 0.9, 0.6, 0.21),
        ("affine", 0.75, 0.7, 0.65, 0.6, 0.05),
        ("pav", 0.73, 0.7, 0.64, 0.6, "-"),
    ]
    table(folder / "calibration.tsv", ("which", "cllr", "min_cllr", "act_dcf", "min_dcf", "ece"), lines)
    centres = np.linspace(0.05, 0.95, 10)
    lines = [(0, "0.0000", 0) if c < 0.2 else (10, f"{10 * c:.4f}", round(10 * c)) for c in centres]
    table(folder / "reliability.tsv", ("utts", "expected", "right"), lines)
    lines = []
    for number in range(100):
        place = number % len(CLASSES)
        x, y = rng.normal((np.cos(place), np.sin(place)), 0.4)
        lines.append((f"spk-{number:03d}", CLASSES[place], f"{x:.4f}", f"{y:.4f}"))
    table(folder / "projected.tsv", ("utt", "class", "lda1", "lda2"), lines)


ROWS = (
    ("tdnn6", "speech", "cremad", ("all",)),
    ("tdnn7", "speech", "cremad", ("all",)),
    ("bert", "text", "cremad", ("all",)),
    ("tdnn7", "speech+text", "cremad", ("all",)),
    ("tdnn7", "speech", "cremad+iemocap", ("1", "2")),
)


def write_run(folder: Path, experiments: tuple = ROWS) -> Path:
    """Write the results and cells of `experiments`: layer, modality, training corpora, folds; and the folds' mean."""
    rng = np.random.default_rng(0)
    rows, cells = [], []
    for place, (layer, modality, train, folds) in enumerate(experiments):
        eer = 38.0 - 2 * place
        scored = [row(layer, modality, fold, eer + number, train) for number, fold in enumerate(folds)]
        rows += scored if len(folds) == 1 else [*scored, row(layer, modality, "all", eer + 0.5, train)]
        for one in scored:
            cells.append(folder / "cells" / f"{modality}_{layer}_{train}_{one.fold}")
            write_cell(cells[-1], one, rng)
    rows += [row("tdnn7", "speech", "all", 41.0, held_out=name) for name in ("anger", "sadness")]
    (folder / "results.tsv").write_text(result_table.to_tsv(rows))
    (folder / "cells" / "list").write_text("".join(f"{cell}\n" for cell in cells))
    return folder


def write_conduct(folder: Path) -> Path:
    """Write the run's trainings, card, human yardstick and costs."""
    columns = ("epoch", "learning_rate", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "seconds")
    for name in ("finetune_none", "finetune_1"):
        losses = [(1, 0.01, 1.5, 0.4, 1.6, 0.35, 2.0), (2, 0.005, 1.0, 0.6, 1.2, 0.5, 2.1)]
        table(folder / name / "train.tsv", columns, losses)
    table(
        folder / "protocol_card.tsv",
        ("section", "key", "value"),
        [
            ("audit", "1, finetune: speakers", "ok"),
            ("audit", "1, finetune: sentences", "12 shared"),
            ("run", "torch", "2.6"),
        ],
    )
    table(
        folder / "human.tsv",
        ("annotator", "utts", "ua", "wa", "eer"),
        [("A-E1", 90, 71.2, 70.3, 22.12), ("<b>all</b>", 100, 70.1, "-", 23.5)],
    )
    table(
        folder / "cost.tsv",
        ("stage", "what", "wall_s", "cpu_s", "memory_mb", "disk_mb"),
        [("0", "data dirs", 4.0, 3.5, "-", 12.5), ("3", "x-vector nets", 60.0, 110.2, 812, 4.1)],
    )
    return folder


@pytest.fixture
def small_run(tmp_path: Path) -> Path:
    """One experiment, and nothing on its conduct: drawn in a second."""
    return write_run(tmp_path / "small", ROWS[1:2])


@pytest.fixture
def run_of_two_splits(tmp_path: Path) -> Path:
    """A net scored by two folds of the test corpus, and one by a split of its utterances."""
    splits = ("tdnn7", "speech", "iemocap", ("1", "2")), ("tdnn6", "speech", "iemocap", ("all",))
    return write_run(tmp_path / "splits", splits)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run without the test corpus in its training and one by two folds of it, without a report."""
    return write_conduct(write_run(tmp_path / "made_up"))


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its report."""
    folder = write_conduct(write_run(tmp_path_factory.mktemp("run") / "made_up"))
    write_report(folder)
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    program = chromium.find()
    if program is None:
        missing = "no Chromium here: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    one = chromium.Browser(program, tmp_path_factory.mktemp("chromium"))
    yield one
    one.close()
