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
import torch

from ser.asr.node_net import NodeComputer
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
from ser.ivector.online import OnlineExtractor
from ser.kaldi.options import read_options

# Frames from one output of the net to the next, as in the recipe.
SUBSAMPLING = 3


@dataclass(frozen=True)
class BottleneckNet:
    """Turns the MFCC (T, F) of an utterance into its vector; `ivectors` is None if the net takes no i-vectors."""

    net: NodeComputer
    node: str
    statistics: str
    ivectors: OnlineExtractor | None

    # No frames are lost at the ends of an utterance, since its first and last frames are repeated.
    span = 0

    @classmethod
    def load(cls, folder: Path, layer: str, statistics: str) -> BottleneckNet:
        """Read the net in <folder>/net and, if it takes i-vectors, their extractor in <folder>/extractor."""
        extractor = None
        if (folder / "extractor").is_dir():
            extractor = OnlineExtractor.load(folder / "extractor" / "online.conf")
        # The i-vectors are computed here for each recording; `zero` only says that the net takes i-vectors.
        net = NodeComputer(folder / "net", torch.device("cpu"), zero=extractor is not None)
        if extractor is not None and extractor.ivector_dim != net.net.ivector_dim:
            raise SerError(
                f"{folder}: i-vectors of dimension {extractor.ivector_dim}, but the net takes {net.net.ivector_dim}; "
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
        mfcc = read_options(MfccOptions, folder / "mfcc.conf")
        front_end = FrontEnd(Extractor(mfcc), VadOptions(), SlidingCmvnOptions())
        net = BottleneckNet.load(folder / detector_dir.ASR, description.layer, description.statistics)
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
