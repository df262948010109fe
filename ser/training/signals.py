"""Leaving a long loop at a place of its own choosing."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

# torchrun and schedulers pass a signal on to processes that have had it already.
ECHO_SECONDS = 2.0


@contextlib.contextmanager
def postponed_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list, for the loop to look at; another of a kind, later, ends at once."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

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
