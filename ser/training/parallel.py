"""Training on several processes: rank and device, reductions, shared batch norms, stopping on a signal."""

import atexit
import contextlib
import ctypes
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm

from ser.errors import SerError

logger = logging.getLogger(__name__)

PARENT = os.getppid()
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


@dataclass(frozen=True)
class Process:
    """One process of the training: its number `rank` of `world`, and its device."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def sum(self, *values: float) -> list[float]:
        """Sum `values` over all processes; on the CPU, so that no GPU has to wait."""
        if self.world == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(total)
        return total.tolist()

    def wait_for_all(self) -> None:
        """Wait until every process has reached this point."""
        self.sum(0.0)


def start(device: str = "auto") -> Process:
    """Read this process's rank from torchrun's environment variables, and join the other processes, if any."""
    rank, world, local = (int(os.environ.get(n, d)) for n, d in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    chosen = pick_device(device)
    if chosen.type == "cuda":
        chosen = torch.device("cuda", local)
        torch.cuda.set_device(chosen)
    if world > 1 and not dist.is_initialized():
        _stop_when_parent_dies()
        dist.init_process_group("cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo")
        atexit.register(leave)
        logger.info("process %d of %d on %s", rank, world, chosen)
    return Process(rank, world, chosen)


def leave() -> None:
    """Close the connections and end their threads, before the interpreter shuts down.

    A thread that asks Python for something during the shutdown aborts the process, and so can a peer that exits
    meanwhile. A DistributedDataParallel that still lives, even in a cycle of references, keeps the threads.
    """
    gc.collect()
    dist.destroy_process_group()


def _stop_when_parent_dies() -> None:
    """Have the kernel send SIGTERM to this process when its parent, torchrun, dies.

    torchrun passes SIGTERM on, but Grid Engine's qdel sends torchrun SIGKILL, which does not reach its processes, since
    each leads its own session. They would train on beside the rerun. With this they all get SIGTERM and stop as usual.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != PARENT:  # the parent died before the call above, so the kernel will not signal it
            signal.raise_signal(signal.SIGTERM)


def pick_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu`` or ``cuda`` into a device; ``auto`` is the GPU where there is one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise SerError("--device cuda: PyTorch finds no GPU here; use --device cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


class SharedBatchNorm(_BatchNorm):
    """Replaces BatchNorm1d or 2d, with its parameters and buffers; inputs (B, C, ...), B may differ by process."""

    def _check_input_dim(self, inputs: Tensor) -> None:
        """Accept the input shapes of the layer that this one replaces."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise; in training by the statistics of all processes' inputs together."""
        if not self.training:
            return super().forward(inputs)
        values = inputs if inputs.dtype == torch.float64 else inputs.float()
        rest = [axis for axis in range(inputs.dim()) if axis != 1]
        shape = [1, -1, *(1 for _ in rest[1:])]
        count = torch.tensor(values.numel() / values.shape[1], dtype=values.dtype, device=values.device)
        dist.all_reduce(count)
        # all_reduce of torch.distributed.nn is differentiable, so a row gets gradients from every process's loss.
        mean = all_reduce(values.sum(rest)) / count
        centred = values - mean.view(shape)
        variance = all_reduce((centred**2).sum(rest)) / count
        with torch.no_grad():
            for name, found in (("running_mean", mean), ("running_var", variance * count / (count - 1))):
                self.get_buffer(name).lerp_(found, self.momentum or 0.0)
            self.get_buffer("num_batches_tracked").add_(1)
        result = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            result = result * self.weight.view(shape) + self.bias.view(shape)
        return result.to(inputs.dtype)


def share_batch_norms(model: nn.Module, world: int) -> None:
    """Replace each batch normalisation of `model` by a SharedBatchNorm, if there is more than one process."""
    for parent in list(model.modules()) if world > 1 else ():
        for name, old in parent.named_children():
            if isinstance(old, _BatchNorm):
                new = SharedBatchNorm(old.num_features, old.eps, old.momentum, old.affine)
                new.load_state_dict(old.state_dict())
                setattr(parent, name, new.to(next(model.parameters())))


# torchrun and schedulers may send a signal again to processes that already got it.
ECHO_SECONDS = 2.0


@contextlib.contextmanager
def postponed_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list for the training loop; a later second one of a kind ends at once."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    first: dict[int, float] = {}

    def receive(number: int, _frame: object) -> None:
        received.append(number)
        if time.monotonic() - first.setdefault(number, time.monotonic()) > ECHO_SECONDS:
            signal.signal(number, before[number])
            signal.raise_signal(number)

    for number in before:
        signal.signal(number, receive)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
