"""Batches of texts for training: texts of similar length together; seed and epoch determine the batches."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ser.text.bert import pad

# Texts are sorted by length within so many batches: this needs little padding, and mixes texts anew in each epoch.
BATCHES_TO_SORT = 50


class TextBatches:
    """Batches of `ids` (token ids of each text) with `targets`, a `ser.training.batches.BatchSource`.

    Parameters
    ----------
    ids, targets : of equal length; targets are class numbers, or (N, K) float32 shares of the classes.
    pad_id : the tokenizer's padding token.
    batch_size : largest number of texts per batch; the sizes of an epoch's batches differ by at most one.
    seed : seed of the order; None sorts by length, for validation.
    """

    def __init__(
        self,
        ids: Sequence[list[int]],
        targets: Sequence[int] | np.ndarray,
        pad_id: int,
        batch_size: int,
        seed: int | None,
    ) -> None:
        self.ids = ids
        self.targets = np.asarray(targets)
        self.pad_id = pad_id
        self.batch_size = batch_size
        self.seed = seed
        self.lengths = np.array([len(row) for row in ids])

    def num_batches(self, epoch: int) -> int:
        """Return the number of batches of `epoch`."""
        return math.ceil(len(self.ids) / self.batch_size)

    def batches(
        self, epoch: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
        """Yield (tokens as `ser.text.bert.pad` makes them, targets (B,) int64) from batch number `start` on.

        Of each batch only the rows ``rank::world``.
        """
        for batch in self.plan(epoch)[start:]:
            chosen = batch[rank::world]
            yield pad([self.ids[index] for index in chosen], self.pad_id), torch.from_numpy(self.targets[chosen])

    def plan(self, epoch: int) -> list[np.ndarray]:
        """Return the indices of each batch of `epoch`."""
        if self.seed is None:
            return self._cut(np.argsort(self.lengths, kind="stable"))
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(self.ids))
        stride = BATCHES_TO_SORT * self.batch_size
        pools = [order[first : first + stride] for first in range(0, len(order), stride)]
        plan = self._cut(np.concatenate([pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools]))
        return [plan[index] for index in rng.permutation(len(plan))]

    def _cut(self, order: np.ndarray) -> list[np.ndarray]:
        return np.array_split(order, self.num_batches(0))
