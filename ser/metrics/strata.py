"""Strata of trials, by what the two utterances share: speaker, sentence, dialogue, emotion; and enrolled classes.

In trials of all pairs, a system can recognise the speaker or the words in place of the emotion. Strata of trials with
different speakers, sentences or dialogues show how much of the result that explains.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ser.metrics.detection import ScoredTrials

logger = logging.getLogger(__name__)

# Names of the strata by the number of speakers in a pair.
ONE_SPEAKER = "one_speaker"
TWO_SPEAKERS = "different_speaker"
# Scores are symmetric whose two ways round differ by at most this share of their range: float32 gives about 1e-6.
SYMMETRY = 1e-4
ROWS_PER_BLOCK = 512  # rows of the score matrix that are compared at once

ScoreModels = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Utterances:
    """N scored utterances with their classes, speakers, sentences and dialogues.

    `labels` (N,) int index `classes`. `speakers` (N,) int index `all_speakers`, the sorted speakers of the whole test
    corpus, of which a fold has some. `sentences` and `dialogues` (N,) int number them; None if the corpus has none.
    `unseen` are classes that nothing was trained on: pairs of their utterances are trials, but nobody can name them.
    """

    utts: list[str]
    labels: np.ndarray
    classes: list[str]
    speakers: np.ndarray
    all_speakers: list[str]
    sentences: np.ndarray | None = None
    dialogues: np.ndarray | None = None
    unseen: frozenset[str] = frozenset()

    @property
    def nameable(self) -> np.ndarray:
        """(N,) bool: which utterances are not of an unseen class."""
        return ~np.isin(self.labels, [label for label, name in enumerate(self.classes) if name in self.unseen])


@dataclass(frozen=True)
class Stratum:
    """Figures of the trials of one stratum. `eer` is a share; both rates are None without targets or nontargets."""

    name: str
    trials: int
    targets: int
    eer: float | None
    min_dcf: float | None


def all_pairs(utterances: Utterances, held_out: str | None = None, ordered: bool = False) -> np.ndarray:
    """Return which pairs are trials, (N, N) bool: all pairs of two utterances, or those that involve `held_out`.

    Each pair is there once, above the diagonal, or `ordered`: both ways round.
    """
    size = len(utterances.utts)
    pairs = ~np.eye(size, dtype=bool) if ordered else np.triu(np.ones((size, size), dtype=bool), 1)
    if held_out is not None:
        involved = utterances.labels == utterances.classes.index(held_out)
        pairs &= involved[:, None] | involved
    return pairs


def is_symmetric(scores: np.ndarray) -> bool:
    """Tell whether the scores (N, N) are the same both ways round, but for the rounding of float32."""
    bound = SYMMETRY * float(np.ptp(scores)) if scores.size else 0.0
    rows = range(0, len(scores), ROWS_PER_BLOCK)
    return all(
        np.abs(scores[row : row + ROWS_PER_BLOCK] - scores[:, row : row + ROWS_PER_BLOCK].T).max() <= bound
        for row in rows
    )


def pair_strata(utterances: Utterances, pairs: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name of each stratum and which of `pairs` (N, N) bool are its trials, (N, N) bool."""
    yield "all", pairs
    different = _differ(utterances.speakers)
    yield ONE_SPEAKER, pairs & ~different
    yield TWO_SPEAKERS, pairs & different
    if utterances.unseen:
        yield "seen_classes", pairs & utterances.nameable[:, None] & utterances.nameable
    told = {"sentence": utterances.sentences, "dialogue": utterances.dialogues}
    known = {name: numbers for name, numbers in told.items() if numbers is not None}
    if missing := [name for name in told if name not in known]:
        logger.info("strata: the test data dir does not tell each utterance's %s", " or ".join(missing))
    if known:
        different = pairs
        for numbers in known.values():
            different = different & _differ(numbers)
        yield "different_" + "_and_".join(known), different


def emotion_pairs(
    utterances: Utterances, scores: np.ndarray, pairs: np.ndarray, p_target: float
) -> dict[tuple[str, str], Stratum]:
    """Measure, for each pair of classes, the trials among their utterances.

    Targets are pairs within one of the two classes, nontargets are pairs across them.

    Parameters
    ----------
    scores, pairs : (N, N), the scores and which of them are trials.
    """
    found = {}
    for first in range(len(utterances.classes)):
        for second in range(first + 1, len(utterances.classes)):
            rows = np.flatnonzero(np.isin(utterances.labels, (first, second)))
            square = np.ix_(rows, rows)
            labels = utterances.labels[rows]
            stratum = measure("", scores[square], labels[:, None] == labels, pairs[square], p_target)
            if stratum.eer is not None:
                found[utterances.classes[first], utterances.classes[second]] = stratum
    return found


def measure(name: str, scores: np.ndarray, same: np.ndarray, pairs: np.ndarray, p_target: float) -> Stratum:
    """Measure the trials `pairs` of a matrix of scores; trials where `same` are targets. All three have one shape."""
    is_target = same[pairs]
    targets = int(np.count_nonzero(is_target))
    if targets in (0, len(is_target)):
        return Stratum(name, len(is_target), targets, None, None)
    trials = ScoredTrials.of(scores[pairs], is_target)
    return Stratum(name, len(trials), targets, trials.eer(), trials.min_dcf(p_target))


def enrolment_stratum(
    utterances: Utterances,
    score_models: ScoreModels,
    size: int,
    draws: int,
    seed: int,
    p_target: float,
    held_out: str | None = None,
) -> Stratum:
    """Enrol each class with `size` utterances of one half of the speakers, score the other half, and swap the halves.

    This is repeated `draws` times with a new split of the speakers and new utterances; the trials are pooled. Where a
    half has fewer than `size` utterances of a class, the class is not enrolled.

    Parameters
    ----------
    score_models : function of the utterances of each model (C, size) int and the tested utterances (M,) int, which
        returns scores (C, M).
    held_out : the only class that is enrolled; None for all classes.
    """
    rng = np.random.default_rng((seed, size))
    speakers = np.unique(utterances.speakers)
    wanted = range(len(utterances.classes)) if held_out is None else [utterances.classes.index(held_out)]
    scores, same = [], []
    too_few = dict.fromkeys(wanted, 0)
    for _ in range(draws):
        first_half = np.isin(utterances.speakers, rng.permutation(speakers)[: (len(speakers) + 1) // 2])
        for enrolling in (first_half, ~first_half):
            models, names = [], []
            for label in wanted:
                candidates = np.flatnonzero(enrolling & (utterances.labels == label))
                if len(candidates) < size:
                    too_few[label] += 1
                    continue
                models.append(rng.choice(candidates, size, replace=False))
                names.append(label)
            tested = np.flatnonzero(~enrolling)
            if models and len(tested):
                scores.append(score_models(np.array(models), tested).ravel())
                same.append((np.array(names)[:, None] == utterances.labels[tested]).ravel())
    if any(too_few.values()):
        counts = ", ".join(f"{utterances.classes[label]} {count}" for label, count in too_few.items() if count)
        logger.info("enrol_%d: not enrolled for want of utterances, of %d times: %s", size, 2 * draws, counts)
    if not scores:
        return Stratum(f"enrol_{size}", 0, 0, None, None)
    pooled = np.concatenate(scores)
    return measure(f"enrol_{size}", pooled, np.concatenate(same), np.ones(len(pooled), bool), p_target)


def _differ(numbers: np.ndarray) -> np.ndarray:
    return numbers[:, None] != numbers
