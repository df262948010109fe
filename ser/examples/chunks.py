"""Batches of chunks of features, read straight from the archives: training examples of x-vector nets."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ser.config import check_ranges
from ser.errors import SerError
from ser.examples.utterances import Utterances


@dataclass(frozen=True)
class DataConfig:
    """The section `data:` of a training configuration."""

    min_frames: int  # shorter utterances are left out
    min_utts_per_class: int  # classes with fewer utterances of that length are left out
    valid_fraction: float  # share of the utterances of each class held out for validation; 0: no validation
    min_chunk: int  # frames; each batch draws one length between these two for all its chunks
    max_chunk: int
    chunks_per_utterance: float  # chunks in an epoch, as a multiple of the number of training utterances
    batch_size: int
    balance: bool  # draw the same number of chunks from each class
    # SpecAugment, see `mask_chunk`: masks of each chunk in training and their greatest width, in frames and features.
    time_masks: int = 0
    max_time_mask: int = 0
    feature_masks: int = 0
    max_feature_mask: int = 0

    def __post_init__(self) -> None:
        check_ranges(
            "data",
            self,
            min_frames="[0, inf)",
            min_utts_per_class="[0, inf)",
            valid_fraction="[0, 1)",
            min_chunk="[1, inf)",
            chunks_per_utterance="(0, inf)",
            batch_size="[1, inf)",
            time_masks="[0, inf)",
            feature_masks="[0, inf)",
            max_time_mask="[0, inf)",
            max_feature_mask="[0, inf)",
        )
        if self.min_chunk > self.max_chunk:
            raise SerError(f"data: min_chunk {self.min_chunk} must be from 1 to max_chunk, {self.max_chunk}")


class ChunkSource:
    """Batches of chunks, a `ser.training.batches.BatchSource`; see `DataConfig` for the settings.

    An utterance shorter than the chunk is repeated from its start until the chunk is full. A training
    epoch depends on (seed, epoch) alone. In validation every utterance gives the `max_chunk` frames at its middle.
    """

    def __init__(self, utterances: Utterances, config: DataConfig, seed: int, training: bool) -> None:
        self.utterances, self.config, self.seed, self.training = utterances, config, seed, training
        self.feature_dim = utterances.feature_dim
        size = len(utterances.keys)
        if training:
            # Whole batches only; the remaining examples may be drawn in another epoch.
            self._batches = max(1, round(size * config.chunks_per_utterance / config.batch_size))
            self._rows = self._batches * config.batch_size
        else:
            self._batches, self._rows = -(-size // config.batch_size), size

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch."""
        return self._batches

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield chunks (B, T, F) float32 and class indices (B,) int64 from batch `start` on, rows ``rank::world``."""
        chosen, starts, lengths = self._plan(epoch)
        size = self.config.batch_size
        for number in range(start, self._batches):
            rows = np.arange(number * size + rank, min((number + 1) * size, self._rows), world)
            batch = np.empty((len(rows), lengths[number], self.feature_dim), np.float32)
            for row, chunk in zip(rows, batch, strict=True):
                self._read(chosen[row], starts[row], chunk)
                if self.training and (self.config.time_masks or self.config.feature_masks):
                    mask_chunk(chunk, self.config, np.random.default_rng([self.seed, epoch, int(row)]))
            targets = self.utterances.labels[chosen[rows]].astype(np.int64)
            yield torch.from_numpy(batch), torch.from_numpy(targets)

    def _plan(self, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw each row's utterance and start (0 to 1 of the possible starts), and each batch's chunk length."""
        config, labels = self.config, self.utterances.labels
        if not self.training:
            middle = np.full(self._rows, 0.5, np.float32)
            return np.arange(self._rows), middle, np.full(self._batches, config.max_chunk)
        rng = np.random.default_rng([self.seed, epoch])
        chosen = draw_evenly(labels if config.balance else np.zeros_like(labels), self._rows, rng)
        starts = rng.random(self._rows, np.float32)
        return chosen, starts, rng.integers(config.min_chunk, config.max_chunk + 1, self._batches)

    def _read(self, index: int, start: float, chunk: np.ndarray) -> None:
        key, frames, length = self.utterances.keys[index].decode(), int(self.utterances.frames[index]), len(chunk)
        first = int(start * (frames - length + 1)) if frames > length else 0
        rows = self.utterances.reader.rows(key, first, min(first + length, frames))
        if rows.shape[1] != self.feature_dim:
            raise SerError(f"{key}: expected {self.feature_dim} features per frame, found {rows.shape[1]}")
        for begin in range(0, length, len(rows)):
            part = chunk[begin : begin + len(rows)]
            part[:] = rows[: len(part)]


def mask_chunk(chunk: np.ndarray, config: DataConfig, rng: np.random.Generator) -> None:
    """Put zeros over stretches of frames and of neighbouring features of a chunk (T, F), in place.

    The width of a mask is drawn from 0 to its maximum, or to the chunk's size if that is smaller; then its place is
    drawn. Zero is the mean of mean-normalised features. D. S. Park et al., "SpecAugment: a simple data augmentation
    method for automatic speech recognition", Interspeech 2019, section 2, without the time warp; there the features are
    mel bins.
    """
    for masks, widest, across in (
        (config.time_masks, config.max_time_mask, chunk),
        (config.feature_masks, config.max_feature_mask, chunk.T),
    ):
        for _ in range(masks):
            width = int(rng.integers(min(widest, len(across)) + 1))
            start = int(rng.integers(len(across) - width + 1))
            across[start : start + width] = 0.0


def draw_evenly(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `size` of the items labelled 0 to K - 1 in random order, each label equally often.

    The numbers of draws of two labels differ by at most one, and so do those of two items of one label.

    Returns
    -------
    np.ndarray
        (size,) indices into `labels`.
    """
    counts = np.bincount(labels)
    present = np.flatnonzero(counts)
    quotas = np.zeros_like(counts)
    quotas[present] = size // len(present)
    quotas[rng.permutation(present)[: size % len(present)]] += 1
    # Sort items by label, in random order within a label; the draws of a label cycle through its items.
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    turn = np.arange(size) - np.repeat(np.cumsum(quotas) - quotas, quotas)
    begin = np.cumsum(counts) - counts
    drawn = order[np.repeat(begin, quotas) + turn % np.repeat(counts, quotas)]
    return rng.permutation(drawn)
