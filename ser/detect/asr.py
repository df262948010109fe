"""The detector of system B: bottleneck features of a speech recogniser, pooled over an utterance.

The steps are MFCC without mean normalisation, i-vectors of this recording only, the output of one node at every third
frame, and the mean (and standard deviation) over frames; `ser.detect.decision` then decides. There is no voice activity
detection: as in S. Zhou, H. Beigi, 2020, the net has to deal with silence. Unlike most of this package, this module
imports PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.asr.recogniser import Recogniser
from ser.asr.recogniser_dir import MFCC, RECOGNISER
from ser.detect import detector_dir
from ser.detect.decision import Decider
from ser.detect.detector_dir import Description
from ser.detect.front_end import FrontEnd
from ser.detect.samples import SampleDetector
from ser.errors import SerError
from ser.features.cmvn import SlidingCmvnOptions
from ser.features.extractor import Extractor
from ser.features.mfcc import MfccOptions
from ser.features.pooling import pool
from ser.features.vad import VadOptions
from ser.kaldi.options import read_options


@dataclass(frozen=True)
class BottleneckNet:
    """Turns the MFCC (T, F) of an utterance into its vector: the statistics of one node's outputs."""

    recogniser: Recogniser
    node: str
    statistics: str

    # No frames are lost at the ends of an utterance, since its first and last frames are repeated.
    span = 0

    @classmethod
    def load(cls, folder: Path, layer: str, statistics: str) -> BottleneckNet:
        """Read the recogniser of `folder`; SerError as in `Recogniser.load`, or if it has no such layer."""
        recogniser = Recogniser.load(folder)
        return cls(recogniser, recogniser.net.node_of(layer), statistics)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Embed one utterance: (T, F) to (D,) float32."""
        (outputs,) = self.recogniser.outputs(features, [self.node])
        return pool(outputs, self.statistics)


@dataclass(frozen=True)
class AsrDetector(SampleDetector):
    """A `Detector` with vectors of a speech recogniser; `Detector.load` makes one."""

    net: BottleneckNet  # type: ignore[assignment]  # every method of Detector that reads a Net is replaced below

    @classmethod
    def read(
        cls, folder: Path, description: Description, deciders: dict[str, Decider], by_speaker: dict[str, Decider]
    ) -> AsrDetector:
        """Read a detector's folder, including the parts that only this kind has."""
        if description.statistics is None:
            raise SerError(f"{folder / detector_dir.SETTINGS}: no statistics; make the detector again")
        mfcc = read_options(MfccOptions, folder / MFCC)
        front_end = FrontEnd(Extractor(mfcc), VadOptions(), SlidingCmvnOptions())
        net = BottleneckNet.load(folder / RECOGNISER, description.layer, description.statistics)
        return cls(description, front_end, net, deciders, None, by_speaker)

    @property
    def _sample_rate(self) -> int:
        return self.front_end.extract.sample_rate

    @property
    def _shift(self) -> int:
        return self.front_end.extract.spectral.shift

    def _embed_samples(self, recording: str | Path, samples: np.ndarray) -> tuple[np.ndarray, int]:
        try:
            features = self.front_end.extract("recording", samples)
        except SerError as error:
            raise SerError(f"{recording}: {error}") from error
        return self.net(features), len(features)
