"""The result of a detector for a recording, or for a window of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Embedded(NamedTuple):
    """A recording's embedding `vector` (D,), its length and its length of speech in s, and its `input_statistics`."""

    vector: np.ndarray
    seconds: float
    speech: float
    inputs: np.ndarray | None = None


@dataclass(frozen=True)
class Detection:
    """The result for a recording, or for one window of it.

    Attributes
    ----------
    file : the recording, as the caller named it.
    start, end : beginning and end of the window, in seconds from the beginning of the recording.
    speech : seconds of speech between `start` and `end`.
    modality : ``speech``, or ``speech+text`` if the words were given.
    emotion : the class of the highest posterior; ``unknown`` if that posterior is below the model's threshold, or if
        the speech is unlike the training speech; None if there is too little speech.
    posteriors : class -> probability under equal priors; they sum to 1. `Calibration.problem` says whether they are
        calibrated for new speakers.
    problem : why there is no emotion; empty if there is one.
    distance : the highest of the outlier scores, of embedding and input, each divided by its threshold: above 1 the
        speech is unlike the training speech, and the emotion is ``unknown``; None if there is too little speech.
    channel : the channel that was read, from 1; None: the mean of all channels.
    speaker : the speaker whose mean was subtracted from the embedding; None if none was.
    """

    file: str
    start: float
    end: float
    speech: float
    modality: str
    emotion: str | None
    posteriors: dict[str, float]
    problem: str = ""
    distance: float | None = None
    channel: int | None = None
    speaker: str | None = None

    def __str__(self) -> str:
        ranked = sorted(self.posteriors.items(), key=lambda item: -item[1])
        listed = ", ".join(f"{name} {share:.2f}" for name, share in ranked)
        return (
            f"{self.file} {self.start:.2f}-{self.end:.2f} s: {self.emotion or self.problem} ({listed or 'no speech'})"
        )
