"""Fast reading and writing of trial lists and score lists, millions of lines per second, compiled by numba.

A trial is a line ``enrol test`` or ``enrol test target|nontarget``, a score a line ``enrol test number``.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

import numpy as np

from ser.backend import trial_kernels as kernels
from ser.errors import SerError
from ser.files import BOM
from ser.kaldi.unicode_forms import form_problem

logger = logging.getLogger(__name__)

BLOCK_BYTES = 1 << 20
# The compiled loops release the interpreter lock, so that threads run in parallel.
_THREADS = 2

_PROBLEMS = {
    kernels.NO_FIELDS: "expected 'enrol test' and at most one more field",
    kernels.NO_ENROL: "the enrolment utterance has no vector",
    kernels.NO_TEST: "the test utterance has no vector",
    kernels.NO_LABEL: "the third field is neither target nor nontarget",
    kernels.NO_NUMBER: "expected 'enrol test score' with a finite score",
}


class KeyTable:
    """Hash table from names to indices, in plain arrays that compiled code can read."""

    def __init__(self, keys: Sequence[str]) -> None:
        encoded = [key.encode() for key in keys]
        self.text = np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8)
        self.starts = np.concatenate([[0], np.cumsum([len(key) for key in encoded])]).astype(np.int64)
        # At most half full, so that searches are short.
        self.slots = np.full(1 << (2 * len(encoded) + 1).bit_length(), -1, dtype=np.int64)
        kernels.fill(self.text, self.starts, self.slots)


def read_blocks(stream: BinaryIO, size: int = BLOCK_BYTES) -> Iterator[np.ndarray]:
    """Yield the bytes of `stream` in blocks of whole lines, about `size` bytes each; the last line gets a newline."""
    rest = stream.read(len(BOM)).removeprefix(BOM)
    while data := stream.read(size):
        cut = data.rfind(b"\n") + 1
        if cut:
            yield np.frombuffer(rest + data[:cut], dtype=np.uint8)
            rest = data[cut:]
        else:
            rest += data
    if rest:
        yield np.frombuffer(rest + b"\n", dtype=np.uint8)


def locate_trials(
    block: np.ndarray, enrol: KeyTable, test: KeyTable, where: str, first_line: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Find the index of each trial's two utterances: two (n,) int64 arrays.

    Parameters
    ----------
    block : bytes of whole lines; the first is line `first_line` of the file `where`.

    Raises
    ------
    SerError
        For a line of other fields or an utterance that is in no table; the message names file and line.
    """
    rows = np.empty(np.count_nonzero(block == 10), dtype=np.int64)
    columns = np.empty_like(rows)
    line, problem = kernels.locate(
        block, enrol.text, enrol.starts, enrol.slots, test.text, test.starts, test.slots, rows, columns
    )
    if problem:
        raise _error(block, where, line, first_line, problem)
    return rows, columns


