"""Batches of clips: utterances cut or padded to one length, for convolutional networks."""

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

    frames: int  # length of every clip; shorter utterances are padded with zeros, longer ones cut
    batch_size: int

    def __post_init__(self) -> None:
        check_ranges("data", self, frames="[1, inf)", batch_size="[1, inf)")


class ClipSource:
    """Batches of clips, a `ser.training.batches.BatchSource`: every utterance once per epoch.

    Parameters
    ----------
    reader : features in which zeros mean silence.
    utts : ids of the N utterances.
    targets : (N,) int64 classes, or (N, K) float32 shares of the classes.
    config : see `ClipConfig`.
    seed : seed of each epoch's order and of the cut in longer utterances; None keeps the order and cuts out the
        middle, for validation.
    """

    def __init__(
        self, reader: Reader, utts: Sequence[str], targets: np.ndarray, config: ClipConfig, seed: int | None
    ) -> None:
        if not len(utts):
            raise SerError("data: there is no utterance to make clips from; is the list of utterances empty?")
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
        """Copy an utterance into `clip` (T, F) of zeros; cut a longer one from `share` (0 to 1) of its starts on."""
        utt, frames, length = self.utts[index], int(self.frames[index]), len(clip)
        first = int(share * (frames - length + 1)) if frames > length else 0
        rows = self.reader.rows(utt, first, min(first + length, frames))
        if rows.shape[1] != self.feature_dim:
            raise SerError(f"{utt}: expected {self.feature_dim} features per frame, found {rows.shape[1]}")
        clip[: len(rows)] = rows
