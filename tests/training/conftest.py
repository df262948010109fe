from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ser.training.fit import FitConfig

SETTINGS = {
    "epochs": 3,
    "optimizer": "sgd",
    "learning_rate": 0.2,
    "final_learning_rate": 0.05,
    "warmup_fraction": 0.0,
    "momentum": 0.5,
    "weight_decay": 0.0,
    "max_grad_norm": 0.0,
    "max_change": 0.0,
    "max_change_layer": 0.0,
    "dropout_schedule": "",
    "frozen": (),
    "best_by": "loss",
    "patience": 0,
    "precision": "fp32",
    "checkpoint_steps": 0,
    "seed": 7,
}


class Blobs:
    """A source of points around one centre a class, as `BatchSource` has it."""

    def __init__(self, batches: int = 10, size: int = 16, seed: int = 0) -> None:
        self.count, self.size, self.seed = batches, size, seed
        self.centres = np.random.default_rng(1).standard_normal((4, 8)).astype(np.float32) * 2

    def num_batches(self, epoch: int) -> int:
        return self.count

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        for number in range(start, self.count):
            rng = np.random.default_rng([self.seed, epoch, number])
            targets = rng.integers(0, 4, self.size)
            points = self.centres[targets] + rng.standard_normal((self.size, 8)).astype(np.float32)
            yield torch.from_numpy(points[rank::world]), torch.from_numpy(targets[rank::world])


@pytest.fixture
def make_config() -> Callable[..., FitConfig]:
    return lambda **changes: FitConfig(**(SETTINGS | changes))


@pytest.fixture
def make_blobs() -> type[Blobs]:
    return Blobs


@pytest.fixture
def make_net() -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 4))

    return make
