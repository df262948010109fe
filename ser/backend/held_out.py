"""Held-out scores of the training set, by back ends trained on other speakers; calibrations are fitted on them.

Speakers that a net was trained on are easier to classify than new speakers, so scores that are calibrated on them are
overconfident for new ones. If no net was trained on some speakers (``unseen_speakers`` of a data dir,
local/make_role_dir.sh), the calibration is fitted on these alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from scipy.special import softmax

from ser.backend.recognizer import Recognizer
from ser.metrics import calibration, class_calibration

logger = logging.getLogger(__name__)


class Scorer(Protocol):
    """The methods of a `Recognizer` that held-out scoring calls."""

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        """See `Recognizer.pair_scores`."""

    def class_scores(self, vectors: np.ndarray, /) -> np.ndarray:
        """See `Recognizer.class_scores`."""


Trained = TypeVar("Trained", bound=Scorer)
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

    def pair_calibrations(self, p_target: float) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
        """Return functions from pair scores to log likelihood ratios: identity, and calibrations fitted on these."""
        return {
            "raw": np.asarray,
            "affine": calibration.affine(self.target, self.nontarget, p_target).llrs,
            "pav": calibration.pav(self.target, self.nontarget).llrs,
        }

    def posteriors(self, by_class: np.ndarray) -> dict[str, np.ndarray]:
        """Turn scores of classes (N, K) into posteriors: as they are, and by a temperature that is fitted on these."""
        temperature = class_calibration.fit(self.classes, self.labels, with_bias=False)
        return {"raw": softmax(by_class, axis=1), "affine": temperature.posteriors(by_class)}


def train_and_score(
    train: Callable[[np.ndarray, np.ndarray, np.ndarray], Trained],
    vectors: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    unseen: Collection[str],
    parts: int,
    seed: int,
) -> tuple[Trained, HeldOutScores, np.ndarray]:
    """Train a back end, and make the held-out scores on which its calibration is fitted.

    If there are speakers `unseen`, on whom no net was trained, the back end is trained without them and scores them; a
    back end that was trained on them would have scores of another scale. Without such speakers, or if the others lack
    one of the classes, it is trained on all speakers, and the scores are those of `held_out_scores`, which explains the
    parameters.

    Returns
    -------
    The back end, the scores, and the mask (N,) of its training utterances.
    """
    scored = np.isin(speakers, list(unseen))
    if scored.any() and len(np.unique(labels[~scored])) == len(np.unique(labels)):
        recognizer = train(vectors[~scored], labels[~scored], speakers[~scored])
        return recognizer, _score(recognizer, vectors, labels, np.flatnonzero(scored)), ~scored
    if unseen:
        logger.warning(
            "calibration: fitted on training speakers: without the %d unknown to all nets, a class would be missing",
            len(unseen),
        )
    recognizer = train(vectors, labels, speakers)
    return recognizer, held_out_scores(train, vectors, labels, speakers, parts, seed), ~np.zeros_like(scored)


def held_out_scores(
    train: Callable[[np.ndarray, np.ndarray, np.ndarray], Scorer],
    vectors: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    parts: int,
    seed: int,
) -> HeldOutScores:
    """Score each part of the speakers with a back end trained on the other parts; pairs are taken within a part.

    If a back end would lack a class, for instance with a single speaker, the utterances are split instead.

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
    found = []
    for number in np.unique(part[part >= 0]):
        seen = part != number
        recognizer = train(vectors[seen], labels[seen], speakers[seen])
        found.append(_score(recognizer, vectors, labels, np.flatnonzero(~seen)))
    return HeldOutScores(*map(np.concatenate, zip(*(vars(one).values() for one in found), strict=True)))


def _score(recognizer: Scorer, vectors: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> HeldOutScores:
    """Score the utterances `rows` with a back end that was trained without them."""
    pairs = recognizer.pair_scores(vectors[rows], vectors[rows])
    same = labels[rows, None] == labels[rows]
    nontarget = pairs[~same]
    np.fill_diagonal(same, False)
    return HeldOutScores(pairs[same], nontarget, recognizer.class_scores(vectors[rows]), rows, labels[rows])


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
