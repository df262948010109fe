import logging
from pathlib import Path

import pytest

from ser.asr import lexicon
from ser.errors import SerError


def test_a_lexicon_file_is_read(tmp_path: Path):
    (tmp_path / "lexicon.txt").write_text(
        ";;; CMU's comment\nREAD R EH1 D\nREAD(2) R IY1 D\nA AH0\nB 0.5 B IY1\nSIL_ SIL\n"
    )
    found = lexicon.read_lexicon(tmp_path / "lexicon.txt", lower=True)
    assert found.entries == {
        "read": (("R", "EH", "D"), ("R", "IY", "D")),
        "a": (("AH",),),
        "b": (("B", "IY"),),
        "sil_": (("SIL",),),
        "<unk>": (("SPN",),),
    }
    assert found.phones == ("SIL", "AH", "B", "D", "EH", "IY", "R", "SPN")
    assert found.ways("never") == (("SPN",),)
    lexicon.write_lexicon(tmp_path / "again.txt", found)
    assert lexicon.read_lexicon(tmp_path / "again.txt") == found


def test_lines_that_say_the_same_are_counted_once_and_logged(tmp_path: Path, caplog):
    (tmp_path / "lexicon.txt").write_text("a AH0\na AH1\n")
    with caplog.at_level(logging.WARNING):
        assert lexicon.read_lexicon(tmp_path / "lexicon.txt").entries["a"] == (("AH",),)
    assert "1 lines repeat an earlier line" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"), [("a AH\nb\n", "lexicon.txt:2: expected a word"), ("", "it has no words")]
)
def test_a_broken_lexicon_is_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "lexicon.txt").write_text(text)
    with pytest.raises(SerError, match=message):
        lexicon.read_lexicon(tmp_path / "lexicon.txt")


def test_words_without_an_entry_are_counted_and_many_stop(caplog):
    lex = lexicon.make_lexicon([("a", ["AH"])])
    with caplog.at_level(logging.WARNING):
        found = lexicon.check_coverage(lex, ["a a a zoo", "a <unk> a a"], largest=0.2, where="data/dev")
    assert (found.words, found.unknown, found.examples) == (8, 1, ("zoo",))
    assert "1 of 8 words (12.5 %)" in caplog.text
    with pytest.raises(SerError, match=r"data/dev: 1 of 4 words \(25.0%\) .* over the limit of 5%, most often zoo"):
        lexicon.check_coverage(lex, ["a a a zoo"], largest=0.05, where="data/dev")


def test_a_phone_that_the_model_lacks_is_named():
    lex = lexicon.make_lexicon([("a", ["AH"]), ("bee", ["B", "IY"])])
    with pytest.raises(SerError, match="the model does not know the lexicon's phone B, as in the word 'bee'"):
        lexicon.check_phones(lex, ["SIL", "AH", "IY", "SPN"], "exp/asr")
