"""LDA and PLDA of 7,442 vectors of 1,280 numbers, the 49 million pairs of 7,000 utterances, and a list of trials."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from ser.kaldi import ark, tables

# Kaldi's seconds: ivector-compute-lda, ivector-compute-plda; ivector-plda-scoring of TRIALS, compute-eer of them.
LDA, PLDA = 1.9, 0.25
TRIALS, SCORING, EER = 999_000, 6.6, 2.4
NUM_TRAIN, NUM_TEST, SIZE, CLASSES, LDA_DIM = 7442, 7000, 1280, 5, 200
NUM_LINES = 5_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Vectors with five classes in them: train, test and their classes."""
    folder, rng = tmp_path_factory.mktemp("vectors"), np.random.default_rng(0)
    centres = rng.normal(0, 0.3, (CLASSES, SIZE))
    for name, count in (("train", NUM_TRAIN), ("test", NUM_TEST)):
        labels = rng.integers(0, CLASSES, count)
        vectors = (centres[labels] + rng.normal(size=(count, SIZE))).astype(np.float32)
        keys = [f"spk{number % 10}-{name}{number:05}" for number in range(count)]
        with ark.Writer(f"ark:{folder}/{name}.ark") as writer:
            for key, vector in zip(keys, vectors, strict=True):
                writer.write(key, vector)
        tables.write_map(folder / f"{name}.class", {k: f"e{label}" for k, label in zip(keys, labels, strict=True)})
    return folder


@pytest.fixture(scope="module")
def lines(folder) -> dict[int, Path]:
    """Trials lists of 1 and NUM_LINES lines: the first of all pairs, enrolment by enrolment as lists commonly are."""
    keys = sorted(tables.read_map(folder / "test.class"))
    paths = {}
    for count in (1, NUM_LINES):
        paths[count] = folder / f"trials{count}"
        pairs = itertools.islice(itertools.product(keys, keys), count)
        paths[count].write_text("".join(f"{one} {other} target\n" for one, other in pairs))
    return paths


def test_training(command, table, folder):
    arrays = command("in_memory.py", "train", NUM_TRAIN, SIZE, CLASSES, rounds=3)
    table("LDA + PLDA training, arrays in memory, CPU", arrays.printed["cpu"], "s", LDA + PLDA)
    whole = command("train_backend", folder / "train.class", f"ark:{folder}/train.ark", folder / "small", rounds=3)
    table("train_backend, start-up and reading in it, CPU", whole.cpu, "s", LDA + PLDA)


def test_all_pairs(command, table, folder):
    pairs = NUM_TEST**2
    kaldi = pairs / TRIALS * (SCORING + EER)
    arrays = command("in_memory.py", "pairs", NUM_TEST, LDA_DIM, CLASSES, threads=2)
    table("49 million pairs, scores and exact EER, arrays in memory, wall", arrays.printed["wall"], "s", kaldi)
    table("its peak memory", arrays.mb, "MB", 2000, other="limit")
    backend, test, scores = folder / "backend", f"ark:{folder}/test.ark", f"ark:{folder}/scores.ark"
    command("train_backend", "--lda-dim", LDA_DIM, folder / "train.class", f"ark:{folder}/train.ark", backend)
    scoring = command("score_backend", backend, test, test, "all", scores, threads=2)
    eer = command("compute_eer", "--utt2class", folder / "test.class", "all", scores, threads=2)
    table("the same by score_backend and compute_eer, through a file, wall", scoring.wall + eer.wall, "s", kaldi)
    table("peak memory of score_backend", scoring.mb, "MB", 2000, other="limit")
    table("peak memory of compute_eer", eer.mb, "MB", 2000, other="limit")


def test_list_of_trials(command, table, folder, lines):
    backend, test = folder / "lines", f"ark:{folder}/test.ark"
    command("train_backend", "--lda-dim", LDA_DIM, folder / "train.class", f"ark:{folder}/train.ark", backend)
    start, whole = (
        command("score_backend", backend, test, test, lines[count], folder / "scores", threads=2, rounds=3)
        for count in (1, NUM_LINES)
    )
    rate = (NUM_LINES - 1) / (whole.wall - start.wall) / 1e6
    table("trials of a list scored a second, start-up apart", rate, "million", TRIALS / SCORING / 1e6)
    rate = (NUM_LINES - 1) / (whole.cpu - start.cpu) / 1e6
    table("the same a second of CPU", rate, "million", TRIALS / SCORING / 1e6)
