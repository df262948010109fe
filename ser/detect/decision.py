"""The decision: turns embeddings into posteriors and a class, or "unknown"."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser.config import load_config, to_yaml
from ser.detect.detector_dir import CALIBRATION, REMEDY
from ser.detect.enrolled import EnrolledClasses
from ser.detect.outliers import Outliers
from ser.errors import SerError
from ser.files import write_text

# The answer for a recording that is unlike all classes; no class may have this name.
UNKNOWN = "unknown"
# Posteriors are called calibrated if they are worth more than none at all, and nearly as often right as they say.
MOST_COST, MOST_ERROR = 1.0, 0.10


@dataclass(frozen=True)
class Calibration:
    """The contents of calibration.yaml, fitted on `utterances` held-out utterances.

    `unseen_speakers` is the number of their speakers if no net was trained on any of them, and else 0. `cllr`, `cost`
    and `error` are the multi-class Cllr, the normalised cost and the expected calibration error of the posteriors on
    these utterances, by calibrations fitted on other speakers of them; infinite if they were not measured.

    Posteriors are the softmax of score / `temperature` + `bias` of the class (`ser.metrics.class_calibration`, which
    takes long to import). An utterance is `UNKNOWN` if its highest posterior is below `threshold` (Hendrycks and
    Gimpel, "A baseline for detecting misclassified and out-of-distribution examples in neural networks", ICLR 2017), or
    if its outlier score (`ser.detect.outliers`) is over `farthest`.
    """

    temperature: float
    bias: dict[str, float]
    threshold: float
    farthest: float
    utterances: int
    unseen_speakers: int = 0
    cllr: float = math.inf
    cost: float = math.inf
    error: float = math.inf

    def problem(self) -> str:
        """Return why the posteriors may not be called calibrated for new speakers; empty if they may."""
        if not self.unseen_speakers:
            return (
                "they are too high, since they were calibrated on speakers that the net was trained on (use run.sh "
                "--hold-out-speakers)"
            )
        if math.isinf(self.cllr):
            return "too few speakers are new to the net to measure it (use a larger run.sh --hold-out-speakers)"
        if self.cllr < MOST_COST and self.cost < MOST_COST and self.error <= MOST_ERROR:
            return ""
        return (
            f"on {self.unseen_speakers} speakers new to the net their Cllr was {self.cllr:.3f}, their cost"
            f" {self.cost:.3f} and their calibration error {self.error:.3f}; expected under {MOST_COST:g}, under"
            f" {MOST_COST:g} and at most {MOST_ERROR}"
        )


class Decision(NamedTuple):
    """A class or `UNKNOWN`; the posterior of each class; the outlier score over its threshold (above 1: unknown)."""

    emotion: str
    posteriors: dict[str, float]
    distance: float


@dataclass(frozen=True)
class Decider:
    """Enrolled classes, the calibration of their scores, and the distribution of the training embeddings."""

    classes: EnrolledClasses
    calibration: Calibration
    outliers: Outliers

    def decide(
        self, vectors: np.ndarray, mean: np.ndarray | None = None, distances: np.ndarray | None = None
    ) -> list[Decision]:
        """Decide on each of the embeddings (N, D); see `Detection`.

        Parameters
        ----------
        mean : (D,) vector that is subtracted before scoring, but not before the outlier score is computed: for sounds
            that are all of the same kind, nearly nothing would be left of the distance from the training speech.
        distances : (N,) outlier scores of the input over their threshold; the higher of these and the own ones counts.

        Raises
        ------
        SerError
            If a posterior is not a finite number.
        """
        names, threshold = self.classes.names, self.calibration.threshold
        scores = self.classes.class_scores(vectors if mean is None else vectors - mean)
        logits = scores / self.calibration.temperature + np.array([self.calibration.bias[name] for name in names])
        posteriors = np.exp(logits - logits.max(axis=1, keepdims=True))
        posteriors /= posteriors.sum(axis=1, keepdims=True)
        if not np.isfinite(posteriors).all():
            raise SerError(f"a posterior is NaN, so the model holds infinite numbers or NaN; {REMEDY}")
        own = self.outliers.scores(vectors) / self.calibration.farthest
        farther = own if distances is None else np.maximum(own, distances)
        return [
            Decision(
                names[row.argmax()] if row.max() >= threshold and distance <= 1 else UNKNOWN,
                dict(zip(names, row.tolist(), strict=True)),
                distance,
            )
            for row, distance in zip(posteriors, farther.tolist(), strict=True)
        ]

    def add(self, name: str, vectors: np.ndarray) -> Decider:
        """Enrol a class by the embeddings (n, D) of its examples; its bias is the mean of the other classes' biases."""
        bias = self.calibration.bias
        calibration = replace(self.calibration, bias=bias | {name: float(np.mean(list(bias.values())))})
        return Decider(self.classes.add(name, vectors), calibration, self.outliers.add(vectors))

    def save(self, folder: Path) -> None:
        """Write everything into a folder, for `load`."""
        self.classes.save(folder)
        self.outliers.save(folder)
        write_text(folder / CALIBRATION, to_yaml(self.calibration))

    @classmethod
    def load(cls, folder: Path) -> Decider:
        """Read what `save` wrote."""
        classes, path = EnrolledClasses.load(folder), folder / CALIBRATION
        calibration = load_config(Calibration, path)
        numbers = [calibration.temperature, calibration.threshold, calibration.farthest, *calibration.bias.values()]
        is_over_0 = calibration.temperature > 0 and calibration.farthest > 0
        if set(calibration.bias) != set(classes.names) or not is_over_0 or not np.isfinite(numbers).all():
            raise SerError(
                f"{path}: temperature {calibration.temperature}, farthest {calibration.farthest} and biases of"
                f" {', '.join(calibration.bias)}; expected over 0, over 0, those of {', '.join(classes.names)}, and all"
                f" of them finite; {REMEDY}"
            )
        return cls(classes, calibration, Outliers.load(folder, classes.averages.shape[1]))
