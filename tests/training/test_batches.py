import threading

import pytest

from ser.training.batches import prefetched


def test_batches_come_in_order():
    assert list(prefetched(iter(range(50)), depth=3)) == list(range(50))


def test_error_of_the_thread_is_raised_where_batches_are_used():
    def broken():
        yield 1
        raise ValueError("no more")

    batches = prefetched(broken())
    assert next(batches) == 1
    with pytest.raises(ValueError, match="no more"):
        next(batches)


def test_thread_ends_when_the_user_leaves_early():
    batches = prefetched(iter(range(1000)), depth=2)
    next(batches)
    batches.close()
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())
