"""Batches: the interface of their sources, and a thread that makes the next ones while the net trains on one."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Protocol, TypeVar

from torch import Tensor

Inputs = Tensor | dict[str, Tensor]
Batch = TypeVar("Batch")

_END = object()


class BatchSource(Protocol):
    """A source of batches; the same (epoch, batch number) always gives the same batch."""

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch (0, 1, ...)."""

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield the rows ``rank::world`` of each batch from number `start` on.

        Inputs: a tensor (B, T, F), or a dict of tensors; targets: int64 (B,), or float32 (B, K) of shares that sum
        to 1. Skipping to `start` must be cheap, and a training batch must have at least `world` rows. This runs
        in a thread of its own.
        """


def prefetched(batches: Iterator[Batch], depth: int = 4) -> Generator[Batch, None, None]:
    """Yield `batches`, of which one thread makes up to `depth` in advance; an error in the thread is raised here."""
    ready: queue.Queue = queue.Queue(maxsize=depth)
    left = threading.Event()

    def put(item: object) -> bool:
        while not left.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(_END)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        thread.join()


def pinned(batch: tuple[Tensor | dict[str, Tensor], Tensor]) -> tuple[Tensor | dict[str, Tensor], Tensor]:
    """Copy a batch to page-locked memory, which a GPU reads without the CPU."""
    inputs, targets = batch
    if isinstance(inputs, dict):
        return {name: tensor.pin_memory() for name, tensor in inputs.items()}, targets.pin_memory()
    return inputs.pin_memory(), targets.pin_memory()
