"""Fallback to speech: a back end for utterances with text, and one on speech for those without, on one scale."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.backend.held_out import Train, train_and_score
from ser.backend.recognizer import Recognizer
from ser.errors import SerError
from ser.files import write_text
from ser.metrics import calibration, class_calibration


@dataclass(frozen=True)
class Calibrated:
    """A back end whose pair scores are log likelihood ratios, and whose class scores are log posteriors."""

    recognizer: Recognizer
    pairs: calibration.AffineCalibration
    classes: class_calibration.ClassCalibration

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        return self.pairs.llrs(self.recognizer.pair_scores(enrol, test, num_utts)).astype(np.float32)

    def class_scores(self, test: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(self.classes.posteriors(self.recognizer.class_scores(test)), np.finfo(float).tiny))


@dataclass(frozen=True)
class FallbackRecognizer:
    """Scores by `main` where all utterances have its vector, and by `speech` the other utterances and pairs.

    Vectors are (N, size + S): the `size` numbers of `main`, NaN if an utterance has none, then the S of `speech`. An
    average with NaN is NaN, so an enrolled class is scored by speech if one of its utterances is.
    """

    main: Calibrated
    speech: Calibrated
    size: int

    @property
    def lda_dim(self) -> int | None:
        return self.main.recognizer.lda_dim

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        scores = self.speech.pair_scores(enrol[:, self.size :], test[:, self.size :], num_utts)
        rows, columns = self._has_main(enrol), self._has_main(test)
        if rows.any() and columns.any():
            whole = self.main.pair_scores(enrol[rows, : self.size], test[columns, : self.size], num_utts)
            scores[np.ix_(rows, columns)] = whole
        return scores

    def class_scores(self, test: np.ndarray) -> np.ndarray:
        scores = self.speech.class_scores(test[:, self.size :])
        rows = self._has_main(test)
        if rows.any():
            scores[rows] = self.main.class_scores(test[rows, : self.size])
        return scores

    def save(self, folder: Path, num_utts: Mapping[str, int]) -> None:
        """Write the two to ``main`` and ``speech``, each with its ``calibration.yaml``."""
        for name, part in (("main", self.main), ("speech", self.speech)):
            part.recognizer.save(folder / name, num_utts)
            scale = {"scale": part.pairs.scale, "offset": part.pairs.offset, "temperature": part.classes.temperature}
            write_text(
                folder / name / "calibration.yaml", "".join(f"{key}: {value!r}\n" for key, value in scale.items())
            )

    def _has_main(self, vectors: np.ndarray) -> np.ndarray:
        return ~np.isnan(vectors[:, : self.size]).any(axis=1)


def fallback_trainer(train: Train, size: int, p_target: float, unseen: Collection[str], parts: int, seed: int) -> Train:
    """Return a function that trains a `FallbackRecognizer`: both back ends by `train`, calibrated on held-out speakers.

    Parameters
    ----------
    size : length of the main vector, which comes first.
    p_target : prior for which the pair scores are calibrated.
    unseen, parts, seed : see `train_and_score`.
    """

    def calibrated(vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray) -> Calibrated:
        trained, held_out, _ = train_and_score(train, vectors, labels, speakers, unseen, parts, seed)
        return Calibrated(
            trained,
            calibration.affine(held_out.target, held_out.nontarget, p_target),
            class_calibration.fit(held_out.classes, held_out.labels, with_bias=False),
        )

    def train_both(vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray) -> FallbackRecognizer:
        whole = ~np.isnan(vectors[:, :size]).any(axis=1)
        if len(np.unique(labels[whole])) < len(np.unique(labels)):
            raise SerError(
                "fallback: some class has no training utterance with a text; give one, or leave the class out"
            )
        main = calibrated(vectors[whole, :size], labels[whole], speakers[whole])
        return FallbackRecognizer(main, calibrated(vectors[:, size:], labels, speakers), size)

    return train_both