def score_trials(
    stream: BinaryIO, left: np.ndarray, right: np.ndarray, enrol: KeyTable, test: KeyTable, where: str
) -> Iterator[np.ndarray]:
    """Score a trial list: yield the bytes of ``enrol test score`` lines, in order, a block at a time.

    Parameters
    ----------
    stream : the list, named `where` in messages.
    left, right : factors of the scores (`ser.backend.scoring.factor_ratios`), rows in the order of `enrol` and `test`.
    """

    def score(block: np.ndarray, first_line: int) -> np.ndarray:
        rows, columns = locate_trials(block, enrol, test, where, first_line)
        return format_scores(rows, columns, dot_rows(left, right, rows, columns), enrol, test)

    line = 1
    pending: deque[Future[np.ndarray]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for block in read_blocks(stream):
            pending.append(pool.submit(score, block, line))
            line += np.count_nonzero(block == 10)
            if len(pending) > _THREADS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def dot_rows(left: np.ndarray, right: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the dot products of row rows[k] of `left` and row columns[k] of `right`: (n,) float64."""
    return kernels.dot_rows(np.ascontiguousarray(left), np.ascontiguousarray(right), rows, columns)


def format_scores(
    rows: np.ndarray, columns: np.ndarray, scores: np.ndarray, enrol: KeyTable, test: KeyTable
) -> np.ndarray:
    """Write ``enrol test score`` lines, the score with 6 decimals: (bytes,) uint8."""
    if not np.isfinite(scores).all():
        raise SerError(f"{np.count_nonzero(~np.isfinite(scores))} of {len(scores)} scores are no finite numbers")
    widest = int(np.diff(enrol.starts).max() + np.diff(test.starts).max()) + kernels.NUMBER_WIDTH + 3
    out = np.empty(len(rows) * widest, dtype=np.uint8)
    used = kernels.format(rows, columns, scores, enrol.text, enrol.starts, test.text, test.starts, out)
    return out[:used]


def read_scored_trials(
    trials: np.ndarray, scores: np.ndarray, trials_name: str, scores_name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Join a trial list and a score list, given as bytes: scores (n,) float32, and which are targets (n,) bool.

    Lists in the same order are joined line by line, others by their keys. Scores without a trial are left out. A pair
    that is repeated with the same label or score counts once, and the log says so.

    Raises
    ------
    SerError
        For a line of other fields, a trial without a score, a score that is not finite, or a pair that is repeated with
        another label or score; the message names file and line.
    """
    trials, scores = _ended(trials), _ended(scores)
    num_trials = np.count_nonzero(trials == 10)
    num_scores = np.count_nonzero(scores == 10)
    is_target = np.empty(num_trials, dtype=np.bool_)
    values = np.empty(num_scores, dtype=np.float32)
    line, problem = kernels.read_labels(trials, is_target)
    if problem:
        raise _error(trials, trials_name, line, 1, problem)
    line, problem = kernels.read_numbers(scores, values)
    if problem:
        raise _error(scores, scores_name, line, 1, problem)
    kept = _first_of_each(trials, trials_name, is_target, "is a {} and a {}", ("nontarget", "target"))
    _first_of_each(scores, scores_name, values, "is scored {} and {}")
    if num_trials == num_scores and kernels.same_keys(trials, scores):
        return values[kept], is_target[kept]
    table = dict(zip(_keys(scores), values.tolist(), strict=True))
    try:
        return np.array([table[key] for key in _keys(trials)], dtype=np.float32)[kept], is_target[kept]
    except KeyError as error:
        pair = [name.decode(errors="replace") for name in error.args[0]]
        scored = {name.decode(errors="replace") for key in table for name in key}
        remedy = form_problem(pair, scored, "make both lists from one table") or "run score_backend on it"
        raise SerError(f"{scores_name}: no score of the trial '{' '.join(pair)}' of {trials_name}; {remedy}") from error


def _first_of_each(
    block: np.ndarray, where: str, values: np.ndarray, problem: str, names: Sequence[str] | None = None
) -> np.ndarray | slice:
    """Return an index of the lines that are the first with their pair; a pair with two different values is an error.

    Parameters
    ----------
    values : (n,) the label or the score of each line.
    problem : message on two lines that differ, with two placeholders for their values.
    names : names of the values, if the values are indices.
    """
    # Only lines whose hash is repeated are compared as text; of most lists there are none.
    hashes = np.empty(len(values), dtype=np.uint64)
    kernels.hash_pairs(block, hashes)
    in_order = np.sort(hashes)
    repeated = in_order[1:][in_order[1:] == in_order[:-1]]
    if not len(repeated):
        return slice(None)
    kept = np.ones(len(values), dtype=np.bool_)
    suspects = set(np.flatnonzero(np.isin(hashes, repeated)).tolist())
    first_line: dict[tuple[bytes, ...], int] = {}
    for line, key in enumerate(_keys(block)):
        if line not in suspects:
            continue
        first = first_line.setdefault(key, line)
        if first == line:
            continue
        if values[first] != values[line]:
            both = [names[int(values[at])] if names else f"{values[at]:.9g}" for at in (first, line)]
            pair = b" ".join(key).decode(errors="replace")
            raise SerError(
                f"{where}:{first + 1} and {where}:{line + 1}: the pair '{pair}' {problem.format(*both)}; keep one line"
            )
        kept[line] = False
    if kept.all():
        return slice(None)
    logger.warning("%s: %d lines repeat a pair with the same value; each pair counts once", where, np.sum(~kept))
    return kept


def _keys(block: np.ndarray) -> Iterator[tuple[bytes, ...]]:
    return (tuple(line.split(None, 2)[:2]) for line in block.tobytes().split(b"\n")[:-1])


def _ended(block: np.ndarray) -> np.ndarray:
    if block[: len(BOM)].tobytes() == BOM:
        block = block[len(BOM) :]
    return block if len(block) and block[-1] == 10 else np.append(block, np.uint8(10))


def _error(block: np.ndarray, where: str, line: int, first_line: int, problem: int) -> SerError:
    text = block.tobytes().split(b"\n", line + 1)[line].decode(errors="replace")
    return SerError(f"{where}:{first_line + line}: {_PROBLEMS[problem]}: '{text[:200]}'")
