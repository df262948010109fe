"""Human agreement: score each annotator against the others, by the measures that systems are scored with.

After the label map, an annotator's answer to an utterance is scored against the majority of the other annotators; a
system is scored against the majority of all. The result is what one more annotator could expect, not an upper bound: a
system that learns from the majority of many annotators can do better.
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

# One other annotator is no majority.
MIN_OTHERS = 2

# An annotator's answer to an utterance: class -> share; the shares add up to 1. An annotator who names two classes
# counts half for each.
Answer = Mapping[str, float]


@dataclass(frozen=True)
class Agreement:
    """Rates of one annotator, or of POOLED (the mean weighted by utterances), in percent; NaN if unknown."""

    annotator: str
    utts: int
    ua: float
    wa: float
    eer: float


@dataclass(frozen=True)
class Judged:
    """One annotator's answers and the majority of the others: `answers` (N, C) shares, `truth` (N,) int.

    The first of the C columns are the classes that `truth` numbers. The others are answers outside these classes, which
    are always wrong.
    """

    truth: np.ndarray
    answers: np.ndarray

    def agreement(self, annotator: str, num_classes: int) -> Agreement:
        """Compute the rates; an answer that is shared between classes counts for each by its share."""
        counts = np.zeros((num_classes, self.answers.shape[1]))  # (K, C) a confusion matrix of shares
        np.add.at(counts, self.truth, self.answers)
        rates = classification.uar(counts), classification.accuracy(counts), pair_eer(self)
        return Agreement(annotator, len(self.truth), *(100.0 * rate for rate in rates))


def read_answers(line: str, mapping: Mapping[str, str]) -> dict[str, Answer]:
    """Read a line of ``utt2annotators``: annotator -> answer. Emotions that the map does not list get a ``?`` in front.

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
    """Read a line of ``utt2votes``, counts of anonymous votes: number of the vote -> answer.

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
    """Pair each annotator's answers with the majority of the others.

    Parameters
    ----------
    utterances : utterance -> annotator -> answer.
    classes : the classes that are scored.

    Returns
    -------
    annotator -> Judged, and the number of answers that could not be judged, because there were fewer than MIN_OTHERS
    other annotators, they tied, or their majority is not one of the classes.
    """
    others = sorted({name for answers in utterances.values() for answer in answers.values() for name in answer})
    # The scored classes come first: a majority outside them has an index of len(classes) or more.
    columns = [*classes, *(name for name in others if name not in classes)]
    place = {name: index for index, name in enumerate(columns)}
    truth: dict[str, list[int]] = {}
    given: dict[str, list[np.ndarray]] = {}
    unjudged = 0
    for answers in utterances.values():
        shares = {annotator: _row(answer, place) for annotator, answer in answers.items()}  # (C,) each
        total = sum(shares.values(), np.zeros(len(columns)))
        for annotator, share in shares.items():
            rest = total - share  # (C,) the votes of the others
            # The two largest counts of votes; if there is only one column, the second is -1.
            first, second = np.partition(np.append(rest, -1.0), -2)[[-1, -2]]
            winner = int(rest.argmax())
            # A tie is tested with a tolerance: thirds are rounded, so that equal sums may differ in the last bits.
            if len(answers) - 1 < MIN_OTHERS or first - second < 1e-9 or winner >= len(classes):
                unjudged += 1
                continue
            truth.setdefault(annotator, []).append(winner)
            given.setdefault(annotator, []).append(share)
    return {name: Judged(np.array(truth[name]), np.stack(given[name])) for name in sorted(truth)}, unjudged


def agreements(judged: Mapping[str, Judged], num_classes: int, min_utterances: int) -> list[Agreement]:
    """Return the agreement of every annotator with at least `min_utterances`, sorted, then their pooled mean."""
    rows = [
        answers.agreement(name, num_classes) for name, answers in judged.items() if len(answers.truth) >= min_utterances
    ]
    return [*rows, pool(rows)] if rows else []


def anonymous(judged: Mapping[str, Judged], num_classes: int) -> list[Agreement]:
    """Return the agreement of anonymous votes: one row, without an EER, which needs the answers of one annotator."""
    if not judged:
        return []
    everyone = Judged(
        *(np.concatenate(parts) for parts in zip(*((j.truth, j.answers) for j in judged.values()), strict=True))
    )
    return [dataclasses.replace(everyone.agreement(POOLED, num_classes), eer=float("nan"))]


def pool(rows: list[Agreement]) -> Agreement:
    """Average the rates, each annotator weighted by the number of utterances; unknown rates (NaN) are left out."""
    weights = np.array([row.utts for row in rows], dtype=float)
    means = []
    for name in ("ua", "wa", "eer"):
        values = np.array([getattr(row, name) for row in rows])
        known = ~np.isnan(values)
        means.append(float(np.average(values[known], weights=weights[known])) if known.any() else float("nan"))
    return Agreement(POOLED, int(weights.sum()), *means)


def pair_eer(judged: Judged) -> float:
    """Return the equal error rate, a share, of an annotator as a detector of pairs: same answer, accept; else reject.

    Trials are all ordered pairs of two of the annotator's utterances; NaN if there are no targets or no nontargets.
    The score of a pair is 1 for the same answer and 0 for another, so the ROC has one operating point, with false alarm
    rate f and miss rate m. Straight lines join it to "accept all" (1, 0) and "reject all" (0, 1). The EER is where they
    cross the line of equal rates: m / (1 + m - f) if m >= f, else f / (1 + f - m). Chance is 0.5.
    """
    truth, answers = judged.truth, judged.answers
    classes = np.unique(truth)
    # Two answers with shares p and q are the same with probability <p, q>. The sum of <p, q> over all pairs of two sets
    # is the product of the sets' sums. Within one set, the pairs of an utterance with itself are subtracted.
    sums = np.stack([answers[truth == name].sum(axis=0) for name in classes])  # (classes, C)
    own = (answers**2).sum(axis=1)  # (N,) the self pairs
    sizes = np.array([np.count_nonzero(truth == name) for name in classes], dtype=float)
    same_target = (sums**2).sum() - own.sum()  # expected accepted targets: pairs within a class
    same_nontarget = (sums.sum(axis=0) ** 2).sum() - (sums**2).sum()  # expected accepted nontargets: all others
    targets, nontargets = (sizes * (sizes - 1)).sum(), sizes.sum() ** 2 - (sizes**2).sum()
    if not targets or not nontargets:
        return float("nan")
    # The larger of the two rates determines which of the lines has the EER; one formula covers both cases.
    miss, false_alarm = 1.0 - same_target / targets, same_nontarget / nontargets
    return max(miss, false_alarm) / (1.0 + abs(miss - false_alarm))


def _row(answer: Answer, place: Mapping[str, int]) -> np.ndarray:
    row = np.zeros(len(place))
    for name, share in answer.items():
        row[place[name]] = share
    return row


def to_tsv(rows: list[Agreement]) -> str:
    """Write annotator, utts, ua, wa, eer under their header, tab separated; ``-`` for an unknown rate."""
    lines = []
    for row in rows:
        rates = ("-" if np.isnan(rate) else f"{rate:.2f}" for rate in (row.ua, row.wa, row.eer))
        lines.append((row.annotator, row.utts, *rates))
    return tab_separated(("annotator", "utts", "ua", "wa", "eer"), lines)
