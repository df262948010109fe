import pytest

from ser.errors import SerError
from ser.text.donors import draw_donors

DONORS = {f"d{index:03d}": ("anger", "neutral")[index % 2] for index in range(200)}
UTTS = {f"u{index:03d}": ("anger", "neutral")[index % 2] for index in range(400)}


def test_every_donor_has_the_utterances_class():
    drawn = draw_donors(UTTS, DONORS, DONORS, seed=0)
    assert drawn.keys() == UTTS.keys()
    assert all(DONORS[donor] == UTTS[utt] for utt, donor in drawn.items())


def test_draw_is_spread_over_the_donors():
    drawn = draw_donors(UTTS, DONORS, DONORS, seed=0)
    # 200 draws of 100 donors leave 13 % of them out on average.
    assert 160 < len(set(drawn.values())) < 190


def test_draw_is_the_same_on_every_machine_and_for_a_part_of_the_utterances():
    drawn = draw_donors(UTTS, DONORS, DONORS, seed=0)
    assert [drawn[f"u00{index}"] for index in range(4)] == ["d198", "d079", "d020", "d157"]
    part = {utt: UTTS[utt] for utt in ("u007", "u002")}
    assert draw_donors(part, DONORS, sorted(DONORS, reverse=True), seed=0) == {utt: drawn[utt] for utt in part}


def test_other_seed_draws_others():
    first, second = (draw_donors(UTTS, DONORS, DONORS, seed=seed) for seed in (0, 1))
    assert sum(first[utt] == second[utt] for utt in UTTS) < 20


def test_class_without_a_donor_is_an_error():
    with pytest.raises(SerError, match="no donor with a vector for the class fear; the donors' classes are anger, neu"):
        draw_donors({"u1": "fear"}, DONORS, DONORS, seed=0)
