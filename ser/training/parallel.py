"""Which process of the training this is, and how the processes talk: one, or as many as torchrun started."""

import atexit
import ctypes
import logging
import os
import signal
import sys
from dataclasses import dataclass

import torch
import torch.distributed as dist

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
        """Add `values` up over all processes, on the CPU, so that no GPU has to wait."""
        if self.world == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(total)
        return total.tolist()

    def wait_for_all(self) -> None:
        """Go on when every process has come here."""
        self.sum(0.0)


def start(device: str = "auto") -> Process:
    """Find this process's place from torchrun's environment variables, and join the others if there are any."""
    rank, world, local = (int(os.environ.get(n, d)) for n, d in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    chosen = pick_device(device)
    if chosen.type == "cuda":
        chosen = torch.device("cuda", local)
        torch.cuda.set_device(chosen)
    if world > 1 and not dist.is_initialized():
        _stop_when_parent_dies()
        dist.init_process_group("cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo")
        # Connections that are closed while the interpreter goes down, by the exit of a peer, can abort it.
        atexit.register(dist.destroy_process_group)
        logger.info("process %d of %d on %s", rank, world, chosen)
    return Process(rank, world, chosen)


def _stop_when_parent_dies() -> None:
    """Have the kernel send SIGTERM to this process when its parent, torchrun, dies.

    torchrun passes SIGTERM on, but Grid Engine's qdel sends it SIGKILL, which does not reach its processes: each leads
    a session of its own. They would train on, beside the rerun. All of them get the SIGTERM, so they stop as at any.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != PARENT:  # dead since this module was imported: the kernel will not tell any more
            signal.raise_signal(signal.SIGTERM)


def pick_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu`` or ``cuda`` into a device; ``auto`` is the GPU where there is one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise SerError("--device cuda: PyTorch finds no GPU here; use --device cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
