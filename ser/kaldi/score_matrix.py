"""Read and write the scores of all pairs as an archive with a row for each enrolment utterance.

A row has a score for each test utterance. The file ``ARK.columns`` beside the archive ARK lists the test utterances,
one per line, in the order of the scores.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.files import read_text, write_text
from ser.kaldi import ark, specifiers, tables


def write_score_matrix(
    wspecifier: str, rows: Sequence[str], columns: Sequence[str], scores: Iterable[np.ndarray]
) -> None:
    """Write the archive, from rows (M,) of `scores` in the order of the keys `rows`, and the column file."""
    target = specifiers.parse_wspecifier(wspecifier).ark
    if target == "-":
        raise SerError(
            "the scores of all pairs need a file, beside which the order of their columns is written; give ark:FILE"
        )
    with ark.Writer(wspecifier) as writer:
        for key, row in zip(rows, scores, strict=True):
            writer.write(key, row)
    write_text(f"{target}.columns", "".join(f"{key}\n" for key in columns))


def read_score_matrix(rspecifier: str) -> tuple[list[str], list[str], np.ndarray]:
    """Read the N keys of the rows, the M keys of the columns, and the scores (N, M) float32.

    Raises
    ------
    SerError
        If the column file is missing or does not fit the archive.
    """
    kind, name = specifiers.parse_rspecifier(rspecifier)
    if kind == "scp":
        _, _, entry = next(tables.read_lines(name), (0, "", ""))
        name = specifiers.parse_location(entry).name
    path = Path(f"{name}.columns")
    columns = read_text(path, "score_backend writes it beside its archive").split()
    rows, scores = ark.stack(rspecifier)
    if scores.shape[1] != len(columns):
        raise SerError(f"{path}: {len(columns)} test utterances, but {rspecifier} has {scores.shape[1]} scores per row")
    return rows, columns, scores
