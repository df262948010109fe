import math
from collections import Counter

import pytest

from ser.asr.phone_lm import BOUNDARY, PhoneLmConfig, estimate
from ser.errors import SerError

A, B, C, D, E, F = range(6)


def test_counts_become_probabilities_and_the_automaton_is_the_one_made_by_hand():
    lm = estimate([[A, B], [A, C], [A, B]], PhoneLmConfig(order=2, no_prune_order=2, extra_states=0))
    assert lm.histories == ((BOUNDARY,), (A,), (B,), (C,))
    assert lm.arcs[0] == {A: (0.0, 1)}
    assert lm.arcs[1] == {B: (pytest.approx(math.log(2 / 3)), 2), C: (pytest.approx(math.log(1 / 3)), 3)}
    assert lm.arcs[2] == lm.arcs[3] == {}
    assert lm.finals == (-math.inf, -math.inf, 0.0, 0.0)
    assert lm.log_probability([A, C]) == pytest.approx(math.log(1 / 3))
    assert lm.log_probability([A, A]) == -math.inf


def sentences() -> list[list[int]]:
    import numpy as np

    rng = np.random.default_rng(0)
    return [rng.integers(0, 6, rng.integers(2, 12)).tolist() for _ in range(60)]


@pytest.mark.parametrize("extra", [0, 20, 10_000])
def test_there_are_the_states_that_were_asked_and_probabilities_sum_to_one(extra: int):
    data = sentences()
    config = PhoneLmConfig(order=4, no_prune_order=3, extra_states=extra)
    lm = estimate(data, config)
    full = {(BOUNDARY,)} | {
        tuple([BOUNDARY, *sentence][: end + 1][-3:]) for sentence in data for end in range(1, len(sentence) + 1)
    }
    basic = {history if len(history) < 3 else history[-2:] for history in full}
    assert len(lm.histories) == min(len(full), len(basic) + extra)
    for arcs, final in zip(lm.arcs, lm.finals, strict=True):
        total = sum(math.exp(value) for value, _ in arcs.values()) + math.exp(final)
        assert total == pytest.approx(1.0, abs=1e-12)
    assert all(lm.log_probability(sentence) > -math.inf for sentence in data)
    if extra == 0:
        assert set(lm.histories) == basic


def test_the_history_is_merged_first_that_costs_the_least_likelihood():
    # What follows B is the same after A and C; what follows E is not.
    data = [[A, B, D], [C, B, D], [A, E, D], [C, E, F]] * 4
    lm = estimate(data, PhoneLmConfig(order=3, no_prune_order=2, extra_states=1))
    assert len(lm.histories) == 8
    assert {(A, B), (C, B)} - set(lm.histories)
    assert {(A, E), (C, E)} & set(lm.histories)
    assert all(lm.log_probability(sentence) == pytest.approx(math.log(1 / 4)) for sentence in data)


def test_merged_counts_are_those_of_the_shorter_history():
    data = sentences()
    lm = estimate(data, PhoneLmConfig(order=3, no_prune_order=2, extra_states=0))
    followers: Counter[int] = Counter()
    for sentence in data:
        for place, phone in enumerate(sentence):
            if phone == A:
                followers[sentence[place + 1] if place + 1 < len(sentence) else BOUNDARY] += 1
    state = lm.histories.index((A,))
    for phone, (value, _) in lm.arcs[state].items():
        assert value == pytest.approx(math.log(followers[phone] / followers.total()))


def test_no_phones_are_refused():
    with pytest.raises(SerError, match="no phones to learn from"):
        estimate([[], []], PhoneLmConfig())


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(SerError, match="2 <= no_prune_order <= order"):
        PhoneLmConfig(order=2, no_prune_order=3)
