"""Scores of a corpus in folds of speakers, by a back end trained on the other folds; averages of them; figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

from ser.backend.chain import BackendConfig
from ser.backend.held_out import held_out_scores
from ser.backend.linear import KINDS, linear_trainer
from ser.backend.recognizer import trainer
from ser.errors import SerError
from ser.metrics import calibration, class_calibration, classification
from ser.metrics.detection import ScoredTrials


@dataclass(frozen=True)
class Corpus:
    """N utterances: `utts`, `labels` (N,) int that index `classes`, `speakers` (N,) and `folds` (N,) str."""

    utts: Sequence[str]
    labels: np.ndarray
    classes: Sequence[str]
    speakers: np.ndarray
    folds: np.ndarray

    def of_speakers(self, names: Sequence[str]) -> np.ndarray:
        """Return which utterances are by these speakers: (N,) bool."""
        return np.isin(self.speakers, names)


@dataclass(frozen=True)
class FoldScores:
    """Scores of the M utterances of a fold, calibrated on other training speakers than each back end's own.

    `pairs` (M, M): the log likelihood ratio of each pair, same class or not. `classes` (M, K): log posteriors.
    """

    pairs: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True)
class Figures:
    """Figures of a fold. `uar` to `eer_two`, of pairs of two speakers, and `ece` are in percent; `cllr` is in bits."""

    uar: float
    wa: float
    eer: float
    eer_two: float
    cllr: float
    ece: float


FIGURES = tuple(Figures.__dataclass_fields__)


def score_fold(
    vectors: np.ndarray,
    corpus: Corpus,
    fold: str,
    kind: str,
    config: BackendConfig,
    parts: int,
    seed: int,
    p_target: float,
    trained: np.ndarray | None = None,
) -> FoldScores:
    """Train a back end on the other folds and score this one.

    Vectors are standardised first, by the mean and standard deviation of each dimension over the training utterances.

    Parameters
    ----------
    vectors : (N, D) of all utterances of the corpus.
    kind : ``plda``, as in ser.bin.evaluate_backend except for this standardisation; or a key of
        `ser.backend.linear.KINDS`.
    parts, seed : of the inner folds of the training speakers, on which scores are calibrated.
    p_target : for which the affine calibration of PLDA's scores is fitted.
    trained : (N,) bool, the utterances outside the fold to train on; None for all.

    Raises
    ------
    SerError
        If a class has no training utterance.
    """
    scored = corpus.folds == fold
    seen = ~scored if trained is None else ~scored & trained
    labels, speakers = corpus.labels[seen], corpus.speakers[seen]
    if missing := [name for k, name in enumerate(corpus.classes) if k not in set(labels.tolist())]:
        raise SerError(f"fold {fold}: no training utterance of class {missing[0]}; take fewer folds")
    # LDA's shrinkage, and the penalty of a support vector machine, suit dimensions of one scale.
    mean, deviation = vectors[seen].mean(axis=0, dtype=np.float64), vectors[seen].std(axis=0, dtype=np.float64)
    vectors = (vectors - mean) / np.where(deviation > 1e-9, deviation, 1.0)
    test = vectors[scored]
    if kind in KINDS:
        linear = linear_trainer(kind, config, parts, seed)(vectors[seen], labels, speakers)
        return posterior_scores(linear.class_scores(test))
    train = trainer(kind, config)
    held_out = held_out_scores(train, vectors[seen], labels, speakers, parts, seed)
    recognizer = train(vectors[seen], labels, speakers)
    pairs = calibration.affine(held_out.target, held_out.nontarget, p_target).llrs(recognizer.pair_scores(test, test))
    temperature = class_calibration.fit(held_out.classes, held_out.labels, with_bias=False).temperature
    return FoldScores(pairs, log_softmax(recognizer.class_scores(test) / temperature, axis=1))


def posterior_scores(logs: np.ndarray) -> FoldScores:
    """Score pairs by log posteriors (M, K): log odds of one class for both, minus the log odds of the prior 1 / K.

    The log posteriors need not be normalised.
    """
    logs = log_softmax(np.float64(logs), axis=1)
    same = (np.exp(logs) @ np.exp(logs).T).clip(1e-12, 1.0 - 1e-12)
    return FoldScores(np.log(same / (1.0 - same)) + np.log(logs.shape[1] - 1.0), logs)


def average(scores: Sequence[FoldScores]) -> FoldScores:
    """Average the scores of several systems of one fold; log posteriors are normalised again."""
    pairs = np.mean([one.pairs for one in scores], axis=0)
    return FoldScores(pairs, log_softmax(np.mean([one.classes for one in scores], axis=0), axis=1))


def measure(scores: FoldScores, labels: np.ndarray, speakers: np.ndarray) -> Figures:
    """Compute the figures of a fold from its scores, and the labels and speakers (M,) of its utterances."""
    counts = classification.confusion(labels, scores.classes.argmax(axis=1), scores.classes.shape[1])
    upper = np.triu(np.ones(scores.pairs.shape, bool), k=1)  # the scores are symmetric: each pair once
    llrs = scores.pairs.astype(np.float32)
    same = labels[:, None] == labels
    trials = ScoredTrials.of(llrs[upper], same[upper])
    apart = upper & (speakers[:, None] != speakers)
    two = ScoredTrials.of(llrs[apart], same[apart]).eer() if apart.any() else np.nan
    return Figures(
        100.0 * classification.uar(counts),
        100.0 * classification.accuracy(counts),
        100.0 * trials.eer(),
        100.0 * two,
        calibration.cllr(trials.target, trials.nontarget),
        100.0 * calibration.expected_calibration_error(np.exp(scores.classes), labels),
    )


def measure_folds(scores: Mapping[str, FoldScores], corpus: Corpus) -> dict[str, Figures]:
    """Compute the figures of each fold."""
    return {
        fold: measure(one, corpus.labels[corpus.folds == fold], corpus.speakers[corpus.folds == fold])
        for fold, one in scores.items()
    }
