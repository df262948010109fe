"""Read vectors together with their classes, for training and testing a back end."""

import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser.errors import SerError
from ser.kaldi import ark, specifiers, tables
from ser.kaldi.unicode_forms import form_problem

logger = logging.getLogger(__name__)


class Labelled(NamedTuple):
    """N utterances: keys `utts`, `vectors` (N, D) float32, `labels` (N,) int64 that index `classes`."""

    utts: list[str]
    vectors: np.ndarray
    labels: np.ndarray
    classes: list[str]

    def num_utts(self) -> dict[str, int]:
        """Count the utterances of each class, in the order of the labels."""
        return _count(self.classes, self.labels)

    def take(self, rows: np.ndarray) -> "Labelled":
        """Return these rows (n,) alone."""
        return self._replace(
            utts=[self.utts[row] for row in rows.tolist()], vectors=self.vectors[rows], labels=self.labels[rows]
        )


def read_labelled(utt2class: str | Path, rspecifier: str, classes: Sequence[str] = ()) -> Labelled:
    """Read the utterances of `utt2class`, in its order, with their vectors; ignore vectors of other utterances.

    Parameters
    ----------
    classes : classes that get the labels 0 to K - 1; other classes of `utt2class` follow, sorted.

    Raises
    ------
    SerError
        If utterances have no vector (the message counts them and names the first), or if `utt2class` is empty.
    """
    rows, labels, names = _read_classes(utt2class, classes)
    vectors = np.empty((0, 0), dtype=np.float32)
    for utt, vector in _read_known(rspecifier, rows, str(utt2class)):
        if not vectors.size:
            vectors = np.empty((len(rows), *vector.shape), dtype=np.float32)
        vectors[rows[utt]] = vector
    _check_finite(rspecifier, list(rows), vectors)
    return Labelled(list(rows), vectors, labels, names)


class LabelledBlocks:
    """Iterates over the utterances of a class list in blocks, for vectors that do not fit into memory.

    A block is vectors (n, D) float32 and labels (n,) int64 that index `classes`, in the order of the table of vectors.
    Every iteration reads that table again, with the checks of `read_labelled`.
    """

    def __init__(self, utt2class: str | Path, rspecifier: str, size: int) -> None:
        if specifiers.parse_rspecifier(rspecifier).name == "-":
            raise SerError(f"{rspecifier}: the vectors are read twice; write them to a file first")
        self._where, self._rspecifier, self._size = str(utt2class), rspecifier, size
        self._rows, self._labels, self.classes = _read_classes(utt2class, ())

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return ((vectors, labels) for _, vectors, labels in self.with_utts())

    def with_utts(self) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
        """Iterate over the blocks with the utterances of each, its vectors and its labels."""
        known = _read_known(self._rspecifier, self._rows, self._where)
        while block := dict(itertools.islice(known, self._size)):
            vectors = np.array(list(block.values()), dtype=np.float32)
            _check_finite(self._rspecifier, list(block), vectors)
            yield list(block), vectors, self._labels[[self._rows[utt] for utt in block]]

    def num_utts(self) -> dict[str, int]:
        """Count the utterances of each class, in the order of the labels."""
        return _count(self.classes, self._labels)


def read_with_fallback(
    utt2class: str | Path, rspecifier: str, fallback: str, classes: Sequence[str] = (), size: int = 0
) -> tuple[Labelled, int]:
    """Read two vectors of each utterance and concatenate them: that of `rspecifier` and that of `fallback`.

    An utterance without a vector in `rspecifier` gets NaN in its place.

    Parameters
    ----------
    size : dimension of the vectors of `rspecifier`, needed if that table may be empty; 0 if not known.

    Returns
    -------
    The utterances, with `vectors` (N, size + D); and the size.
    """
    labelled = read_labelled(utt2class, fallback, classes)
    table = ark.load(rspecifier)
    known = [row for row, utt in enumerate(labelled.utts) if utt in table]
    if not known and not size:
        raise SerError(f"{rspecifier}: no vector of any utterance of {utt2class}; extract them first")
    vectors = stack_vectors(table, [labelled.utts[row] for row in known], rspecifier) if known else np.empty((0, size))
    if size not in (0, vectors.shape[1]):
        raise SerError(f"{rspecifier}: vectors of dimension {vectors.shape[1]}; the training vectors have {size}")
    first = np.full((len(labelled.utts), vectors.shape[1]), np.nan, dtype=np.float32)
    first[known] = vectors
    return labelled._replace(vectors=np.hstack([first, labelled.vectors])), vectors.shape[1]


def check_wordless(utts: Iterable[str], text: str | Path, vectors: str) -> None:
    """Raise a `SerError` if an utterance that has no text vector has words in the table `text`.

    Only utterances without words may be scored by their speech alone.
    """
    words = tables.read_map(text, allow_empty=True) if Path(text).is_file() else {}
    with_words = [utt for utt in utts if any(map(str.isalnum, words.get(utt, "")))]
    if with_words:
        raise SerError(
            f"{vectors}: nothing of {len(with_words)} utterances that have words in {text}, the first {with_words[0]}; "
            "run again from the stage that makes this table"
        )


