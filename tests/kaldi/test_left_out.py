from pathlib import Path

import pytest

from ser.errors import SerError
from ser.kaldi.left_out import LeftOut


def test_list_is_sorted_and_its_length_given(tmp_path: Path):
    left_out = LeftOut(tmp_path / "left_out", None)
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


def test_without_a_limit_only_the_loss_of_all_fails():
    left_out = LeftOut(None, None)
    for utt in "abcd":
        left_out.add(utt, "why")
    assert left_out.finish(1) == 4
    with pytest.raises(SerError, match=r"4 of 4 utterances cannot be used: a: why; b: why; c: why$"):
        left_out.finish(0)
