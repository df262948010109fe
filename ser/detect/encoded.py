"""The detector of a published audio encoder, whose embedding is the mean over time of one of its layers.

Unlike most of this package, this module imports PyTorch.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.detect import detector_dir
from ser.detect.decision import Decider
from ser.detect.detector_dir import Description
from ser.detect.samples import SampleDetector
from ser.detect.words import TextEncoder
from ser.encoders.audio_encoder import AudioEncoder, check_layers, pool_rows
from ser.encoders.loading import load_audio_encoder
from ser.errors import SerError

# Frames per second in which lengths are counted; the rows of an encoder may be as far apart as a second.
FRAMES_A_SECOND = 100


@dataclass(frozen=True)
class EncodedNet:
    """Turns the samples of an utterance into its embedding at one layer of an encoder."""

    encoder: AudioEncoder
    layer: str

    # Frames that are lost at the ends of an utterance.
    span = 0

    @classmethod
    def load(cls, folder: str | Path, layer: str) -> EncodedNet:
        """Read the encoder of a folder; SerError if it or the layer does not exist."""
        encoder = load_audio_encoder(str(folder))
        check_layers(encoder, [layer])
        return cls(encoder, layer)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Embed one utterance: (N,) to (D,) float32."""
        ((_, states),) = self.encoder.encode([("recording", samples)], [self.layer])
        if isinstance(states, SerError):
            raise states
        return pool_rows(states[self.layer], "mean")


@dataclass(frozen=True)
class Clock:
    """Converts between samples, frames and seconds."""

    sample_rate: int

    @property
    def shift(self) -> int:
        """Number of samples per frame."""
        return self.sample_rate // FRAMES_A_SECOND

    @property
    def seconds_a_frame(self) -> float:
        """Seconds per frame."""
        return self.shift / self.sample_rate


@dataclass(frozen=True)
class EncodedDetector(SampleDetector):
    """A `Detector` with embeddings of an audio encoder; `Detector.load` makes one."""

    front_end: Clock  # type: ignore[assignment]  # every method of Detector that reads more of it is replaced
    net: EncodedNet  # type: ignore[assignment]

    @classmethod
    def read(
        cls,
        folder: Path,
        description: Description,
        deciders: dict[str, Decider],
        text_encoder: TextEncoder | None,
        by_speaker: dict[str, Decider],
    ) -> EncodedDetector:
        """Read a detector's folder, including the parts that only this kind has."""
        logging.getLogger("transformers").setLevel(logging.ERROR)
        net = EncodedNet.load(folder / detector_dir.ENCODER, description.layer)
        return cls(description, Clock(net.encoder.sample_rate), net, deciders, text_encoder, by_speaker)

    @property
    def _sample_rate(self) -> int:
        return self.front_end.sample_rate

    @property
    def _shift(self) -> int:
        return self.front_end.shift

    def _embed_samples(self, recording: str | Path, samples: np.ndarray) -> tuple[np.ndarray, int]:
        if not len(samples):
            raise SerError(f"{recording}: {self._too_little(0)}")
        try:
            return self.net(samples), len(samples) // self._shift
        except SerError as error:
            raise SerError(f"{recording}: {error}") from error
