"""Rows of the CSV tables that come with corpora."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from ser.errors import SerError


def parse_rows(path: Path, text: str, delimiter: str = ",") -> Iterator[tuple[str, list[str]]]:
    """Yield ('path:line', fields) of each row that is not blank.

    Parameters
    ----------
    path : of the table, for the messages.
    text : of the table, as `ser.files.read_text` reads it.

    Raises
    ------
    SerError
        If a row is not CSV: it has a NUL, or a field of more than 131,072 characters (a quote left open). The message
        names the line.
    """
    # newline="": a carriage return inside a field stays there, which without it is an error.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for fields in reader:
            where = f"{path}:{reader.line_num}"
            # Some versions of Python read a NUL, which no name of a file can hold.
            if any("\0" in field for field in fields):
                raise SerError(f"{where}: a NUL, which no text holds; the file is damaged, or UTF-16")
            if fields:
                yield where, fields
    except csv.Error as error:
        raise SerError(f"{path}:{reader.line_num}: not CSV ({error}); look for a quote that is not closed") from error


def parse_columns(path: Path, text: str, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ('path:line', row) of a table whose first row names its columns, among them `columns`.

    Raises
    ------
    SerError
        If a column is missing, or a row ends before the last of `columns`; and as `parse_rows` does.
    """
    rows = parse_rows(path, text)
    _, names = next(rows, ("", []))
    if absent := [column for column in columns if column not in names]:
        raise SerError(f"{path}:1: no column {', '.join(absent)}; found {', '.join(names)}")
    for where, fields in rows:
        row = dict(zip(names, fields, strict=False))
        if any(column not in row for column in columns):
            raise SerError(f"{where}: expected {len(names)} fields, found fewer")
        yield where, row
