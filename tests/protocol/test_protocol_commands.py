"""The commands of the protocol, on data dirs of text."""

import importlib
import logging
import sys

import pytest

from ser.errors import SerError
from ser.kaldi import datadir, tables
from ser.protocol import audit


@pytest.fixture
def call(monkeypatch, caplog):
    """Run a command of ser.bin in this process."""

    def run(name: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        with caplog.at_level(logging.INFO):
            importlib.import_module(f"ser.bin.{name}").main()

    return run


@pytest.fixture
def make_dir(tmp_path):
    def make(name: str, texts: dict[str, str], **others: dict[str, str]):
        spk = {utt: utt.partition("-")[0] for utt in texts}
        datadir.write_data_dir(tmp_path / name, {"utt2spk": spk, "text": texts, **others})
        return tmp_path / name

    return make


def test_audit_writes_its_table_and_fails_naming_the_leak(call, make_dir, tmp_path):
    test = make_dir("test", {"a-1": "hello there"})
    clean, leaky = make_dir("clean", {"b-1": "hello there"}), make_dir("leaky", {"a-1": "x", "a-2": "y"})
    out = tmp_path / "audit" / "1.tsv"
    call("audit_protocol", "--out", out, test, f"finetune={clean}")
    # The heading, a line a check, and what a table of sentences scores.
    assert len(out.read_text().splitlines()) == len(audit.CHECKS) + 2
    with pytest.raises(SerError) as error:
        call("audit_protocol", "--out", out, test, f"finetune={clean}", f"backend={leaky}")
    message = str(error.value)
    assert f"1 speakers of {test} are in {leaky}, which trains the backend model: a (a-1)" in message
    assert "utils/select_fold.sh --part train" in message
    assert str(clean) not in message
    assert out.read_text().count("LEAK") == 2


def test_audit_says_what_a_training_argument_looks_like(call, make_dir):
    test = make_dir("test", {"a-1": "x"})
    with pytest.raises(SerError, match=r"expected <role>=<data dir>, such as finetune=.*; found 'data/x'"):
        call("audit_protocol", test, "data/x")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("gold", {"a-1": "one", "a-2": "two", "b-1": ""}),
        ("none", {"a-1": "", "a-2": "", "b-1": ""}),
        ("shuffled", {"a-1": "two", "a-2": "one", "b-1": ""}),
        ("asr", {"a-1": "won", "a-2": "", "b-1": ""}),
    ],
)
def test_set_text_keeps_every_utterance_and_counts_those_without_words(
    call, make_dir, tmp_path, caplog, condition, expected
):
    data = make_dir("data", {"a-1": "one", "a-2": "two", "b-1": ""}, utt2fold={"a-1": "1", "a-2": "1", "b-1": "2"})
    tables.write_map(tmp_path / "asr", {"a-1": "won", "a-2": "", "x-1": "nobody"})
    call("set_text", tmp_path / "asr" if condition == "asr" else condition, data, tmp_path / "out")
    assert datadir.read_table(tmp_path / "out", "text") == expected
    assert datadir.read_table(tmp_path / "out", "utt2fold") == datadir.read_table(data, "utt2fold")
    without = sum(not text for text in expected.values())
    assert f"{without} have none and are scored by speech alone" in caplog.text


def test_set_text_refuses_to_overwrite_its_input(call, make_dir):
    data = make_dir("data", {"a-1": "one"})
    with pytest.raises(SerError, match="whose words would be lost"):
        call("set_text", "none", data, data)


def test_annotators_who_speak_of_themselves_do_not_count(call, make_dir, tmp_path):
    said = "C-E1=anger C-E2=anger C-E3=sadness C-F1=sadness"
    data = make_dir("data", {f"a-{n}": "x" for n in range(30)}, utt2annotators={f"a-{n}": said for n in range(30)})
    tables.write_map(tmp_path / "scored", {f"a-{n}": "anger" for n in range(25)})
    tables.write_map(tmp_path / "map", {"anger": "anger", "sadness": "sadness"})
    call("score_annotators", "--label-map", tmp_path / "map", data, tmp_path / "scored", tmp_path / "human.tsv")
    rows = [line.split("\t") for line in (tmp_path / "human.tsv").read_text().splitlines()]
    assert rows == [
        ["annotator", "utts", "ua", "wa", "eer"],
        *([n, "25", "0.00", "0.00", "-"] for n in ("C-E3", "all")),
    ]


def test_annotators_of_a_corpus_without_votes_are_an_error(call, make_dir, tmp_path):
    data = make_dir("data", {"a-1": "x"})
    tables.write_map(tmp_path / "map", {"anger": "anger"})
    with pytest.raises(SerError, match="neither utt2annotators nor utt2votes"):
        call("score_annotators", "--label-map", tmp_path / "map", data, tmp_path / "map", tmp_path / "human.tsv")


def test_card_appears_beside_the_results_and_needs_their_folder(call, tmp_path):
    call("make_protocol_card", tmp_path)
    assert (tmp_path / "protocol_card.tsv").read_text().startswith("section\tkey\tvalue\nrun\tproject\tser ")
    assert (tmp_path / "protocol_card.md").read_text().startswith(f"# Protocol of {tmp_path}\n")
    with pytest.raises(SerError, match="no such folder; give the folder of a run"):
        call("make_protocol_card", tmp_path / "no")
