"""The human yardstick: how well each annotator agrees with the others, in the figures that a system is given.

An annotator's answer to an utterance is scored against the majority of the other annotators after the label map, as a
system's is against that of all. So it is what one more annotator could hope for, not an upper bound: a system that
learns from a majority of many can do better.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ser.errors import SerError
from ser.files import tab_separated
from ser.metrics import classification

POOLED = "all"

# With one other annotator there is no majority.
MIN_OTHERS = 2

# What an annotator says of an utterance: class -> its share, 1 in all. Who names two emotions of two classes is
# taken as one who picks between them by a coin.
Answer = Mapping[str, float]


@dataclass(frozen=True)
class Agreement:
    """An annotator (or POOLED, the mean of all weighted by their utterances); rates in percent, NaN where unknown."""

    annotator: str
    utts: int
    ua: float
    wa: float
    eer: float


@dataclass(frozen=True)
class Judged:
    """Answers with the classes that the others' majority gives: `truth` (N,) int, `answers` (N, C) shares.

    The first of the C columns are the classes of `truth`; the others are answers that are no class, never right.
    """

    truth: np.ndarray
    answers: np.ndarray

    def agreement(self, annotator: str, num_classes: int) -> Agreement:
        """Compute the rates, of which the shares of an answer count as they are."""
        counts = np.zeros((num_classes, self.answers.shape[1]))
        np.add.at(counts, self.truth, self.answers)
        rates = classification.uar(counts), classification.accuracy(counts), pair_eer(self)
        return Agreement(annotator, len(self.truth), *(100.0 * rate for rate in rates))


def read_answers(line: str, mapping: Mapping[str, str]) -> dict[str, Answer]:
    """Read a line of ``utt2annotators``: annotator -> answer. Emotions that the map does not list stay as they are.

    >>> read_answers("E1=happy,excited E2=other,anger", {"happy": "joy", "excited": "joy", "anger": "anger"})
    {'E1': {'joy': 1.0}, 'E2': {'?other': 0.5, 'anger': 0.5}}
    """
    answers: dict[str, Answer] = {}
    for item in line.split():
        annotator, equals, emotions = item.rpartition("=")
        if not (annotator and equals and emotions):
            raise SerError(f"utt2annotators: expected '<annotator>=<emotion>,...', found '{item}'")
        names = emotions.split(",")
        answer: dict[str, float] = {}
        for name in names:
            name = mapping.get(name, f"?{name}")
            answer[name] = answer.get(name, 0.0) + 1.0 / len(names)
        answers[annotator] = answer
    return answers


def read_votes(line: str, mapping: Mapping[str, str]) -> dict[str, Answer]:
    """Read a line of ``utt2votes``, counts of votes whose owners nobody knows: a number -> answer.

    >>> read_votes("anger:2 other:1", {"anger": "anger"})
    {'1': {'anger': 1.0}, '2': {'anger': 1.0}, '3': {'?other': 1.0}}
    """
    answers: dict[str, Answer] = {}
    for item in line.split():
        emotion, _, count = item.rpartition(":")
        if not emotion or not count.isdecimal():
            raise SerError(f"utt2votes: expected '<emotion>:<count> ...', found '{line}'")
        for _ in range(int(count)):
            answers[str(len(answers) + 1)] = {mapping.get(emotion, f"?{emotion}"): 1.0}
    return answers


def judge(utterances: Mapping[str, Mapping[str, Answer]], classes: list[str]) -> tuple[dict[str, Judged], int]:
    """Judge each annotator by the majority of the others.

    Parameters
    ----------
    utterances : utterance -> annotator -> answer.
    classes : those that are scored.

    Returns
    -------
    annotator -> Judged, and how many answers could not be judged: fewer than MIN_OTHERS others, a tie among them, or a
    majority for what is no class.
    """
    others = sorted({name for answers in utterances.values() for answer in answers.values() for name in answer})
    columns = [*classes, *(name for name in others if name not in classes)]
    place = {name: index for index, name in enumerate(columns)}
    truth: dict[str, list[int]] = {}
    given: dict[str, list[np.ndarray]] = {}
    unjudged = 0
    for answers in utterances.values():
        shares = {annotator: _row(answer, place) for annotator, answer in answers.items()}
        total = sum(shares.values(), np.zeros(len(columns)))
        for annotator, share in shares.items():
            rest = total - share
            first, second = np.partition(np.append(rest, -1.0), -2)[[-1, -2]]
            winner = int(rest.argmax())
            # Shares of a third and the like do not add up to the last bit.
            if len(answers) - 1 < MIN_OTHERS or first - second < 1e-9 or winner >= len(classes):
                unjudged += 1
                continue
            truth.setdefault(annotator, []).append(winner)
            given.setdefault(annotator, []).append(share)
    return {name: Judged(np.array(truth[name]), np.stack(given[name])) for name in sorted(truth)}, unjudged


def agreements(judged: Mapping[str, Judged], num_classes: int, min_utterances: int) -> list[Agreement]:
    """Give the agreement of every annotator of at least `min_utterances`, sorted, then their pooled mean."""
    rows = [
        answers.agreement(name, num_classes) for name, answers in judged.items() if len(answers.truth) >= min_utterances
    ]
    return [*rows, pool(rows)] if rows else []


def anonymous(judged: Mapping[str, Judged], num_classes: int) -> list[Agreement]:
    """Give the agreement of votes whose owners nobody knows: one row, without the error of anybody's pairs."""
    if not judged:
        return []
    everyone = Judged(
        *(np.concatenate(parts) for parts in zip(*((j.truth, j.answers) for j in judged.values()), strict=True))
    )
    return [dataclasses.replace(everyone.agreement(POOLED, num_classes), eer=float("nan"))]


