"""Utterances as clips of one length: what a convolutional network eats."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ser.config import check_ranges
from ser.errors import SerError
from ser.kaldi.ark import Reader


@dataclass(frozen=True)
class ClipConfig:
    """The section `data:` of a training configuration."""

    frames: int  # of every clip; zeros follow a shorter utterance, of a longer one a part is taken
    batch_size: int

    def __post_init__(self) -> None:
        check_ranges("data", self, frames="[1, inf)", batch_size="[1, inf)")


class ClipSource:
    """Batches of clips, as `ser.training.batches.BatchSource` has it: every utterance once an epoch.

    Parameters
    ----------
    reader : features, of which zeros are silence.
    utts : the N utterances that are used.
    targets : (N,) int64 classes, or (N, K) float32 shares of them.
    config : see `ClipConfig`.
    seed : of the order in each epoch, and of the part of a longer utterance; None keeps their order and takes the
        middle, for validation.
    """

    def __init__(
        self, reader: Reader, utts: Sequence[str], targets: np.ndarray, config: ClipConfig, seed: int | None
    ) -> None:
        if not len(utts):
            raise SerError("data: no utterance to make clips of; is the list of utterances empty?")
        self.reader, self.utts, self.targets, self.config, self.seed = reader, utts, targets, config, seed
        self.frames = np.array([reader.shape(utt)[0] for utt in utts])
        self.feature_dim = reader.shape(utts[0])[1]

    @property
    def num_cut(self) -> int:
        """Count the utterances that are longer than a clip."""
        return int((self.frames > self.config.frames).sum())

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch."""
        return math.ceil(len(self.utts) / self.config.batch_size)

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield clips (B, T, F) float32 and targets from batch `start` on, rows ``rank::world``."""
        order, shares = np.arange(len(self.utts)), np.full(len(self.utts), 0.5)
        if self.seed is not None:
            rng = np.random.default_rng([self.seed, epoch])
            order, shares = rng.permutation(order), rng.random(len(order))
        for batch in np.array_split(order, self.num_batches(epoch))[start:]:
            rows = batch[rank::world]
            clips = np.zeros((len(rows), self.config.frames, self.feature_dim), np.float32)
            for row, clip in zip(rows, clips, strict=True):
                self._read(row, shares[row], clip)
            yield torch.from_numpy(clips), torch.from_numpy(self.targets[rows])

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Compute mean and standard deviation of each feature over all frames of all clips: (F,) float32 each."""
        sums, squares = np.zeros((2, self.feature_dim))
        for clips, _ in self.batches(0):
            frames = clips.numpy().astype(np.float64)
            sums += frames.sum(axis=(0, 1))
            squares += np.square(frames).sum(axis=(0, 1))
        count = len(self.utts) * self.config.frames
        mean = sums / count
        stddev = np.sqrt(np.maximum(squares / count - np.square(mean), 0.0))
        return torch.from_numpy(mean).float(), torch.from_numpy(stddev).float()

    def _read(self, index: int, share: float, clip: np.ndarray) -> None:
        """Fill `clip` (T, F), whose zeros stay after the end, with the part that begins at `share` of the places."""
        utt, frames, length = self.utts[index], int(self.frames[index]), len(clip)
        first = int(share * (frames - length + 1)) if frames > length else 0
        rows = self.reader.rows(utt, first, min(first + length, frames))
        if rows.shape[1] != self.feature_dim:
            raise SerError(f"{utt}: expected {self.feature_dim} features a frame, found {rows.shape[1]}")
        clip[: len(rows)] = rows
