"""Batches made ready by a thread while the net works on the one before."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

from torch import Tensor

Batch = TypeVar("Batch")

_END = object()


def prefetched(batches: Iterator[Batch], depth: int = 4) -> Generator[Batch, None, None]:
    """Yield `batches`, up to `depth` of them made ahead of time by one thread; its error is raised here."""
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
    """Copy a batch to page-locked memory, from where a GPU fetches it by itself."""
    inputs, targets = batch
    if isinstance(inputs, dict):
        return {name: tensor.pin_memory() for name, tensor in inputs.items()}, targets.pin_memory()
    return inputs.pin_memory(), targets.pin_memory()
