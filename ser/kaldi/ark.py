"""Kaldi archives (``ark``) and their indexes (``scp``): read in order, read at random, written."""

import contextlib
import io
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from ser.errors import SerError
from ser.files import atomic_path
from ser.kaldi import objects, specifiers
from ser.kaldi.mapped_files import MappedFiles, read_file
from ser.kaldi.tables import read_lines


def read(rspecifier: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (key, array) for each entry of a table, in its order.

    Parameters
    ----------
    rspecifier : ``ark:F`` or ``scp:F``, F a file, ``-`` or ``command |``; options as in ``ark,t:`` are allowed.

    Yields
    ------
    Matrices (T, F) and vectors (D,) are float32, or float64 if stored so; vectors of integers are int32. Compressed
    matrices are decoded. The first bytes tell whether an object is text or binary.

    Raises
    ------
    SerError
        If the data are truncated or broken; the message names file, key and byte.
    """
    kind, name = specifiers.parse_rspecifier(rspecifier)
    if kind == "scp":
        files = MappedFiles()
        for number, key, rxfilename in read_lines(name):
            if not rxfilename:
                raise SerError(f"{name}:{number}: expected 2 fields, found 1: '{key}'")
            yield key, files.read(key, rxfilename)
        return
    with specifiers.open_input(name) as stream:
        source = objects.Source(stream, name)
        while source.next_key():
            yield source.key, objects.read_object(source)


def check_finite(where: str, utt: str, features: np.ndarray, first: int = 0) -> None:
    """Raise a `SerError` that names the first frame of `features` (T, F) with a NaN or an infinity.

    Parameters
    ----------
    where : the table or file of the features, for the message.
    first : number of the first of these frames within its utterance, counted from 0.
    """
    # Test the sum first, which needs no second array. It is finite if all features are: they are far from overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        if features.dtype.kind != "f" or np.isfinite(features.sum(dtype=np.float64)):
            return
    bad = np.argwhere(~np.isfinite(features))
    if len(bad):
        frame, value = first + int(bad[0][0]), features[tuple(bad[0])]
        raise SerError(
            f"{where}: '{utt}': frame {frame} (from 0) holds {value}, as do {len(bad) - 1} other numbers; listen to "
            "the recording, and make its features again"
        )


def load(rspecifier: str) -> dict[str, np.ndarray]:
    """Read a whole table into memory: key -> array. A key that comes twice is an error."""
    table: dict[str, np.ndarray] = {}
    for key, array in read(rspecifier):
        if key in table:
            raise SerError(f"{rspecifier}: the key '{key}' comes twice")
        table[key] = array
    return table


def stack(rspecifier: str, keys: Iterable[str] | None = None) -> tuple[list[str], np.ndarray]:
    """Read vectors of equal size as the rows of one matrix.

    Parameters
    ----------
    rspecifier : a table of vectors (D,).
    keys : keys of the vectors to read, in this order; None reads all, in the order of the table.

    Returns
    -------
    The N keys and an (N, D) float32 array.

    Raises
    ------
    SerError
        If a key is missing, or vectors differ in size.
    """
    table = load(rspecifier)
    chosen = list(table) if keys is None else list(keys)
    if missing := [key for key in chosen if key not in table]:
        raise SerError(f"{rspecifier}: no vector for '{missing[0]}' ({len(missing)} of {len(chosen)} keys are missing)")
    if not chosen:
        return [], np.zeros((0, 0), np.float32)
    shape = table[chosen[0]].shape
    for key in chosen:
        if table[key].ndim != 1 or table[key].shape != shape:
            raise SerError(
                f"{rspecifier}: expected vectors of shape {shape}, found '{key}' of shape {table[key].shape}"
            )
    return chosen, np.array([table[key] for key in chosen], dtype=np.float32)


class Reader:
    """Random access to the matrices of an scp through memory maps; only the rows asked for are read and decoded.

    Opening a reader reads the scp alone. Each entry takes the bytes of its key and about 12 more, in arrays that forked
    workers share. A pickled copy opens its own memory maps. Ranges (``F:12[0:99]``) are applied.
    """

    def __init__(self, scp_path: str | Path) -> None:
        self._name = str(scp_path)
        keys, names, offsets, spans = [], [], [], {}
        seen: dict[str, int] = {}
        for number, key, rxfilename in read_lines(self._name):
            if not rxfilename:
                raise SerError(f"{self._name}:{number}: expected 2 fields, found 1: '{key}'")
            name, offset, span = specifiers.parse_location(rxfilename)
            keys.append(key.encode())
            names.append(seen.setdefault(name, len(seen)))
            offsets.append(offset)
            if span:
                spans[len(keys) - 1] = span
        self._paths = list(seen)
        unsorted = np.array(keys, dtype=np.bytes_)
        self._names = np.array(names, dtype=np.int32)
        self._offsets = np.array(offsets, dtype=np.int64)
        self._spans = spans
        self._order = np.argsort(unsorted, kind="stable").astype(np.int32)
        self._sorted = unsorted[self._order]
        repeated = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        if len(repeated):
            twice = self._sorted[repeated[0]].decode()
            raise SerError(f"{self._name}: the key '{twice}' comes twice; make the list again, with one line per key")
        self._files = MappedFiles()

    def __len__(self) -> int:
        return len(self._sorted)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def keys(self) -> list[str]:
        """Return the keys in the order of the file."""
        keys = np.empty_like(self._sorted)
        keys[self._order] = self._sorted
        return [key.decode() for key in keys.tolist()]

    def shape(self, key: str) -> tuple[int, ...]:
        """Return (T, F) of a matrix, (D,) of a vector."""
        return self._files.shape(key, self._location(key))

    def rows(self, key: str, start: int, stop: int) -> np.ndarray:
        """Decode rows `start` to `stop` of a matrix: (stop - start, F) float32, a copy.

        Raises
        ------
        SerError
            If some of the rows do not exist, or one has a number that is not finite.
        """
        found = self._files.fetch(key, self._location(key), start, stop).astype(np.float32, copy=False)
        check_finite(self._name, key, found, start)
        return found

    def __getitem__(self, key: str) -> np.ndarray:
        return self._files.fetch(key, self._location(key))

    def _find(self, key: str) -> int | None:
        wanted = key.encode()
        place = bisect_left(self._sorted, wanted)
        if place == len(self._sorted) or self._sorted[place] != wanted:
            return None
        return int(self._order[place])

    def _location(self, key: str) -> specifiers.Location:
        index = self._find(key)
        if index is None:
            raise SerError(f"{self._name}: no entry for '{key}'")
        return specifiers.Location(
            self._paths[self._names[index]], int(self._offsets[index]), self._spans.get(index, "")
        )


class Writer:
    """Context manager that writes a table. The files appear when the block ends without an error, else not at all.

    Parameters
    ----------
    wspecifier : ``ark:F``, ``ark,t:F`` (text), ``ark,scp:F,G`` or ``ark:-``.
    compression : Kaldi's compression method for matrices: 0 none, 1 automatic, 2 speech features, 3 two bytes,
        5 one byte; see `ser.kaldi.compression`. Vectors and text are never compressed.
    """

    def __init__(self, wspecifier: str, compression: int = 0) -> None:
        self._specifier = specifiers.parse_wspecifier(wspecifier)
        self._compression = compression
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Writer":
        # The stack closes files in reverse order: the scp, opened first, appears after the archive that it points into.
        self._scp = self._open(self._specifier.scp) if self._specifier.scp else None
        self._ark = self._open(self._specifier.ark)
        self._position = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, key: str, array: np.ndarray) -> None:
        """Write a matrix (T, F) or vector (D,): floats as float32 or float64, integer vectors as int32."""
        if not key or key.split() != [key]:
            raise SerError(
                f"{self._specifier.ark}: '{key}' cannot be a key; keys are not empty and have no white space"
            )
        head = f"{key} ".encode()
        buffer = _Buffer()
        try:
            array = objects.as_kaldi(array)
            if self._specifier.text:
                objects.write_text(buffer, array)
            else:
                objects.write_binary(buffer, array, self._compression)
        except SerError as problem:
            raise SerError(f"{self._specifier.ark}: key '{key}': {problem}") from problem
        self._ark.write(head)
        self._ark.write(buffer.getbuffer())
        if self._scp:
            self._scp.write(f"{key} {self._specifier.ark}:{self._position + len(head)}\n".encode())
        self._position += len(head) + buffer.tell()

    def _open(self, name: str) -> BinaryIO:
        if name == "-":
            self._stack.callback(sys.stdout.buffer.flush)
            return sys.stdout.buffer
        path = Path(name)
        if not path.exists() or path.is_file():
            # Replace a regular file whole or not at all; but write into a device or a named pipe.
            path = self._stack.enter_context(atomic_path(path))
        return self._stack.enter_context(open(path, "wb"))


def read_matrix_file(path: str | Path) -> np.ndarray:
    """Read a file that holds one matrix, text or binary, such as ``transform.mat``.

    Returns (rows, columns) float32, or float64 if stored so.
    """
    array = read_file(specifiers.parse_location(str(path)))
    if array.ndim == 1 and not array.size:
        return array.reshape(0, 0)
    if array.ndim != 2:
        raise SerError(f"{path}: expected a matrix, found a vector of {array.size}")
    return array


def read_vector_file(path: str | Path) -> np.ndarray:
    """Read a file that holds one vector, text or binary, such as ``mean.vec``: (D,)."""
    array = read_file(specifiers.parse_location(str(path)))
    if array.ndim != 1:
        raise SerError(f"{path}: expected a vector, found a matrix of shape {array.shape}")
    return array


def write_matrix_file(path: str | Path, array: np.ndarray, binary: bool = True) -> None:
    """Write one matrix (rows, columns) to a file of its own, whole or not at all."""
    _write_file(path, array, 2, binary)


def write_vector_file(path: str | Path, array: np.ndarray, binary: bool = True) -> None:
    """Write one vector (D,) to a file of its own, whole or not at all."""
    _write_file(path, array, 1, binary)


def _write_file(path: str | Path, array: np.ndarray, ndim: int, binary: bool) -> None:
    array = objects.as_kaldi(array)
    if array.ndim != ndim:
        raise SerError(f"{path}: expected {ndim} dimensions, found an array of shape {array.shape}")
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        (objects.write_binary if binary else objects.write_text)(stream, array)


class _Buffer(io.BytesIO):
    # kaldi_io reads the attribute `mode` of the streams that it writes to.
    mode = "wb"
