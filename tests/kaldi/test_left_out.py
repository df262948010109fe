from pathlib import Path

import pytest

from ser.errors import SerError
from ser.kaldi.left_out import LeftOut


def test_list_is_sorted_and_its_length_given(tmp_path: Path):
    left_out = LeftOut(tmp_path / "left_out", 1.0)
    left_out.add("b", "a\nreason")
    left_out.add("a", "another")
    assert left_out.finish(1) == 2
    assert (tmp_path / "left_out").read_text() == "a another\nb a reason\n"


def test_nothing_left_out_is_an_empty_list(tmp_path: Path):
    assert LeftOut(tmp_path / "left_out", 0.0).finish(3) == 0
    assert (tmp_path / "left_out").read_text() == ""


def test_empty_input_fails(tmp_path: Path):
    with pytest.raises(SerError, match="no utterance at all in the input"):
        LeftOut(tmp_path / "left_out", 1.0).finish(0)


@pytest.mark.parametrize(("max_share", "num_used", "fails"), [(0.05, 19, False), (0.05, 18, True), (1.0, 0, False)])
def test_share_above_the_limit_fails(max_share, num_used, fails, tmp_path: Path):
    left_out = LeftOut(tmp_path / "left_out", max_share)
    left_out.add("a", "why")
    if not fails:
        assert left_out.finish(num_used) == 1
        return
    with pytest.raises(SerError, match=r"1 of 19 utterances cannot be used, over the 5 % of --max-left-out: a: why; "):
        left_out.finish(num_used)
    assert (tmp_path / "left_out").read_text() == "a why\n"


def test_without_a_list_each_is_a_warning_and_the_limit_is_the_recipes(caplog):
    left_out = LeftOut(None)
    for utt in "abcd":
        left_out.add(utt, f"why {utt}")
    assert [record.getMessage() for record in caplog.records] == [f"{utt}: left out: why {utt}" for utt in "abcd"]
    assert left_out.finish(76) == 4
    with pytest.raises(
        SerError, match=r"4 of 79 utterances cannot be used, over the 5 % .*: a: why a; b: .*; c: why c$"
    ):
        left_out.finish(75)


def test_a_limit_that_is_no_share_is_refused():
    with pytest.raises(SerError, match="--max-left-out is a share of 0 to 1, found 5"):
        LeftOut(None, 5)
