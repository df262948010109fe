"""System C from a corpus on disk to its table: the driver of its own stages, on a tiny SAVEE of planted voices."""

import csv
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.encoders.onnx_file import write_bands

ROOT = Path(__file__).parent.parent
# Of its own for each worker of pytest-xdist, should they share the tests of this file.
NAME = "coattention_test" + os.environ.get("PYTEST_XDIST_WORKER", "")
RATE = 16_000
# Code of SAVEE: class, pitch in Hz, words that only it says.
VOICES = {"a": ("anger", 620.0, "stop that"), "h": ("happiness", 440.0, "what joy"), "n": ("neutral", 220.0, "a table"),
          "sa": ("sadness", 130.0, "so tired")}  # fmt: skip


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> list[str]:
    """The options of the run: four men, four clips of each class, two groups of folds, a triplet net, an ONNX net."""
    corpus, rng, words = tmp_path_factory.mktemp("savee"), np.random.default_rng(0), []
    for speaker in ("DC", "JE", "JK", "KL"):
        folder = corpus / "AudioData" / speaker
        folder.mkdir(parents=True)
        for code, (_, pitch, said) in VOICES.items():
            for number in range(1, 5):
                time = np.arange(int(RATE * rng.uniform(1.2, 1.5))) / RATE
                wave = 0.2 * np.sin(2 * np.pi * pitch * rng.uniform(0.9, 1.1) * time) + rng.normal(0, 0.01, len(time))
                soundfile.write(folder / f"{code}{number:02}.wav", wave, RATE)
                words.append(f"{speaker}_{code}{number:02} {said} {number}\n")
    (corpus / "transcripts.txt").write_text("".join(words))
    texts = tmp_path_factory.mktemp("texts")
    (texts / "text").write_text("".join(words))
    (texts / "utt2spk").write_text("".join(f"{word.split()[0]} {word[:2]}\n" for word in words))
    settings = "conf/toy/coattention/goemotions.yaml"
    build = ["python3", "-m", "ser.bin.build_toy_bert", "--kind", "t5", "--config", settings]
    subprocess.run([*build, texts, texts / "t5"], cwd=ROOT, check=True, capture_output=True)
    net = texts / "bands"
    load = ["python3", "-m", "ser.bin.import_audio_net", "--input", "patches", write_bands(texts / "bands.onnx"), net]
    subprocess.run(load, cwd=ROOT, check=True, capture_output=True)
    return [
        "--savee", str(corpus), "--name", NAME, "--conf", "conf/toy/coattention", "--fold-groups", "2", "--nj", "1",
        "--tests", "savee", "--together", "", "--speech-only", "", "--text-only", "", "--unseen", "", "--random", "",
        "--encoders", "triplet", "--published", f"onnx={net}:bands", "--variants", "fixed", "--losses", "bce",
        "--triplet-train", "savee", "--text-train", "", "--text-model", str(texts / "t5"),
    ]  # fmt: skip


def run(options: list[str], *more: str) -> str:
    command = ["local/run_coattention.sh", *options, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def exp(options):
    """A run of all stages, removed after the tests."""
    folders = ROOT / "data" / NAME, ROOT / "exp" / NAME
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    run(options)
    yield folders[1]
    for folder in folders:
        shutil.rmtree(folder)


def test_the_table_has_speech_text_and_both_above_chance(exp):
    with open(exp / "results.tsv", newline="") as stream:
        found = list(csv.DictReader(stream, delimiter="\t"))
    means = {(row["layer"], row["modality"], row["text"]): row for row in found if row["fold"] == "all"}
    assert set(means) == {
        ("triplet_final", "speech", "-"), ("onnx_bands", "speech", "-"), ("t5", "text", "gold"),
        ("triplet+t5", "speech+text", "gold"), ("triplet+t5", "speech+text", "none"),
    }  # fmt: skip
    assert {row["status"] for row in found} == {"ok"}
    for row in means.values():
        assert float(row["uar"]) > 35, row  # chance is 25


def test_every_row_has_its_figures_by_class(exp):
    with open(exp / "pooled" / "savee" / "confusions.tsv", newline="") as stream:
        found = list(csv.DictReader(stream, delimiter="\t"))
    assert {(row["layer"], row["text"]) for row in found} == {
        ("triplet_final", "-"), ("onnx_bands", "-"), ("t5", "gold"), ("triplet+t5", "gold"), ("triplet+t5", "none")
    }  # fmt: skip
    for layer in ("triplet_final", "t5"):
        said = [row for row in found if row["layer"] == layer and row["true"] == "anger"]
        assert sum(int(row["utts"]) for row in said) == 16


def test_the_audit_and_the_card_tell_that_sentences_give_the_emotion_away(exp):
    with open(exp / "audit" / "savee_1.tsv", newline="") as stream:
        found = {row["check"]: row for row in csv.DictReader(stream, delimiter="\t") if row["role"] == "train"}
    assert found["speakers"]["status"] == "ok" and found["sentences"]["status"] == "shared"
    card = (exp / "protocol_card.md").read_text()
    assert "plus sign before the distance" in card and "75 % of 7 classes" in card


def test_a_second_run_trains_nothing_and_leaves_every_byte(exp, options):
    made = sorted([*exp.glob("*/model.safetensors"), *exp.glob("states/*/*.ark"), *exp.glob("tokens/*.ark")])
    assert len(made) == 1 + 4 * 2 + 2 + 1  # triplet net, four models of two folds; states of two encoders, tokens
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in made]
    run(options, "--stage", "6", "--stop-stage", "6")
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in made] == before


def test_the_estimate_names_each_stage(options):
    printed = run(options, "--estimate", "true")
    for stage in ("0 data dirs", "1 classes, parts", "2 triplet net", "3 patches, states", "6 co-attentions"):
        assert stage in printed
