"""Show the progress of a long loop, as a bar for a person or as lines in a log."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

logger = logging.getLogger(__name__)

# In a log, a line now and then is easier to read than a bar of a thousand carriage returns.
SECONDS_BETWEEN_LINES = 10.0


def progress(items: Iterable[Item], total: int | None, what: str) -> Iterator[Item]:
    """Yield `items` and show the progress: a tqdm bar on a terminal, plain lines elsewhere."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=what, unit="", dynamic_ncols=True)
        return
    of_total = "" if total is None else f" of {total}"
    last = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            logger.info("%s: %d%s", what, count, of_total)
            last = now
