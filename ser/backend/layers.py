"""Comparison of the layers of an encoder: cross-validation of a classifier on the embeddings of each layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ser.backend.chain import BackendConfig
from ser.backend.recognizer import train_plda
from ser.errors import SerError
from ser.metrics import classification
from ser.metrics.detection import ScoredTrials

Classifier = Literal["plda", "svm"]
# Settings of the support vector machine, on vectors of unit variance in each dimension: scikit-learn's defaults.
SVM = dict(kernel="rbf", C=1.0, gamma="scale", class_weight="balanced")


@dataclass(frozen=True)
class LayerFigures:
    """Figures of a classifier over all folds together, shares of 1; `eer` is of pairs within the folds, or None."""

    unweighted: float
    weighted: float
    eer: float | None


def cross_validate(
    vectors: np.ndarray, labels: np.ndarray, folds: Sequence[str], classifier: Classifier, config: BackendConfig
) -> LayerFigures:
    """Train on all folds but one, score that one, and so on.

    Parameters
    ----------
    vectors : (N, D) float32.
    labels : (N,) int, 0 to K - 1.
    folds : the fold of each utterance.
    classifier : ``plda`` (mean, LDA, PLDA) or ``svm``.
    config : settings of the chain for ``plda``.

    Raises
    ------
    SerError
        If there is only one fold, or a class has no training utterance in a fold.
    """
    names, num_classes = np.asarray(folds), int(labels.max()) + 1
    if len(np.unique(names)) < 2:
        raise SerError(f"one fold alone ({names[0]}): two or more are needed; prepare the corpus with --folds")
    guesses = np.empty(len(labels), np.int64)
    targets, nontargets = [], []
    for name in np.unique(names):
        test = names == name
        if missing := sorted(set(range(num_classes)) - set(labels[~test].tolist())):
            raise SerError(f"fold {name}: no training utterance of class {missing[0]}; take fewer folds")
        if classifier == "svm":
            guesses[test] = _svm(vectors[~test], labels[~test], vectors[test])
            continue
        recognizer = train_plda(vectors[~test], labels[~test], config)
        guesses[test] = recognizer.class_scores(vectors[test]).argmax(axis=1)
        scores = recognizer.pair_scores(vectors[test], vectors[test])
        trials = ScoredTrials.of_pairs(scores, labels[test], labels[test], np.arange(int(test.sum())))
        targets.append(trials.target)
        nontargets.append(trials.nontarget)
    counts = classification.confusion(labels, guesses, num_classes)
    eer = None
    if targets:
        eer = ScoredTrials(np.sort(np.concatenate(targets)), np.sort(np.concatenate(nontargets))).eer()
    return LayerFigures(classification.uar(counts), classification.accuracy(counts), eer)


def _svm(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    from sklearn.svm import SVC

    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation = np.where(deviation > 1e-6, deviation, 1.0)
    model = SVC(**SVM).fit((train - mean) / deviation, labels)
    return model.predict((test - mean) / deviation)
