"""Fits a detector's calibration and thresholds on training speakers on whom the scoring back ends were not trained."""

from __future__ import annotations

import logging
from collections.abc import Collection

import numpy as np

from ser.backend.chain import BackendConfig
from ser.backend.held_out import assign_parts, train_and_score
from ser.detect.decision import Calibration, Decider
from ser.detect.detector_dir import DetectorConfig
from ser.detect.enrolled import EnrolledClasses
from ser.detect.outliers import Outliers
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
) -> Decider:
    """Train a back end; fit temperature, biases and threshold on scores of speakers on whom it was not trained.

    If there are speakers `unseen`, on whom no net was trained, the back end is not trained on them either, and only
    they are scored. `all_new` says that no net was trained on any of the speakers.
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
    threshold = float(np.quantile(posteriors.max(axis=1), settings.unknown_share))
    logger.info(
        "held out: %d utterances, UAR %.2f %%, expected calibration error %.4f; unknown below a posterior of %.3f",
        len(posteriors),
        100 * uar(confusion(found.labels, posteriors.argmax(axis=1), len(names))),
        expected_calibration_error(posteriors, found.labels),
        threshold,
    )
    farthest = _farthest(vectors, labels, speakers, unseen, settings)
    biases = dict(zip(names, bias.tolist(), strict=True))
    number = len(unseen) if new else len(set(speakers[found.rows].tolist())) if all_new else 0
    fitted_to = Calibration(fitted.temperature, biases, threshold, farthest, len(posteriors), number)
    return Decider(classes, fitted_to, Outliers.fit(vectors[trained]))


def _farthest(
    vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, unseen: Collection[str], settings: DetectorConfig
) -> float:
    """Return the outlier score that the share `unknown_share` of held-out speakers' utterances exceeds."""
    part = assign_parts(labels, speakers, settings.held_out_parts, settings.seed)
    if unseen:
        part = np.where(np.isin(speakers, list(unseen)), 0, -1)
    scores = [Outliers.fit(vectors[part != number]).scores(vectors[part == number]) for number in set(part[part >= 0])]
    farthest = float(np.quantile(np.concatenate(scores), 1 - settings.unknown_share))
    logger.info("held out: unknown above an outlier score of %.3f", farthest)
    return farthest
