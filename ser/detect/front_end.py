"""The front end: turns a stream of samples into normalised features of its speech, in bounded memory.

The recipe's features: MFCC and pitch, energy VAD, mean normalisation in a sliding window, voiced frames. Pitch tracking
and the VAD's threshold depend on the whole utterance, so a long recording is cut into blocks of 100 s, always
at the same places. The features of a block are computed with 5 s of context on either side. A recording of at most one
block has exactly the recipe's features.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser.features.cmvn import SlidingCmvnOptions, sliding_cmvn
from ser.features.extractor import Extractor
from ser.features.mfcc import MfccOptions
from ser.features.pitch import PitchOptions
from ser.features.vad import VadOptions, voiced_frames
from ser.kaldi.options import read_options

# The longest chunk (in frames) that the recipe's nnet3-xvector-compute pools over.
BLOCK_FRAMES = 10_000
# Longer than half a normalisation window, and longer than the memory of the pitch tracker in practice.
MARGIN_FRAMES = 500


class Block(NamedTuple):
    """Frames `start` to `stop` of a recording: the numbers of the `voiced` ones (V,) and their `features` (V, F)."""

    start: int
    stop: int
    voiced: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class FrontEnd:
    """Turns samples into blocks of features. The option files are Kaldi's."""

    extract: Extractor
    vad: VadOptions
    cmvn: SlidingCmvnOptions

    # Names of the option files in a detector; the one for pitch may be absent.
    FILES = ("mfcc.conf", "pitch.conf", "vad.conf", "cmvn.conf")

    @classmethod
    def load(cls, folder: Path) -> FrontEnd:
        """Read the option files `FILES` of `folder`."""
        mfcc, pitch, vad, cmvn = (folder / name for name in cls.FILES)
        return cls(
            Extractor(read_options(MfccOptions, mfcc), read_options(PitchOptions, pitch) if pitch.exists() else None),
            read_options(VadOptions, vad),
            read_options(SlidingCmvnOptions, cmvn),
        )

    @property
    def seconds_a_frame(self) -> float:
        """Seconds from one frame to the next."""
        return self.extract.spectral.shift / self.extract.sample_rate

    def blocks(self, chunks: Iterable[np.ndarray]) -> Iterator[Block]:
        """Yield the blocks of a recording whose samples are `chunks`, each (N,) float32 in [-1, 1), in turn.

        Raises
        ------
        SerError
            If the recording is too short for one frame.
        """
        shift = self.extract.spectral.shift
        block, margin = BLOCK_FRAMES * shift, MARGIN_FRAMES * shift
        waiting: list[np.ndarray] = []
        length = before = start = 0  # waiting samples; how many of them belong to the previous block; frame number
        for chunk in chunks:
            waiting.append(chunk)
            length += len(chunk)
            while length >= before + block + 2 * margin:
                samples = np.concatenate(waiting)
                yield self._block(samples[: before + block + margin], start, before // shift, BLOCK_FRAMES)
                start += BLOCK_FRAMES
                waiting = [samples[before + block - margin :]]
                length, before = len(waiting[0]), margin
        # The remaining samples, at most a block and two margins, are one block.
        yield self._block(np.concatenate(waiting), start, before // shift, None)

    def _block(self, samples: np.ndarray, start: int, before: int, size: int | None) -> Block:
        features = self.extract("recording", samples)
        inner = slice(before, None if size is None else before + size)
        voiced = np.flatnonzero(voiced_frames(features[:, 0], self.vad)[inner])
        normalised = sliding_cmvn(features, self.cmvn)[inner]
        return Block(start, start + len(normalised), start + voiced, normalised[voiced])
