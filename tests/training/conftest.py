import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

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
def run_two_processes() -> Callable[..., list[str]]:
    """Run a Python program as the two processes of one training, as torchrun does; return what each printed."""
    return _run_two_processes


def _run_two_processes(*command: str | Path) -> list[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = os.pathsep.join([os.getcwd(), str(Path(__file__).parent)])
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    begun = [
        subprocess.Popen(
            [sys.executable, *command],
            env=os.environ | world | {"RANK": rank, "LOCAL_RANK": rank, "PYTHONPATH": paths},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    ended = [process.communicate(timeout=300) for process in begun]
    assert [process.returncode for process in begun] == [0, 0], "".join(errors[-3000:] for _, errors in ended)
    return [said for said, _ in ended]


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
