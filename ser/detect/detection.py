"""What a detector says of a recording or of a window of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Detection:
    """The result for a recording, or for one window of it.

    Attributes
    ----------
    file : the recording, as the caller named it.
    start, end : of the window, in seconds from the beginning of the recording.
    speech : seconds of speech between `start` and `end`.
    modality : ``speech``, or ``speech+text`` where the words were given.
    emotion : the class of the highest posterior; ``unknown`` where that posterior is under the model's threshold, or
        where the speech is unlike the training speech; None where there is too little speech.
    posteriors : class -> probability under equal priors; they sum to 1. They are calibrated for new speakers where the
        calibration had speakers that the net had not (`Calibration.unseen_speakers`).
    problem : why there is no emotion; empty if there is one.
    distance : outlier score divided by its threshold: above 1 the speech is unlike the training speech, and the
        emotion is ``unknown``; None where there is too little speech.
    channel : the channel that was read, from 1; None: the mean of all channels.
    speaker : the speaker whose mean was taken off the embedding; None: none was.
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
