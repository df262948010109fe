"""Look up arrays by key in an archive or an scp, in step with another table."""

from collections.abc import Iterator
from types import TracebackType

import numpy as np

from ser.errors import SerError
from ser.kaldi import ark, specifiers


class KeyedRows:
    """Arrays by key. An scp is read at random; an archive is read up to the key, and arrays before it are kept.

    If keys are asked for in the order of the archive, as in Kaldi's tables, only one array is in memory at a time.

    Parameters
    ----------
    rspecifier : ``ark:F`` or ``scp:F``; None for an empty table.
    """

    def __init__(self, rspecifier: str | None) -> None:
        self._rspecifier = rspecifier
        kind, name = specifiers.parse_rspecifier(rspecifier) if rspecifier else ("none", "")
        self._reader = ark.Reader(name) if kind == "scp" else None
        self._items: Iterator[tuple[str, np.ndarray]] = ark.read(str(rspecifier)) if kind == "ark" else iter(())
        self._kept: dict[str, np.ndarray] = {}

    def __enter__(self) -> "KeyedRows":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._items = iter(())

    def get(self, key: str, ndim: int) -> np.ndarray:
        """Return the array of `key`. From an archive each key can be asked for only once.

        Raises
        ------
        SerError
            If the table lacks the key, or the array is not a vector (`ndim` 1) or matrix (`ndim` 2) as expected.
        """
        if self._reader is not None and key in self._reader:
            self._kept[key] = self._reader[key]
        while key not in self._kept:
            item = next(self._items, None)
            if item is None:
                raise SerError(f"{self._rspecifier}: nothing for '{key}'; make it for all utterances")
            self._kept[item[0]] = item[1]
        array = self._kept.pop(key)
        if array.ndim != ndim:
            names = {1: "a vector", 2: "a matrix"}
            raise SerError(f"{self._rspecifier}: '{key}' is {names[array.ndim]}; expected {names[ndim]}")
        return array
