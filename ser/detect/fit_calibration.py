"""Fits a detector's calibration and thresholds on training speakers on whom the scoring back ends were not trained."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection

import numpy as np

from ser.backend.chain import BackendConfig
from ser.backend.held_out import HeldOutScores, assign_parts, train_and_score
from ser.detect.decision import Calibration, Decider
from ser.detect.detector_dir import DetectorConfig
from ser.detect.enrolled import EnrolledClasses
from ser.detect.outliers import Outliers, farthest
from ser.errors import SerError
from ser.metrics import class_calibration
from ser.metrics.calibration import expected_calibration_error
from ser.metrics.classification import confusion, uar

logger = logging.getLogger(__name__)


def calibrated(
    vectors: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    names: tuple[str, ...],
    backend: BackendConfig,
    settings: DetectorConfig,
    unseen: Collection[str] = (),
    all_new: bool = False,
    outlier_share: float | None = None,
) -> Decider:
    """Train a back end; fit temperature, biases and threshold on scores of speakers on whom it was not trained.

    If there are speakers `unseen`, on whom no net was trained, the back end is not trained on them either, and only
    they are scored. `all_new` says that no net was trained on any of the speakers. `outlier_share` is the share of
    these utterances whose outlier score is over its threshold. [that of the settings]
    """

    def train(seen: np.ndarray, seen_labels: np.ndarray, _: np.ndarray) -> EnrolledClasses:
        return EnrolledClasses.train(seen, seen_labels, names, backend)

    # Use these speakers only if they have all classes, since each class needs a bias.
    if len(np.unique(labels[np.isin(speakers, list(unseen))])) < len(names):
        unseen = ()
    parts = settings.held_out_parts, settings.seed
    classes, found, trained = train_and_score(train, vectors, labels, speakers, unseen, *parts)
    new = set(speakers[found.rows].tolist()) <= set(unseen)
    fitted = class_calibration.fit(found.classes, found.labels, with_bias=True)
    # The biases contain the class priors of the training set; subtract these, so that all classes are equally likely.
    counts = np.bincount(found.labels, minlength=len(names))
    if not counts.all():
        few = ", ".join(name for name, count in zip(names, counts, strict=True) if not count)
        raise SerError(f"calibration: no held-out utterance of {few}; give each class at least two training utterances")
    bias = fitted.bias - np.log(counts / counts.sum())
    posteriors = class_calibration.ClassCalibration(fitted.temperature, bias).posteriors(found.classes)
    threshold = float(np.quantile(posteriors.max(axis=1), settings.unknown_share - settings.outlier_share))
    logger.info(
        "held out: %d utterances, UAR %.2f %%; unknown below a posterior of %.3f",
        len(posteriors),
        100 * uar(confusion(found.labels, posteriors.argmax(axis=1), len(names))),
        threshold,
    )
    part = assign_parts(labels, speakers, *parts)
    if unseen:
        part = np.where(np.isin(speakers, list(unseen)), 0, -1)
    limit = farthest(vectors, part, settings.outlier_share if outlier_share is None else outlier_share)
    logger.info("held out: unknown above an outlier score of %.3f", limit)
    biases = dict(zip(names, bias.tolist(), strict=True))
    measured = _measure(found, speakers[found.rows], settings)
    number = len(unseen) if new else len(set(speakers[found.rows].tolist())) if all_new else 0
    fitted_to = Calibration(fitted.temperature, biases, threshold, limit, len(posteriors), number, *measured)
    return Decider(classes, fitted_to, Outliers.fit(vectors[trained]))


def _measure(found: HeldOutScores, speakers: np.ndarray, settings: DetectorConfig) -> tuple[float, float, float]:
    """Return Cllr, cost and expected calibration error of held-out scores, by calibrations fitted on other speakers.

    `speakers` (M,) are those of the scores. Infinite if their speakers cannot be divided so that each part has others.
    """
    scores, labels = found.classes, found.labels
    part = assign_parts(labels, speakers, settings.held_out_parts, settings.seed)
    of_speaker = {(name, number) for name, number in zip(speakers.tolist(), part.tolist(), strict=True) if number >= 0}
    if len(of_speaker) < 2 or len({name for name, _ in of_speaker}) < len(of_speaker):
        logger.info("held out: too few speakers to measure a calibration on others than those it is fitted on")
        return math.inf, math.inf, math.inf
    equal, natural = np.zeros(scores.shape), np.zeros(scores.shape)
    for number in np.unique(part[part >= 0]):
        mine, others = part == number, part != number
        fitted = class_calibration.fit(scores[others], labels[others], with_bias=True)
        natural[mine] = fitted.posteriors(scores[mine])
        # Without the priors of the classes, as in the detector.
        equal[mine] = natural[mine] / np.bincount(labels[others], minlength=scores.shape[1])
    rows = part >= 0
    labels, natural, equal = labels[rows], natural[rows], equal[rows] / equal[rows].sum(axis=1, keepdims=True)
    cllr, cost = class_calibration.class_cllr(equal, labels), class_calibration.class_cost(equal, labels)
    # This error compares posteriors with how often each class was right, so they need the priors of these utterances.
    error = expected_calibration_error(natural, labels)
    logger.info("held out: Cllr %.3f, cost %.3f, expected calibration error %.3f", cllr, cost, error)
    return cllr, cost, error
