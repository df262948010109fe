import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser.backend import trial_text
from ser.errors import SerError

KEYS = ["a-1", "a-2", "bé-3", "a-long-utterance-name-00004", "a-long-utterance-name-00005"]


@pytest.fixture(scope="module")
def table():
    return trial_text.KeyTable(KEYS)


def as_block(text):
    return np.frombuffer(text.encode(), dtype=np.uint8)


def test_trials_are_scored_in_their_order(table):
    left, right = np.arange(10.0).reshape(5, 2), np.ones((5, 2))
    pairs = [(i, j) for i in range(5) for j in (4, 0, 2)]
    text = "".join(f"{KEYS[i]} {KEYS[j]} target\n" for i, j in pairs)
    blocks = trial_text.score_trials(io.BytesIO(text.encode()), left, right, table, table, "trials")
    expected = "".join(f"{KEYS[i]} {KEYS[j]} {left[i].sum():.6f}\n" for i, j in pairs)
    assert b"".join(block.tobytes() for block in blocks).decode() == expected


def test_small_blocks_give_the_same_lines(table, monkeypatch):
    text = "".join(f"{left} {right}\n" for left in KEYS for right in KEYS)[:-1].encode()
    blocks = list(trial_text.read_blocks(io.BytesIO(text), size=7))
    assert len(blocks) > 5
    assert b"".join(block.tobytes() for block in blocks) == text + b"\n"
    monkeypatch.setattr(trial_text, "read_blocks", lambda stream: iter(blocks))
    factors = np.eye(5), np.ones((5, 5))
    lines = b"".join(trial_text.score_trials(io.BytesIO(), *factors, table, table, "t")).split(b"\n")
    assert len(lines) == 26


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5))
def test_written_scores_are_read_back_to_the_millionth(values):
    table = trial_text.KeyTable(KEYS)
    rows = np.arange(len(values))
    scores = trial_text.format_scores(rows, rows, np.array(values), table, table)
    trials = as_block("".join(f"{KEYS[row]} {KEYS[row]} nontarget\n" for row in rows))
    found, is_target = trial_text.read_scored_trials(trials, scores, "trials", "scores")
    np.testing.assert_allclose(found, values, rtol=1e-6, atol=6e-7)
    assert not is_target.any()


@pytest.mark.parametrize(
    "number", ["1", "-0.5", "+3.25", "6.764026", "-665.6608", "1.5e-05", "2E+3", "1e-300", ".5", "7."]
)
def test_numbers_are_read_as_python_reads_them(number):
    found, _ = trial_text.read_scored_trials(as_block("a b target"), as_block(f"a b {number}"), "trials", "scores")
    assert found[0] == np.float32(number)


def test_lists_of_another_order_are_joined_by_their_keys():
    trials = as_block("a b target\r\na c nontarget\n")
    scores = as_block("a c 1\nx y 5\na\rb 2\n")  # a carriage return is a blank
    found, is_target = trial_text.read_scored_trials(trials, scores, "trials", "scores")
    assert found.tolist() == [2.0, 1.0]
    assert is_target.tolist() == [True, False]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a-1 a-2 maybe", "t:3: the third field is neither target nor nontarget: 'a-1 a-2 maybe'"),
        ("a-1", "t:3: expected 'enrol test' and at most one more field: 'a-1'"),
        ("", "t:3: expected 'enrol test'"),
        ("a-1 a-2 target 5", "t:3: expected 'enrol test'"),
        ("b-1 a-2", "t:3: the enrolment utterance has no vector: 'b-1 a-2'"),
        ("a-1 a-long-utterance-name-00006", "t:3: the test utterance has no vector"),
    ],
)
def test_bad_trials_are_named_by_file_and_line(table, line, message):
    text = f"a-1 a-2\na-2 a-1 target\n{line}\na-1 a-1\n"
    with pytest.raises(SerError, match=message):
        list(trial_text.score_trials(io.BytesIO(text.encode()), np.eye(5), np.eye(5), table, table, "t"))


@pytest.mark.parametrize("number", ["", "nan", "inf", "1e999", "0x1", "1.2.3", "-", "1e", "3 4"])
def test_bad_scores_are_named_by_file_and_line(number):
    with pytest.raises(SerError, match="scores:1: expected 'enrol test score' with a finite score"):
        trial_text.read_scored_trials(as_block("a b target\n"), as_block(f"a b {number}\n"), "trials", "scores")


def test_a_trial_without_a_score_is_named():
    with pytest.raises(SerError, match="scores: no score of the trial 'a c' of trials"):
        trial_text.read_scored_trials(as_block("a b target\na c target\n"), as_block("a b 1\n"), "trials", "scores")
    latin = np.frombuffer("ü b target\n".encode("latin-1"), np.uint8)
    with pytest.raises(SerError, match="scores: no score of the trial '\ufffd b' of trials"):
        trial_text.read_scored_trials(latin, as_block("a b 1\n"), "trials", "scores")


def test_scores_that_are_not_finite_are_not_written(table):
    with pytest.raises(SerError, match="1 of 2 scores"):
        trial_text.format_scores(np.arange(2), np.arange(2), np.array([0.0, np.nan]), table, table)


def test_a_pair_scored_twice_is_an_error_with_both_lines_in_any_order():
    trials = as_block("a b target\na c nontarget\n")
    for lines in (("a b 1", "a b -1"), ("a b -1", "a b 1")):
        scores = as_block("\n".join([lines[0], "a c 0", lines[1], ""]))
        with pytest.raises(SerError, match=r"s:1 and s:3: the pair 'a b' is scored -?1 and -?1; keep one line"):
            trial_text.read_scored_trials(trials, scores, "t", "s")


def test_a_trial_that_is_both_target_and_nontarget_is_an_error_with_both_lines():
    trials = as_block("a c target\na b target\na\tb  nontarget\n")
    scores = as_block("a b 1\na c 0\n")
    with pytest.raises(SerError, match="t:2 and t:3: the pair 'a b' is a target and a nontarget; keep one line"):
        trial_text.read_scored_trials(trials, scores, "t", "s")
    # Both lists have the line twice, in one order.
    scores = as_block("a c 0\na b 1\na b 1\n")
    with pytest.raises(SerError, match="is a target and a nontarget"):
        trial_text.read_scored_trials(trials, scores, "t", "s")


@pytest.mark.parametrize("scores", ["a b 1\na c 0\na b 1.0\n", "a c 0\na b 1\n", "a b 1\na b 1\na c 0\n"])
def test_lines_that_repeat_a_pair_alike_count_once_with_a_note(scores, caplog):
    trials = as_block("a b target\na b target\na c nontarget\n")
    found, is_target = trial_text.read_scored_trials(trials, as_block(scores), "t", "s")
    assert found.tolist() == [1.0, 0.0] and is_target.tolist() == [True, False]
    assert "t: 1 lines repeat a pair with the same value; each pair counts once" in caplog.text


def test_pairs_that_read_alike_without_their_blank_or_the_other_way_round_are_two():
    trials = as_block("a bc target\nab c nontarget\nbc a target\n")
    found, _ = trial_text.read_scored_trials(trials, as_block("ab c 1\na bc 2\nbc a 3\n"), "t", "s")
    assert found.tolist() == [2.0, 1.0, 3.0]
