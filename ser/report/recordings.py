"""Clips of utterances for a page: finds the recordings in data dirs and cuts them to their segments."""

import logging
from collections.abc import Container

from ser.kaldi import audio
from ser.report.clip import RATE, Clip, make_clip
from ser.report.errors import Known

logger = logging.getLogger(__name__)


class Recordings:
    """Returns the clip of an utterance, with sound if it is in `audible`; None with a warning if it cannot be read.

    For an utterance without a recording, such as one of text only, it returns None without a warning.
    """

    def __init__(self, known: Known, audible: Container[str]) -> None:
        self._known = known
        self._audible = audible

    def __call__(self, utt: str) -> Clip | None:
        segment = self._known.get("segments", utt)
        recording, *times = segment.split() if segment else [utt]
        entry = self._known.get("wav.scp", recording)
        if not entry:
            return None
        samples = audio.read_wave(entry, RATE)
        if isinstance(samples, audio.Unreadable):
            logger.warning("%s: no clip: %s", utt, samples.reason)
            return None
        if times:
            start, end = map(float, times)
            samples = samples[int(start * RATE) : len(samples) if end == -1 else int(end * RATE)]
        if not len(samples):
            logger.warning("%s: no clip: its segment lies outside of the recording", utt)
            return None
        return make_clip(samples, utt in self._audible)