def read_speakers(utt2spk: str | Path, utts: Sequence[str]) -> np.ndarray:
    """Read the speaker of each of `utts`: (N,) str."""
    speakers = tables.read_map(utt2spk, fields=2)
    if missing := [utt for utt in utts if utt not in speakers]:
        remedy = form_problem(missing, speakers) or "utils/validate_data_dir.sh checks a data dir"
        raise SerError(
            f"{utt2spk}: no speaker of {len(missing)} of {len(utts)} utterances: {', '.join(missing[:5])}; {remedy}"
        )
    return np.array([speakers[utt] for utt in utts])


def read_vectors(rspecifier: str) -> tuple[list[str], np.ndarray]:
    """Read all vectors of a table: the keys, in its order, and (N, D) float32."""
    table = ark.load(rspecifier)
    if not table:
        raise SerError(f"{rspecifier}: no vectors in it; extract them first")
    return list(table), stack_vectors(table, list(table), rspecifier)


def read_counts(path: str | Path, utts: Sequence[str]) -> np.ndarray:
    """Read of how many utterances each enrolment vector in `utts` is the mean (Kaldi's ``num_utts``): (N,) int64."""
    counts = tables.read_map(path, fields=2)
    if missing := [utt for utt in utts if utt not in counts]:
        raise SerError(f"{path}: no count of {len(missing)} of {len(utts)} enrolments: {', '.join(missing[:5])}")
    if bad := [utt for utt in utts if not counts[utt].isdecimal() or int(counts[utt]) < 1]:
        raise SerError(f"{path}: expected a count of 1 or more, found '{bad[0]} {counts[bad[0]]}'")
    return np.array([int(counts[utt]) for utt in utts], dtype=np.int64)


def _read_classes(utt2class: str | Path, classes: Sequence[str]) -> tuple[dict[str, int], np.ndarray, list[str]]:
    """Read a class list: utterance -> row (N of them); labels (N,) int64; names of the labels."""
    utt_class = tables.read_map(utt2class, fields=2)
    if not utt_class:
        raise SerError(f"{utt2class}: empty; give one '<utterance> <class>' per line")
    names = [*classes, *sorted(set(utt_class.values()) - set(classes))]
    place = {name: index for index, name in enumerate(names)}
    labels = np.array([place[name] for name in utt_class.values()], dtype=np.int64)
    return {utt: row for row, utt in enumerate(utt_class)}, labels, names


def _read_known(rspecifier: str, rows: Mapping[str, int], where: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (utterance, vector) for each utterance of `rows`; check that none is missing and all have one size.

    `where` is the name of the list of these utterances, for messages.
    """
    seen: set[str] = set()
    first, shape = "", ()
    for utt, vector in ark.read(rspecifier):
        if utt in seen:
            raise SerError(f"{rspecifier}: the key '{utt}' comes twice")
        seen.add(utt)
        if utt in rows:
            if not first:
                first, shape = utt, vector.shape
            _check_shape(rspecifier, utt, vector.shape, first, shape)
            yield utt, vector
    if missing := [utt for utt in rows if utt not in seen]:
        remedy = form_problem(missing, seen) or "extract them, or take them out of the list"
        raise SerError(
            f"{rspecifier}: no vector of {len(missing)} of the {len(rows)} utterances of {where}: "
            f"{', '.join(missing[:5])}; {remedy}"
        )
    if len(seen) > len(rows):
        logger.info(
            "%s: %d vectors belong to no utterance of %s and are ignored", rspecifier, len(seen) - len(rows), where
        )


def _count(classes: Sequence[str], labels: np.ndarray) -> dict[str, int]:
    return dict(zip(classes, np.bincount(labels, minlength=len(classes)).tolist(), strict=True))


def stack_vectors(table: dict[str, np.ndarray], utts: list[str], name: str) -> np.ndarray:
    """Stack the vectors of `utts` as rows of a matrix (N, D) float32; check that they have one size and are finite."""
    for utt in utts:
        _check_shape(name, utt, table[utt].shape, utts[0], table[utts[0]].shape)
    vectors = np.array([table[utt] for utt in utts], dtype=np.float32)
    _check_finite(name, utts, vectors)
    return vectors


def _check_shape(name: str, utt: str, shape: tuple[int, ...], first: str, expected: tuple[int, ...]) -> None:
    if shape != expected or len(shape) != 1:
        raise SerError(f"{name}: '{utt}' has shape {shape}, '{first}' has {expected}; give vectors of one size")


def _check_finite(name: str, utts: Sequence[str], vectors: np.ndarray) -> None:
    # A row is finite if its maximum and minimum are. This needs no second matrix of the same size.
    finite = np.isfinite(vectors.max(axis=1)) & np.isfinite(vectors.min(axis=1))
    if bad := [utts[row] for row in np.flatnonzero(~finite).tolist()]:
        raise SerError(f"{name}: {len(bad)} of {len(utts)} vectors hold NaN or infinity: {', '.join(bad[:5])}")
