"""Scores of the training set by back ends that did not see the speakers they score: what calibrations are fitted on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ser.backend.recognizer import Recognizer

logger = logging.getLogger(__name__)

Train = Callable[[np.ndarray, np.ndarray, np.ndarray], Recognizer]


@dataclass(frozen=True)
class HeldOutScores:
    """Scores that generalise: `target` (n,) and `nontarget` (m,) float32 of pairs, `classes` (M, K) of utterances.

    `rows` (M,) int are the utterances of `classes`, `labels` (M,) their true classes.
    """

    target: np.ndarray
    nontarget: np.ndarray
    classes: np.ndarray
    rows: np.ndarray
    labels: np.ndarray


def held_out_scores(
    train: Train, vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, parts: int, seed: int
) -> HeldOutScores:
    """Score each part of the speakers with a back end trained on all others; pairs are those within a part.

    Where that leaves some back end without a class, as with a single speaker, the parts are of utterances.

    Parameters
    ----------
    train : takes vectors (N, D), labels (N,) and speakers (N,) to a `Recognizer`, as `recognizer.trainer` returns.
    vectors : (N, D).
    labels : (N,) int, 0 to K - 1, each present.
    speakers : (N,), anything that tells speakers apart.
    parts : turns to take, at least 2.
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
    """Give each utterance the number of its part, (N,) int; -1, never scored, where it is alone in its class."""
    rng = np.random.default_rng(seed)
    names, speaker = np.unique(speakers, return_inverse=True)
    part = rng.permutation(len(names))[speaker] % parts
    counts = np.bincount(labels)
    part[counts[labels] == 1] = -1
    # A part that has all of some class would be scored by a back end that does not know it.
    if len(names) > 1 and all(len(np.unique(part[labels == label])) > 1 for label in np.flatnonzero(counts > 1)):
        return part
    logger.info(
        "held-out scores: a class of the training set is of one part of its %d speakers; parts of utterances instead",
        len(names),
    )
    for label in np.flatnonzero(counts > 1):
        mine = np.flatnonzero(labels == label)
        part[rng.permutation(mine)] = np.arange(len(mine)) % parts
    return part
