"""Detectors whose net takes all samples of a recording, without voice activity detection."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ser.detect.detection import Detection, Embedded
from ser.detect.detector import Detector
from ser.detect.detector_dir import SPEECH
from ser.detect.front_end import BLOCK_FRAMES
from ser.detect.recordings import read_chunks
from ser.errors import SerError


class SampleDetector(Detector):
    """A `Detector` without voice activity detection: it embeds recordings in pieces of 100 s, windows one by one.

    `front_end` need only have ``seconds_a_frame``, and `net` only ``span``.
    """

    @property
    @abstractmethod
    def _sample_rate(self) -> int:
        """Sampling rate of the net's input in Hz."""

    @property
    @abstractmethod
    def _shift(self) -> int:
        """Samples from a frame to the next."""

    @abstractmethod
    def _embed_samples(self, recording: str | Path, samples: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the embedding (D,) of samples (N,) and the number of their frames; messages name the `recording`."""

    def embed(self, recording: str | Path, channel: int | None = None) -> Embedded:
        """Embed a recording; all of it counts as speech.

        A recording over 150 s is cut; its vector is the mean of the vectors of its pieces, weighted by their lengths.
        """
        total, frames, length = np.zeros(1), 0, 0
        for samples in self._pieces(recording, channel):
            vector, count = self._embed_samples(recording, samples)
            total, frames = total + count * vector, frames + count
            length += len(samples)
        seconds = length / self._sample_rate
        if frames < self.least_frames:
            raise SerError(f"{recording}: {self._too_little(frames)}")
        return Embedded((total / frames).astype(np.float32), round(seconds, 3), round(seconds, 3))

    def windows(
        self,
        recording: str | Path,
        window: float | None = None,
        hop: float | None = None,
        channel: int | None = None,
    ) -> Iterator[Detection]:
        """Find the emotions over time, each window as a separate utterance, in memory that does not grow."""
        size, step = self._window_frames(window, hop)
        shift, start, passed = self._shift, 0, False
        waiting = np.zeros(0, np.float32)
        for chunk in self._chunks(recording, channel):
            waiting = np.concatenate([waiting, chunk])
            while len(waiting) >= max(size, step) * shift:
                yield self._window(recording, channel, waiting[: size * shift], start, size)
                waiting, start, passed = waiting[step * shift :], start + step, True
        left = len(waiting) // shift
        if left and (not passed or step >= size or left > size - step):
            yield self._window(recording, channel, waiting[: size * shift], start, min(size, left))

    def _window(
        self, recording: str | Path, channel: int | None, samples: np.ndarray, start: int, frames: int
    ) -> Detection:
        second = self.front_end.seconds_a_frame
        times = (round(start * second, 3), round((start + frames) * second, 3), round(frames * second, 3))
        if frames < self.least_frames:
            return Detection(str(recording), *times, SPEECH, None, {}, self._too_little(frames), channel=channel)
        (found,) = self._decide(str(recording), SPEECH, self._embed_samples(recording, samples)[0][None], None)
        return self._detection(str(recording), times, SPEECH, found, channel)

    def _chunks(self, recording: str | Path, channel: int | None) -> Iterable[np.ndarray]:
        return read_chunks(recording, self._sample_rate, channel)

    def _pieces(self, recording: str | Path, channel: int | None) -> Iterator[np.ndarray]:
        """Yield the samples in pieces of 100 s; the last piece is from 50 to 150 s long, or the whole recording."""
        size = BLOCK_FRAMES * self._shift
        waiting = np.zeros(0, np.float32)
        for chunk in self._chunks(recording, channel):
            waiting = np.concatenate([waiting, chunk])
            while len(waiting) >= size + size // 2:
                yield waiting[:size]
                waiting = waiting[size:]
        yield waiting
