"""Speakers that nets do not train on."""

from ser.kaldi.unseen import draw_speakers, read_unseen, write_unseen

SPEAKERS = [f"speaker{number}" for number in range(50)]


def test_the_draw_is_of_the_share_and_does_not_depend_on_order_or_repeats():
    drawn = draw_speakers(SPEAKERS, 0.2)
    assert len(drawn) == 10 and drawn == sorted(drawn)
    assert draw_speakers([*reversed(SPEAKERS), *SPEAKERS], 0.2) == drawn
    assert draw_speakers(SPEAKERS, 0.4)[: len(SPEAKERS)] != drawn and set(drawn) < set(draw_speakers(SPEAKERS, 0.4))


def test_a_fold_less_keeps_back_the_same_speakers_and_the_next_in_place_of_its_own():
    drawn = draw_speakers(SPEAKERS, 0.2)
    without = draw_speakers([name for name in SPEAKERS if name != drawn[0]], 0.2)
    assert len(without) == 10 and set(drawn[1:]) < set(without)


def test_few_speakers_or_no_share_keep_none_back():
    assert draw_speakers(["a", "b"], 0.5) == [] and draw_speakers(SPEAKERS, 0) == []
    assert len(draw_speakers(["a", "b", "c"], 0.1)) == 1


def test_the_list_is_read_back_and_may_be_missing(tmp_path):
    assert read_unseen(tmp_path) == []
    write_unseen(tmp_path, ["b", "a"])
    assert read_unseen(tmp_path) == ["a", "b"]
