import io
import sys

import pytest

from ser.errors import SerError
from ser.kaldi import tables


def test_map_comes_back_sorted_by_bytes(tmp_path):
    table = {"b": "2", "a-1": "x y", "B": "ü", "a": "日本\u3000語", "a0": "1"}
    tables.write_map(tmp_path / "t", table)
    assert list(tables.read_map(tmp_path / "t")) == ["B", "a", "a-1", "a0", "b"] == sorted(table, key=str.encode)
    assert tables.read_map(tmp_path / "t") == table


def test_lists_keep_their_order(tmp_path):
    tables.write_lists(tmp_path / "t", {"b": ["2", "1"], "a": ["3"]})
    assert (tmp_path / "t").read_text() == "a 3\nb 2 1\n"
    assert tables.read_lists(tmp_path / "t") == {"a": ["3"], "b": ["2", "1"]}


def test_tabs_and_carriage_returns_part_fields_too(tmp_path):
    (tmp_path / "t").write_bytes(b"a\tx y\r\nb  z \n")
    assert tables.read_map(tmp_path / "t") == {"a": "x y", "b": "z"}


def test_utterance_without_words_is_allowed_on_request(tmp_path):
    tables.write_map(tmp_path / "text", {"a": "", "b": "word"})
    assert tables.read_map(tmp_path / "text", allow_empty=True) == {"a": "", "b": "word"}


def test_inverse_of_the_inverse_is_the_same():
    utt2spk = {"b-2": "b", "a-1": "a", "b-1": "b"}
    spk2utt = tables.invert(utt2spk)
    assert spk2utt == {"a": ["a-1"], "b": ["b-1", "b-2"]}
    assert {utt: spk for spk, utts in spk2utt.items() for utt in utts} == utt2spk


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1001 1001\n1002 1001 x\n", r"t:2: expected 2 fields, found 3: '1002 1001 x'"),
        (b"1001\n", r"t:1: expected 2 fields, found 1: '1001'"),
        (b"a b\na c\n", r"t:2: the key 'a' has an earlier line; keep one line per key"),
        (b"a b\n\n", r"t:2: expected a key and its value, found an empty line"),
        (b"a \xff\n", r"t:1: not UTF-8"),
    ],
)
def test_broken_line_is_named(tmp_path, content, message):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(SerError, match=message):
        tables.read_map(tmp_path / "t", fields=2)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SerError, match=r"t: cannot be read: No such file"):
        tables.read_map(tmp_path / "t")


def test_dash_reads_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a b\n")))
    assert tables.read_map("-") == {"a": "b"}


def test_path_that_is_no_utf8_is_to_be_renamed_not_converted(tmp_path):
    (tmp_path / "wav.scp").write_bytes(b"a /corpus/M\xfcller/a.wav\n")
    with pytest.raises(SerError, match=r"wav.scp:1: not UTF-8: .*; rename the folder or file to plain letters"):
        tables.read_map(tmp_path / "wav.scp")
    (tmp_path / "text").write_bytes(b"a M\xfcller\n")
    with pytest.raises(SerError, match=r"text:1: not UTF-8: .*; convert the file with iconv"):
        tables.read_map(tmp_path / "text")
