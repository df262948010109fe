import importlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ark, tables

ROOT = Path(__file__).parents[2]
TOY = str(ROOT / "conf" / "toy" / "bert.yaml")
WORDS = {"anger": ("furious", "mad", "angry"), "happiness": ("glad", "happy", "lovely"), "neutral": ("paper", "door")}


@pytest.fixture
def call(monkeypatch):
    """Run a command of ser.bin in this process; `call("concat_vectors", ...)`."""

    def run(command: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
        importlib.import_module(f"ser.bin.{command}").main()

    return run


def write_data_dir(folder: Path, num: int, seed: int) -> Path:
    """Write `text`, with one utterance without words, and `utt2class`, where one utterance is missing."""
    rng = np.random.default_rng(seed)
    text, utt2class = {}, {}
    for index in range(num):
        label = list(WORDS)[index % len(WORDS)]
        words = [
            *rng.choice(["i", "saw", "the", "old", "house", "today"], rng.integers(2, 8)),
            rng.choice(WORDS[label]),
        ]
        text[f"{folder.name}-{index:04d}"] = " ".join(words)
        utt2class[f"{folder.name}-{index:04d}"] = label
    text[f"{folder.name}-silent"] = ""
    utt2class[f"{folder.name}-silent"] = "neutral"
    text[f"{folder.name}-unlabelled"] = "i saw"
    folder.mkdir()
    tables.write_map(folder / "text", text)
    tables.write_map(folder / "utt2class", utt2class)
    return folder


@pytest.fixture
def data_dir(tmp_path):
    return write_data_dir(tmp_path / "data", 300, seed=0)


def train(call, data_dir: Path, *options: str) -> Path:
    folder = data_dir.parent
    if not (folder / "init").exists():
        call("build_toy_bert", "--config", TOY, data_dir, folder / "init")
    arguments = ("--config", TOY, "--num-threads", "1", "--device", "cpu", "--text-model", folder / "init")
    call("train_text", *arguments, *options, data_dir, folder / "utt2class", folder / "model")
    return folder / "model"


def test_toy_text_is_learnt_and_the_folder_is_complete(call, data_dir, tmp_path, caplog):
    caplog.set_level("INFO")
    valid = write_data_dir(tmp_path / "valid", 90, seed=1)
    tables.write_map(
        tmp_path / "utt2class",
        tables.read_map(data_dir / "utt2class") | tables.read_map(valid / "utt2class"),
    )
    model = train(call, data_dir, "--valid-data", str(valid))
    uar = float(caplog.text.partition("UAR ")[2].split()[0])
    assert uar > 90
    assert "300 texts; left out 1 without a class, 1 without words" in caplog.text
    assert (model / "classes.txt").read_text() == "anger\nhappiness\nneutral\n"
    assert {path.name for path in model.iterdir()} >= {"config.yaml", "encoder", "model.safetensors", "train.tsv"}

    shutil.move(tmp_path / "init", tmp_path / "gone")
    copy = shutil.copytree(model, tmp_path / "copy")
    for folder, name in ((model, "a"), (copy, "b")):
        left_out = tmp_path / f"{name}.left_out"
        call("extract_text_embeddings", "--left-out", left_out, folder, valid, f"ark:{tmp_path}/{name}.ark")
    assert (tmp_path / "a.ark").read_bytes() == (tmp_path / "b.ark").read_bytes()
    assert (tmp_path / "a.left_out").read_text() == "valid-silent no words\n"
    vectors = ark.load(f"ark:{tmp_path}/a.ark")
    assert len(vectors) == 91 and vectors["valid-0000"].shape == (64,)
    assert "left out 1 of 92 utterances without words: valid-silent" in caplog.text
    assert "91 vectors (mean) of dimension 64, from the words in" in caplog.text

    caplog.clear()
    shutil.move(tmp_path / "gone", tmp_path / "init")
    train(call, data_dir, "--valid-data", str(valid))
    assert "already trained" in caplog.text


def test_a_share_of_the_texts_is_kept_for_validation_and_training_is_reproducible(call, data_dir, tmp_path, caplog):
    caplog.set_level("INFO")
    shutil.copy(data_dir / "utt2class", tmp_path / "utt2class")
    weights = []
    for _ in range(2):
        model = train(call, data_dir, "--set", "fit.epochs=1")
        weights.append([(model / name).read_bytes() for name in ("model.safetensors", "encoder/model.safetensors")])
        shutil.rmtree(model)
    assert weights[0] == weights[1]
    assert "30 validation texts: UAR" in caplog.text


def test_training_refuses_one_class_and_a_class_that_is_only_in_validation(call, data_dir, tmp_path):
    tables.write_map(tmp_path / "utt2class", {"data-0000": "anger", "data-0003": "anger"})
    with pytest.raises(SerError, match="only the class anger among the texts"):
        train(call, data_dir)
    valid = write_data_dir(tmp_path / "valid", 9, seed=1)
    table = {"data-0000": "anger", "data-0001": "happiness", "valid-0002": "neutral"}
    tables.write_map(tmp_path / "utt2class", table)
    with pytest.raises(SerError, match="class neutral is not among the model's classes anger, happiness"):
        train(call, data_dir, "--valid-data", str(valid))
    assert not (tmp_path / "model").exists()


def test_extraction_wants_a_pooling_for_a_plain_encoder_and_leaves_out_texts_without_words(
    call, data_dir, tmp_path, caplog
):
    call("build_toy_bert", "--config", TOY, data_dir / "text", tmp_path / "init")
    with pytest.raises(SerError, match="it has no pooling; give --pooling"):
        call("extract_text_embeddings", tmp_path / "init", data_dir, f"ark:{tmp_path}/a.ark")
    call("extract_text_embeddings", "--pooling", "cls", tmp_path / "init", data_dir, f"ark:{tmp_path}/a.ark")
    assert len(ark.load(f"ark:{tmp_path}/a.ark")) == 301
    (data_dir / "text").write_text("u1\nu2\n")
    call("extract_text_embeddings", "--pooling", "cls", tmp_path / "init", data_dir, f"ark:{tmp_path}/b.ark")
    assert ark.load(f"ark:{tmp_path}/b.ark") == {}
    assert "left out 2 of 2 utterances without words: u1, u2" in caplog.text


def test_conf_bert_yaml_is_valid_but_builds_no_encoder(call, data_dir, tmp_path):
    with pytest.raises(SerError, match="the section `scratch` is null"):
        call("build_toy_bert", "--config", ROOT / "conf" / "bert.yaml", data_dir, tmp_path / "init")


def write_vectors(path: Path, vectors: dict[str, list[float]]) -> str:
    with ark.Writer(f"ark:{path}") as writer:
        for key, values in vectors.items():
            writer.write(key, np.array(values, dtype=np.float32))
    return f"ark:{path}"


def test_drawn_vectors_are_those_of_donors_of_the_same_class(call, tmp_path, caplog):
    caplog.set_level("INFO")
    donors = write_vectors(tmp_path / "donors", {"d1": [1, 1], "d2": [2, 2], "d3": [3, 3], "unlabelled": [4, 4]})
    (tmp_path / "donor_classes").write_text("d1 anger\nd2 anger\nd3 neutral\n")
    (tmp_path / "classes").write_text("u1 anger\nu2 neutral\nu3 anger\n")
    for name in ("a", "b"):
        specifier = f"ark:{tmp_path}/{name}"
        call("draw_text_vectors", "--seed", "0", tmp_path / "classes", tmp_path / "donor_classes", donors, specifier)
    drawn = ark.load(f"ark:{tmp_path}/a")
    assert list(drawn) == ["u1", "u2", "u3"]
    assert drawn["u2"].tolist() == [3, 3] and {drawn["u1"][0], drawn["u3"][0]} <= {1, 2}
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert "by their LABEL" in caplog.text and "1 without a class or a vector left out" in caplog.text


def test_drawing_for_a_class_without_donors_writes_nothing(call, tmp_path):
    donors = write_vectors(tmp_path / "donors", {"d1": [1, 1]})
    (tmp_path / "donor_classes").write_text("d1 anger\n")
    (tmp_path / "classes").write_text("u1 fear\n")
    with pytest.raises(SerError, match="no donor with a vector for the class fear"):
        arguments = (tmp_path / "classes", tmp_path / "donor_classes", donors, f"ark:{tmp_path}/a")
        call("draw_text_vectors", "--seed", "0", *arguments)
    assert not (tmp_path / "a").exists()


def test_vectors_are_joined_in_the_order_given(call, tmp_path):
    speech = write_vectors(tmp_path / "speech", {"u1": [1, 2], "u2": [3, 4]})
    text = write_vectors(tmp_path / "text", {"u2": [7], "u1": [5]})
    call("concat_vectors", speech, text, speech, f"ark:{tmp_path}/both")
    both = ark.load(f"ark:{tmp_path}/both")
    assert {key: vector.tolist() for key, vector in both.items()} == {"u1": [1, 2, 5, 1, 2], "u2": [3, 4, 7, 3, 4]}
    assert list(both) == ["u1", "u2"] and both["u1"].dtype == np.float32


def test_missing_vectors_are_an_error_unless_allowed(call, tmp_path, caplog):
    speech = write_vectors(tmp_path / "speech", {"u1": [1, 2], "u2": [3, 4], "u3": [5, 6]})
    text = write_vectors(tmp_path / "text", {"u2": [7]})
    with pytest.raises(SerError, match=r"text lacks 2 of 3 keys \(u1, u3\); make .* or give --allow-missing true"):
        call("concat_vectors", speech, text, f"ark:{tmp_path}/both")
    assert not (tmp_path / "both").exists()
    call("concat_vectors", "--allow-missing", "true", speech, text, f"ark:{tmp_path}/both")
    assert list(ark.load(f"ark:{tmp_path}/both")) == ["u2"]
    assert "kept the 1 keys that all have" in caplog.text
    empty, other = write_vectors(tmp_path / "empty", {}), write_vectors(tmp_path / "other", {"u9": [1]})
    call("concat_vectors", "--allow-missing", "true", speech, empty, f"ark:{tmp_path}/none")
    assert ark.load(f"ark:{tmp_path}/none") == {}
    with pytest.raises(SerError, match="other lacks 3 of 4 keys"):
        call("concat_vectors", "--allow-missing", "true", speech, other, f"ark:{tmp_path}/both")


def test_vectors_of_different_sizes_in_one_table_are_an_error(call, tmp_path):
    speech = write_vectors(tmp_path / "speech", {"u1": [1, 2], "u2": [3]})
    with pytest.raises(SerError, match=r"expected vectors of one size, found the shapes \[\(1,\), \(2,\)\]"):
        call("concat_vectors", speech, speech, f"ark:{tmp_path}/both")
