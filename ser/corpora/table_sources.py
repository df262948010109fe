"""Rows of a corpus that is a table: CSV, JSON lines, a Hugging Face data set saved to disk, or a folder of files.

Whatever the source, a row is a mapping of column names to text. CSV is what nkululeko and audformat write (a comma, a
semicolon or a tab between the fields); JSON lines are EmoBox's (``key``, ``wav``, ``emo``), with its folds beside it.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ser.corpora.csv_rows import parse_rows
from ser.corpora.decoding import DECODED
from ser.corpora.tree import files_below, is_junk
from ser.errors import SerError
from ser.files import read_text

AUDIO_SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".sph", ".aiff", ".aif", ".au", *DECODED}
# Columns that only the sources below make.
OWN_FOLD, OWN_PART = "own fold", "own part"

_NO_VALUE = {"nan", "nat", "none", "null", "<na>"}
_FIELD = re.compile(r"\{(\w+)(?::(d|\d+))?\}")
_NAMING = "write a field as {speaker}, {n:d} (digits) or {emotion:1} (so many characters)"


class Row(NamedTuple):
    """One row: `where` names it in messages; `values` are its columns, stripped of white space at both ends."""

    where: str
    values: Mapping[str, str]


def read_csv(path: Path) -> list[Row]:
    """Read a table whose first line names the columns.

    Forms that spreadsheets save are read, too: the encoding of Windows in Western Europe, and a first line ``sep=;``.

    Raises
    ------
    SerError
        If a row has another number of fields than the first line (the message names the line), or there is no row.
    """
    text = read_text(path, "give the table of the corpus, saved as UTF-8", fallback="cp1252")
    head = text.partition("\n")[0]
    told = re.fullmatch(r"sep=([,;\t])", head)
    delimiter = told[1] if told else max(",;\t", key=head.count)
    table = parse_rows(path, text, delimiter)
    if told:
        next(table)
    names = [name.strip() for name in next(table, ("", []))[1]]
    if twice := {name for name in names if name and names.count(name) > 1}:
        raise SerError(f"{path}:{2 if told else 1}: the column '{min(twice)}' comes twice; rename one of them")
    rows = []
    for where, fields in table:
        if len(fields) != len(names):
            raise SerError(f"{where}: expected {len(names)} fields as in line 1, found {len(fields)}")
        rows.append(Row(where, {name: value.strip() for name, value in zip(names, fields, strict=True)}))
    if not rows:
        raise SerError(f"{path}: no row below the names of the columns; give the table of the corpus")
    return rows


def read_jsonl(path: Path) -> list[Row]:
    """Read JSON objects, one per line, and EmoBox's folds of them.

    EmoBox keeps ``fold_1/<name>_train_fold_1.jsonl``, ``..._valid_...``, ``..._test_...`` beside the table, joined by
    ``key``. Several folds are the folds of the data; a single one is its division into parts.
    """
    rows = list(_json_rows(path))
    if not rows:
        raise SerError(f"{path}: no line; give the table of the corpus")
    folds = [file for file in sorted(path.parent.glob("fold_*/*_test_fold*.jsonl")) if not is_junk(file.name)]
    told: dict[str, dict[str, str]] = {}
    for file in folds if len({file.parent for file in folds}) > 1 else []:
        _tell(told, file, OWN_FOLD, file.parent.name.removeprefix("fold_"))
    if not told and folds:
        for part in ("train", "valid", "test"):
            for file in sorted(folds[0].parent.glob(f"*_{part}_fold*.jsonl")):
                if not is_junk(file.name):
                    _tell(told, file, OWN_PART, {"valid": "validation"}.get(part, part))
    if not told:
        return rows
    without = [row.where for row in rows if row.values.get("key") not in told]
    if without:
        raise SerError(f"{without[0]}: in none of the folds beside {path}, as {len(without)} rows; take one version")
    return [Row(row.where, {**row.values, **told[row.values["key"]]}) for row in rows]


def read_folder(folder: Path, pattern: str) -> tuple[list[Row], list[str]]:
    """Read the fields in the names of the audio files in a folder, and list the files that do not fit `pattern`.

    Parameters
    ----------
    pattern : path of a file below `folder`, such as ``{speaker}/{emotion}_{n}.wav``. A field matches one or more
        characters other than a slash. A field that comes twice must match the same characters both times.

    Raises
    ------
    SerError
        If no file fits, or a file fits in two ways.
    """
    lazy, greedy = _compile(pattern, "+?"), _compile(pattern, "+")
    rows, others = [], []
    for path in audio_files(folder):
        name = path.relative_to(folder).as_posix()
        match = lazy.fullmatch(unicodedata.normalize("NFC", name))
        if match is None:
            others.append(name)
            continue
        longest = greedy.fullmatch(match.string)
        if longest and match.groupdict() != (other := longest.groupdict()):
            field = next(key for key, value in match.groupdict().items() if other[key] != value)
            ways = f"{field} '{match[field]}' or '{other[field]}'"
            raise SerError(f"{folder}/{name}: fits '{pattern}' in two ways: {ways}; {_NAMING}")
        rows.append(Row(f"{folder}/{name}", {"file": name, **match.groupdict()}))
    if not rows:
        raise SerError(
            f"{folder}: none of its {len(others)} audio files fits '{pattern}'"
            + (f", e.g. {others[0]}" if others else "")
            + f"; {_NAMING}"
        )
    return rows, others


def left_out_list(table: Path) -> Path:
    """Return the path of the list that an exported table has beside it: what was left out of its data dir.

    >>> left_out_list(Path("mine/db.utterances.csv")).as_posix()
    'mine/db.utterances.left_out'
    """
    return table.with_suffix(".left_out")


def audio_files(folder: Path) -> list[Path]:
    """List the audio files below a folder, without files that operating systems or a Mac's archives add."""
    return sorted(files_below(folder, tuple(AUDIO_SUFFIXES)))


