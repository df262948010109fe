"""Read and write the text files of a data directory: a key and its value on each line, sorted by the key's bytes."""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ser.errors import SerError
from ser.files import BOM, atomic_path, without_bom
from ser.kaldi.specifiers import open_input, parse_location, parse_recording


def read_lines(path: str | Path) -> Iterator[tuple[int, str, str]]:
    """Yield (line number from 1, key, rest of the line) of a table; the rest is stripped and may be empty.

    Only ASCII white space separates fields, so that an ideographic space stays inside a transcript. A byte order mark
    at the start of any line is removed, as in `ser.files.read_text`.

    Raises
    ------
    SerError
        If the file cannot be read, a line is empty, or a line is not UTF-8.
    """
    with open_input(str(path)) as stream:
        for number, line in enumerate(stream, start=1):
            if number == 1 or line.startswith(BOM):
                line = without_bom(line, path)
            fields = line.split(None, 1)
            if not fields:
                raise SerError(f"{path}:{number}: expected a key and its value, found an empty line")
            try:
                yield number, fields[0].decode(), fields[1].rstrip().decode() if len(fields) == 2 else ""
            except UnicodeDecodeError as error:
                raise SerError(f"{path}:{number}: not UTF-8: {line[:80]!r}; {_not_utf8_remedy(path)}") from error


def read_map(path: str | Path, fields: int | None = None, allow_empty: bool = False) -> dict[str, str]:
    """Read a table as key -> rest of the line.

    Parameters
    ----------
    path : a file such as ``utt2spk``, ``wav.scp``, ``text``.
    fields : number of fields that every line must have (2 for ``utt2spk``); None for two or more.
    allow_empty : whether a key may stand alone, as in ``text`` for an utterance without words.

    Raises
    ------
    SerError
        If a line has the wrong number of fields or a key occurs twice; the message names file and line.
    """
    table: dict[str, str] = {}
    for number, (key, value) in enumerate(read_entries(path, fields, allow_empty), start=1):
        if key in table:
            raise SerError(f"{path}:{number}: the key '{key}' has an earlier line; keep one line per key")
        table[key] = value
    return table


def read_entries(path: str | Path, fields: int | None = None, allow_empty: bool = False) -> Iterator[tuple[str, str]]:
    """Yield (key, rest of the line) of a table; lines are checked as in `read_map`, except for repeated keys."""
    for number, key, value in read_lines(path):
        if fields is not None and len(value.split()) + 1 != fields:
            raise SerError(f"{path}:{number}: expected {fields} fields, found {_count(key, value)}")
        if not value and not allow_empty:
            raise SerError(f"{path}:{number}: expected 2 fields, found {_count(key, value)}")
        yield key, value


def read_lists(path: str | Path) -> dict[str, list[str]]:
    """Read a table whose values are lists, such as ``spk2utt``: key -> the other fields of its line."""
    return {key: value.split() for key, value in read_map(path).items()}


def named_files(path: str | Path) -> Iterator[str]:
    """Yield the file that each line of an scp names; for a command, the words of it that are names of files."""
    parse = parse_recording if os.path.basename(path).startswith("wav.") else parse_location
    for _, _, rxfilename in read_lines(path):
        if rxfilename.endswith("|"):
            yield from _files_of_command(rxfilename[:-1])
        else:
            yield parse(rxfilename).name


def write_map(path: str | Path, table: Mapping[str, object]) -> None:
    """Write `table`, one ``key value`` a line, sorted by the bytes of the keys; the file is whole or not written."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        for key in sort_keys(table):
            value = str(table[key])
            stream.write(f"{key} {value}\n" if value else f"{key}\n")


def write_lists(path: str | Path, table: Mapping[str, Iterable[str]]) -> None:
    """Write a table of lists, such as ``spk2utt``; each list keeps its order."""
    write_map(path, {key: " ".join(values) for key, values in table.items()})


def sort_keys(keys: Iterable[str]) -> list[str]:
    """Sort as ``LC_ALL=C sort`` does, by UTF-8 bytes; that is the same as Python's order by code points.

    >>> sort_keys(["b", "a-1", "a", "B"])
    ['B', 'a', 'a-1', 'b']
    """
    return sorted(keys)


def invert(utt2spk: Mapping[str, str]) -> dict[str, list[str]]:
    """Make spk2utt from utt2spk: sorted speakers, each with its sorted utterances.

    >>> invert({"b-1": "b", "a-2": "a", "a-1": "a"})
    {'a': ['a-1', 'a-2'], 'b': ['b-1']}
    """
    spk2utt: dict[str, list[str]] = {}
    for utt in sort_keys(utt2spk):
        spk2utt.setdefault(utt2spk[utt], []).append(utt)
    return {spk: spk2utt[spk] for spk in sort_keys(spk2utt)}


def _files_of_command(command: str) -> list[str]:
    try:
        words = shlex.split(command) if re.search(r"[\"'\\]", command) else command.split()
    except ValueError:  # bash may still understand it
        return []
    return [word for word in words[1:] if os.path.isfile(word)]


def _not_utf8_remedy(path: str | Path) -> str:
    if str(path).endswith(".scp"):
        return "rename the folder or file to plain letters and write that name here: iconv would only change the path"
    return "convert the file with iconv"


def _count(key: str, value: str) -> str:
    line = f"{key} {value}".rstrip()
    return f"{len(line.split())}: '{line[:80]}'"
