"""train_text_labels and score_text_labels on texts in which a word tells each emotion that is there."""

import importlib
import sys

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import tables

WORDS = {"anger": "furious", "joy": "glad", "neutral": "table"}
CONFIG = "conf/toy/coattention/goemotions.yaml"


@pytest.fixture
def call(monkeypatch):
    def run(command: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
        importlib.import_module(f"ser.bin.{command}").main()

    return run


def write(folder, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    folder.mkdir()
    texts, labels = {}, {}
    for number in range(size):
        there = [name for name in ("anger", "joy") if rng.random() < 0.4] or ["neutral"]
        words = [*rng.choice(["i", "saw", "the", "old", "house"], 4), *(WORDS[name] for name in there)]
        utt = f"u{number:03}"
        texts[utt], labels[utt] = " ".join(rng.permutation(words)), " ".join(there)
    tables.write_map(folder / "text", texts)
    tables.write_map(folder / "utt2labels", labels)


def test_every_emotion_of_a_text_is_found(call, tmp_path):
    write(tmp_path / "train", 400, 0)
    write(tmp_path / "test", 60, 1)
    call("build_toy_bert", "--config", CONFIG, "--kind", "t5", tmp_path / "train", tmp_path / "t5")
    call("train_text_labels", "--config", CONFIG, "--num-threads", 1, "--text-model", tmp_path / "t5",
         tmp_path / "train", tmp_path / "net")  # fmt: skip
    call("score_text_labels", "--num-threads", 1, tmp_path / "net", tmp_path / "test", tmp_path / "test.tsv")
    rows = [line.split("\t") for line in (tmp_path / "test.tsv").read_text().splitlines()]
    assert [row[0] for row in rows] == ["class", "anger", "joy", "neutral", "macro"]
    assert rows[0][2:] == ["f1_at_0.3", "f1_at_own_threshold", "own_threshold"]
    assert float(rows[-1][2]) > 90 and float(rows[-1][3]) > 90
    assert np.mean([float(row[2]) for row in rows[1:4]]) == pytest.approx(float(rows[-1][2]), abs=0.01)


def test_a_loss_of_one_class_a_text_and_an_unknown_label_are_refused(call, tmp_path):
    write(tmp_path / "train", 20, 0)
    with pytest.raises(SerError, match="is cross_entropy; texts with several classes need binary"):
        call("train_text_labels", "--config", CONFIG, "--set", "loss.kind=cross_entropy", tmp_path / "train",
             tmp_path / "net")  # fmt: skip
    from ser.text.labels import read_labels

    with pytest.raises(SerError, match=r"is labelled '(anger|neutral)', none of the classes joy"):
        read_labels(tmp_path / "train", {}, ["joy"])
    with pytest.raises(SerError, match="none of its labels is in the label map"):
        read_labels(tmp_path / "train", {"grief": "joy"}, ["joy"])


def test_no_command_takes_the_first_token_of_a_t5(call, tmp_path):
    write(tmp_path / "train", 20, 0)
    call("build_toy_bert", "--config", CONFIG, "--kind", "t5", tmp_path / "train", tmp_path / "t5")
    tables.write_map(tmp_path / "utt2emo", {"u000": "joy"})
    first = ["--set", "model.pooling=cls", "--text-model", tmp_path / "t5", tmp_path / "train"]
    for command in (
        ("train_text_labels", "--config", CONFIG, *first, tmp_path / "net"),
        ("train_text", "--config", "conf/toy/bert.yaml", *first, tmp_path / "utt2emo", tmp_path / "net"),
        ("extract_text_embeddings", "--pooling", "cls", tmp_path / "t5", tmp_path / "train", f"ark:{tmp_path}/x"),
    ):
        with pytest.raises(SerError, match=r"t5': pooling cls takes the first token's state, .* take mean"):
            call(*command)
