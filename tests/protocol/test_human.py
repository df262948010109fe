"""Annotators of known accuracy, and the figures that follow from it."""

import math

import numpy as np
import pytest

from ser.errors import SerError
from ser.metrics.detection import ScoredTrials
from ser.protocol import human

CLASSES = ["anger", "joy", "neutral", "sad"]


def simulate(accuracies: dict[str, float], num_utts: int, seed: int = 0) -> dict[str, dict[str, human.Answer]]:
    """Each annotator is right with a probability of her own, and else names one of the other classes."""
    rng = np.random.default_rng(seed)
    utterances = {}
    for index in range(num_utts):
        truth = rng.integers(4)
        said = {}
        for name, accuracy in accuracies.items():
            heard = truth if rng.random() < accuracy else (truth + rng.integers(1, 4)) % 4
            said[name] = {CLASSES[heard]: 1.0}
        utterances[f"u{index:05d}"] = said
    return utterances


def test_annotators_of_known_accuracy_get_it_where_the_others_are_never_wrong():
    accuracies = {"a": 0.9, "b": 0.6, "c": 0.25, **{f"sure{n}": 1.0 for n in range(5)}}
    judged, unjudged = human.judge(simulate(accuracies, 4000), CLASSES)
    rows = {row.annotator: row for row in human.agreements(judged, 4, min_utterances=20)}
    assert unjudged == 0
    for name, accuracy in accuracies.items():
        assert rows[name].wa == pytest.approx(100 * accuracy, abs=2.5)
        assert rows[name].ua == pytest.approx(100 * accuracy, abs=2.5)
    assert rows["sure0"].eer == 0.0
    # Chance among 4 classes: the answers tell nothing of a pair.
    assert rows["c"].eer == pytest.approx(50, abs=1.0)
    assert rows["b"].eer < rows["c"].eer
    assert rows["all"].wa == pytest.approx(np.mean([row.wa for name, row in rows.items() if name != "all"]))


def test_eer_of_pairs_is_where_the_line_through_the_operating_point_crosses_the_diagonal():
    rng = np.random.default_rng(1)
    truth, said = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    said[:40] = truth[:40]
    rows, columns = np.nonzero(~np.eye(60, dtype=bool))
    target, same = truth[rows] == truth[columns], said[rows] == said[columns]
    miss, false_alarm = np.mean(~same[target]), np.mean(same[~target])
    eer = human.pair_eer(human.Judged(truth, np.eye(3)[said]))
    # Scores that are spread evenly within "same" and within "other" draw the same lines.
    spread = np.random.default_rng(2).random(len(same)).astype(np.float32) + same
    assert eer == pytest.approx(ScoredTrials.of(spread, target).eer(), abs=0.01)
    crossing = miss / (1 + miss - false_alarm) if miss >= false_alarm else false_alarm / (1 + false_alarm - miss)
    assert eer == pytest.approx(crossing)


def test_who_names_two_emotions_is_taken_as_picking_between_them():
    both = {"anger": 0.5, "joy": 0.5}
    answers = {f"u{n}": {"a": both, "b": {"anger": 1.0}, "c": {"anger": 1.0}} for n in range(30)}
    judged, _ = human.judge(answers, CLASSES)
    assert judged["a"].agreement("a", 4).wa == 50.0
    assert math.isnan(judged["a"].agreement("a", 4).eer)  # all of one class: no nontargets


@pytest.mark.parametrize(
    "others",
    [
        {"b": {"anger": 1.0}},
        {"b": {"anger": 1.0}, "c": {"joy": 1.0}},
        {"b": {"?other": 1.0}, "c": {"?other": 1.0}},
    ],
    ids=["too few", "tied", "a majority for no class"],
)
def test_answer_without_a_majority_of_others_is_left_out_and_counted(others):
    judged, unjudged = human.judge({"u1": {"a": {"anger": 1.0}, **others}}, CLASSES)
    assert "a" not in judged
    assert unjudged >= 1


def test_answer_that_the_map_does_not_list_is_wrong():
    mapping = {"anger": "anger", "joy": "joy"}
    answers = human.read_answers("a=frustration b=anger c=anger", mapping)
    judged, unjudged = human.judge({"u1": answers}, ["anger", "joy"])
    assert judged["a"].agreement("a", 2).wa == 0.0
    assert unjudged == 2  # of b and c, whose others disagree


def test_annotators_of_few_utterances_have_no_row_and_no_part_in_the_mean():
    judged, _ = human.judge(simulate({"a": 1.0, "b": 1.0, "c": 1.0}, 19), CLASSES)
    assert human.agreements(judged, 4, min_utterances=20) == []
    assert human.to_tsv([]) == "annotator\tutts\tua\twa\teer\n"


def test_counts_of_votes_alone_give_one_row_without_pairs():
    votes = {f"u{n}": human.read_votes(f"{CLASSES[n % 4]}:4 other:1", {c: c for c in CLASSES}) for n in range(40)}
    judged, unjudged = human.judge(votes, CLASSES)
    (row,) = human.anonymous(judged, 4)
    assert (row.annotator, row.utts, row.ua, row.wa, unjudged) == ("all", 200, 80.0, 80.0, 0)
    assert human.to_tsv([row]).splitlines()[1] == "all\t200\t80.00\t80.00\t-"


@pytest.mark.parametrize("line", ["E1", "E1=", "=anger"])
def test_broken_line_is_an_error(line):
    with pytest.raises(SerError, match="utt2annotators: expected '<annotator>=<emotion>"):
        human.read_answers(line, {})
