"""Held-out scores of the training set, by back ends trained on other speakers; calibrations are fitted on them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ser.backend.recognizer import Recognizer

logger = logging.getLogger(__name__)


class Scorer(Protocol):
    """What of a `Recognizer` gives held-out scores."""

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        """See `Recognizer.pair_scores`."""

    def class_scores(self, vectors: np.ndarray, /) -> np.ndarray:
        """See `Recognizer.class_scores`."""


Train = Callable[[np.ndarray, np.ndarray, np.ndarray], Recognizer]


@dataclass(frozen=True)
class HeldOutScores:
    """Scores of speakers that the back end was not trained on.

    `target` (n,) and `nontarget` (m,) float32 are scores of pairs, `classes` (M, K) scores of utterances against
    classes. `rows` (M,) int are the utterances of `classes`, `labels` (M,) their true classes.
    """

    target: np.ndarray
    nontarget: np.ndarray
    classes: np.ndarray
    rows: np.ndarray
    labels: np.ndarray


def held_out_scores(
    train: Callable[[np.ndarray, np.ndarray, np.ndarray], Scorer],
    vectors: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    parts: int,
    seed: int,
) -> HeldOutScores:
    """Score each part of the speakers with a back end trained on the other parts; pairs are taken within a part.

    Where a back end would lack a class, for instance with a single speaker, the utterances are split instead.

    Parameters
    ----------
    train : function from vectors (N, D), labels (N,) and speakers (N,) to a `Recognizer`, see `recognizer.trainer`.
    vectors : (N, D).
    labels : (N,) int, 0 to K - 1, each present.
    speakers : (N,), equal for utterances of one speaker.
    parts : number of parts, at least 2.
    seed : of the split.
    """
    part = assign_parts(labels, speakers, parts, seed)
    targets, nontargets, classes, rows = [], [], [], []
    for number in np.unique(part[part >= 0]):
        scored = np.flatnonzero(part == number)
        seen = np.flatnonzero(part != number)
        recognizer = train(vectors[seen], labels[seen], speakers[seen])
        pairs = recognizer.pair_scores(vectors[scored], vectors[scored])
        same = labels[scored, None] == labels[scored]
        nontargets.append(pairs[~same])
        np.fill_diagonal(same, False)
        targets.append(pairs[same])
        classes.append(recognizer.class_scores(vectors[scored]))
        rows.append(scored)
    found = np.concatenate(rows)
    return HeldOutScores(
        np.concatenate(targets), np.concatenate(nontargets), np.concatenate(classes), found, labels[found]
    )


def assign_parts(labels: np.ndarray, speakers: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """Return the part of each utterance, (N,) int; -1, which is never scored, for the only utterance of a class."""
    rng = np.random.default_rng(seed)
    names, speaker = np.unique(speakers, return_inverse=True)
    part = rng.permutation(len(names))[speaker] % parts
    counts = np.bincount(labels)
    part[counts[labels] == 1] = -1
    # If all utterances of a class were in one part, the back end that scores this part would not know the class.
    if len(names) > 1 and all(len(np.unique(part[labels == label])) > 1 for label in np.flatnonzero(counts > 1)):
        return part
    logger.info(
        "held-out scores: a class is in only one part of the %d training speakers; utterances are split instead",
        len(names),
    )
    for label in np.flatnonzero(counts > 1):
        mine = np.flatnonzero(labels == label)
        part[rng.permutation(mine)] = np.arange(len(mine)) % parts
    return part