def pool(rows: list[Agreement]) -> Agreement:
    """Average, each annotator weighted by her utterances; a rate that is unknown for one takes no part."""
    weights = np.array([row.utts for row in rows], dtype=float)
    means = []
    for name in ("ua", "wa", "eer"):
        values = np.array([getattr(row, name) for row in rows])
        known = ~np.isnan(values)
        means.append(float(np.average(values[known], weights=weights[known])) if known.any() else float("nan"))
    return Agreement(POOLED, int(weights.sum()), *means)


def pair_eer(judged: Judged) -> float:
    """Return the equal error rate, a share, of "my answers to the two are the same" as the score of a pair.

    Over all ordered pairs of two of the annotator's utterances; NaN where there are no targets, or no nontargets. The
    score has two values, so that the ROC is the lines from (accept all) to its one operating point (false alarms f,
    misses m) and from there to (reject all); EER is where they cross the diagonal: m / (1 + m - f) where m >= f,
    f / (1 + f - m) where not. 0.5 means that the answers tell nothing.
    """
    truth, answers = judged.truth, judged.answers
    classes = np.unique(truth)
    # Of two utterances the answers are the same with probability <p, q>; summed over pairs, without self pairs.
    sums = np.stack([answers[truth == name].sum(axis=0) for name in classes])
    own = (answers**2).sum(axis=1)
    sizes = np.array([np.count_nonzero(truth == name) for name in classes], dtype=float)
    same_target = (sums**2).sum() - own.sum()
    same_nontarget = (sums.sum(axis=0) ** 2).sum() - (sums**2).sum()
    targets, nontargets = (sizes * (sizes - 1)).sum(), sizes.sum() ** 2 - (sizes**2).sum()
    if not targets or not nontargets:
        return float("nan")
    miss, false_alarm = 1.0 - same_target / targets, same_nontarget / nontargets
    return max(miss, false_alarm) / (1.0 + abs(miss - false_alarm))


def _row(answer: Answer, place: Mapping[str, int]) -> np.ndarray:
    row = np.zeros(len(place))
    for name, share in answer.items():
        row[place[name]] = share
    return row


def to_tsv(rows: list[Agreement]) -> str:
    """Write annotator, utts, ua, wa, eer under their header, tab separated; ``-`` for what is unknown."""
    lines = []
    for row in rows:
        rates = ("-" if np.isnan(rate) else f"{rate:.2f}" for rate in (row.ua, row.wa, row.eer))
        lines.append((row.annotator, row.utts, *rates))
    return tab_separated(("annotator", "utts", "ua", "wa", "eer"), lines)