def read_saved_dataset(folder: Path, audio_dir: Path) -> list[Row]:
    """Read a data set that Hugging Face `datasets` saved to disk; audio inside it is written to `audio_dir`.

    The parts of a saved dictionary (train, validation, test) become the column `OWN_PART`. No code of the data set
    runs, and nothing is fetched.
    """
    try:
        import datasets
    except ImportError as error:
        raise SerError(
            f"{folder}: reading it needs the package datasets; install the extra: utils/make_venv.sh --extras datasets"
        ) from error
    try:
        loaded = datasets.load_from_disk(str(folder))
    except Exception as error:  # datasets raises what its parts raise
        raise SerError(f"{folder}: cannot be read as a saved data set: {error}") from error
    rows = []
    for part, table in loaded.items() if isinstance(loaded, datasets.DatasetDict) else [("", loaded)]:
        audio = [name for name, feature in table.features.items() if isinstance(feature, datasets.Audio)]
        for name in audio:
            table = table.cast_column(name, datasets.Audio(decode=False))
        for number, record in enumerate(table):
            where = f"{folder}: {part or 'row'} {number}"
            values = {name: _text(record[name], table.features[name]) for name in record if name not in audio}
            if audio:
                values["file"] = _audio_file(record[audio[0]], audio_dir, f"{part or 'row'}_{number:06d}", where)
            rows.append(Row(where, {**values, **({OWN_PART: part} if part else {})}))
    if not rows:
        raise SerError(f"{folder}: the data set is empty")
    return rows


def is_saved_dataset(folder: Path) -> bool:
    """Tell whether `datasets` saved this folder."""
    return (folder / "dataset_info.json").is_file() or (folder / "dataset_dict.json").is_file()


def _json_rows(path: Path) -> Iterator[Row]:
    text = read_text(path, "give the table of the corpus")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise SerError(f"{where}: not JSON: {error}; expected one object per line") from error
        if not isinstance(record, dict):
            raise SerError(f"{where}: expected a JSON object, found '{line[:60]}'")
        yield Row(where, {name: _text(value) for name, value in record.items()})


def _tell(told: dict[str, dict[str, str]], file: Path, column: str, value: str) -> None:
    for row in _json_rows(file):
        key = row.values.get("key", "")
        if told.get(key, {}).get(column, value) != value:
            raise SerError(f"{row.where}: '{key}' is in {column.removeprefix('own ')} {told[key][column]} too")
        told[key] = {column: value}


def _text(value: Any, feature: Any = None) -> str:
    """Write a value as text: a class number as the class's name, a value that is no word or number as ''."""
    if value is None:
        return ""
    if hasattr(feature, "int2str") and isinstance(value, int):
        return feature.int2str(value) if value >= 0 else ""
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _audio_file(audio: Mapping[str, Any] | None, audio_dir: Path, stem: str, where: str) -> str:
    if not audio:
        return ""
    path, data = audio.get("path"), audio.get("bytes")
    if data is None:
        return path or ""
    out = audio_dir / f"{stem}{Path(path or '').suffix or '.wav'}"
    audio_dir.mkdir(parents=True, exist_ok=True)
    try:
        out.write_bytes(data)
    except OSError as error:
        raise SerError(f"{where}: {out} cannot be written: {error.strerror}") from error
    return str(out.absolute())


def _compile(pattern: str, repeat: str) -> re.Pattern[str]:
    """Compile a pattern of names; the suffix fits in any case."""
    if not _FIELD.search(pattern) or set("{}") & set(_FIELD.sub("", pattern)):
        raise SerError(f"--pattern {pattern}: {_NAMING}")
    expression, end = "", 0
    seen: set[str] = set()
    pattern = unicodedata.normalize("NFC", pattern.removeprefix("./"))
    for field in _FIELD.finditer(pattern):
        name, size = field.groups()
        expression += re.escape(pattern[end : field.start()])
        if name in seen:
            expression += f"(?P={name})"
        else:
            form = {None: f"[^/]{repeat}", "d": f"[0-9]{repeat}"}.get(size) or f"[^/]{{{size}}}"
            expression += f"(?P<{name}>{form})"
        seen.add(name)
        end = field.end()
    return re.compile(f"{expression}(?i:{re.escape(pattern[end:])})")


def value(values: Mapping[str, str], column: str) -> str:
    """Return the value of a row in a column; '' if it is missing, or a word for a missing value such as NaN."""
    found = values.get(column, "")
    return "" if found.lower() in _NO_VALUE else found


def one_word(name: str) -> str:
    """Turn a name into one word of letters, digits and '_', so that ids sort in the order of their speakers.

    >>> one_word("anna-maria K.")
    'anna_maria_K_'
    """
    return re.sub(r"\W", "_", unicodedata.normalize("NFC", name).strip()) or "_"


def columns_of(rows: Iterable[Row]) -> list[str]:
    """List the columns of all rows, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row.values))
