"""The detector of system B: bottlenecks of a speech recogniser, pooled over an utterance, in place of an x-vector.

MFCC without mean normalisation, i-vectors of this recording alone, a node of the net at every third frame, mean (and
deviation) of its frames; then the decision of `ser.detect.decision`. No voice activity detection: as in S. Zhou, H.
Beigi, 2020, silence is for the net to judge. This module imports PyTorch, unlike the rest of the room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ser.asr.node_net import NodeComputer
from ser.detect import detector_dir
from ser.detect.decision import Decider
from ser.detect.detection import Detection
from ser.detect.detector import Detector
from ser.detect.detector_dir import SPEECH, Description
from ser.detect.front_end import BLOCK_FRAMES, FrontEnd
from ser.detect.recordings import read_chunks
from ser.errors import SerError
from ser.features.cmvn import SlidingCmvnOptions
from ser.features.extractor import Extractor
from ser.features.mfcc import MfccOptions
from ser.features.pooling import pool
from ser.features.vad import VadOptions
from ser.ivector.online import OnlineExtractor
from ser.kaldi.options import read_options

# Frames from one output of the net to the next, as the recipe takes them.
SUBSAMPLING = 3


@dataclass(frozen=True)
class BottleneckNet:
    """Turns the MFCC (T, F) of an utterance into its vector: `ivectors` is None where the net takes none."""

    net: NodeComputer
    node: str
    statistics: str
    ivectors: OnlineExtractor | None

    # Frames that are lost at the ends of an utterance: none, since the first and the last are repeated.
    span = 0

    @classmethod
    def load(cls, folder: Path, layer: str, statistics: str) -> BottleneckNet:
        """Read the net in <folder>/net and, where it takes i-vectors, their extractor in <folder>/extractor."""
        extractor = None
        if (folder / "extractor").is_dir():
            extractor = OnlineExtractor.load(folder / "extractor" / "online.conf")
        # The i-vectors are computed here, by the recording: `zero` only says that the net takes some.
        net = NodeComputer(folder / "net", torch.device("cpu"), zero=extractor is not None)
        if extractor is not None and extractor.ivector_dim != net.net.ivector_dim:
            raise SerError(
                f"{folder}: i-vectors of {extractor.ivector_dim} numbers, but the net takes {net.net.ivector_dim}: "
                "give the extractor that the net was trained with"
            )
        return cls(net, net.node_of(layer), statistics, extractor)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Embed one utterance: (T, F) to (D,) float32."""
        ivectors = None
        if self.ivectors is not None:
            ivectors = self.ivectors.extract(features, self.ivectors.new_speaker())
        return pool(self.net.compute(features, self.node, SUBSAMPLING, ivectors), self.statistics)


@dataclass(frozen=True)
class AsrDetector(Detector):
    """A `Detector` whose vectors are those of a speech recogniser; `Detector.load` makes one."""

    net: BottleneckNet  # type: ignore[assignment]  # every method of Detector that reads a Net is replaced below

    @classmethod
    def read(
        cls, folder: Path, description: Description, deciders: dict[str, Decider], by_speaker: dict[str, Decider]
    ) -> AsrDetector:
        """Read the parts of a detector's folder that only this kind has."""
        if description.statistics is None:
            raise SerError(f"{folder / detector_dir.SETTINGS}: no statistics; make the detector again")
        mfcc = read_options(MfccOptions, folder / "mfcc.conf")
        front_end = FrontEnd(Extractor(mfcc), VadOptions(), SlidingCmvnOptions())
        net = BottleneckNet.load(folder / detector_dir.ASR, description.layer, description.statistics)
        return cls(description, front_end, net, deciders, None, by_speaker)

    def embed(self, recording: str | Path, channel: int | None = None) -> tuple[np.ndarray, float, float]:
        """Return the vector (D,) of a recording and, twice, its length in seconds.

        A recording over 100 s is cut; its vector is the mean of the pieces' ones, weighted by their lengths.
        """
        total, frames, length = np.zeros(1), 0, 0
        for samples in self._pieces(recording, channel):
            features = self._features(recording, samples)
            total, frames = total + len(features) * self.net(features), frames + len(features)
            length += len(samples)
        seconds = length / self.front_end.extract.sample_rate
        if frames < self.least_frames:
            raise SerError(f"{recording}: {self._too_little(frames)}")
        return (total / frames).astype(np.float32), round(seconds, 3), round(seconds, 3)

    def windows(
        self,
        recording: str | Path,
        window: float | None = None,
        hop: float | None = None,
        channel: int | None = None,
    ) -> Iterator[Detection]:
        """Find the emotions over time, each window an utterance by itself, in memory that does not grow."""
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
        (found,) = self._decide(str(recording), SPEECH, self.net(self._features(recording, samples))[None])
        return self._detection(str(recording), times, SPEECH, found, channel)

    @property
    def _shift(self) -> int:
        return self.front_end.extract.spectral.shift

    def _features(self, recording: str | Path, samples: np.ndarray) -> np.ndarray:
        try:
            return self.front_end.extract("recording", samples)
        except SerError as error:
            raise SerError(f"{recording}: {error}") from error

    def _chunks(self, recording: str | Path, channel: int | None) -> Iterable[np.ndarray]:
        return read_chunks(recording, self.front_end.extract.sample_rate, channel)

    def _pieces(self, recording: str | Path, channel: int | None) -> Iterator[np.ndarray]:
        """Yield the samples in pieces of 100 s; what is left over is at least half of that, or the whole recording."""
        size = BLOCK_FRAMES * self._shift
        waiting = np.zeros(0, np.float32)
        for chunk in self._chunks(recording, channel):
            waiting = np.concatenate([waiting, chunk])
            while len(waiting) >= size + size // 2:
                yield waiting[:size]
                waiting = waiting[size:]
        yield waiting
