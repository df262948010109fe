"""Export of a data dir as tables that other toolkits read: audformat's (nkululeko's CSV) and EmoBox's JSON lines.

The files say which utterance is in which fold, so that another toolkit is trained and scored on the same split, and
`local/prepare_table.sh` reads them back.
"""

import csv
import io
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ser.corpora.table_sources import left_out_list
from ser.errors import SerError
from ser.files import read_text, write_text
from ser.kaldi import datadir

# Table of a data dir -> column of the CSV.
COLUMNS = {"utt2emo": "emotion", "text": "text", "utt2fold": "fold", "utt2part": "part", "utt2dialogue": "dialogue"}
PARTS = {"train": "train", "validation": "valid", "test": "test"}


@dataclass(frozen=True)
class Line:
    """An utterance: its file, its times in seconds if it is a segment (end None: end of the file), and its labels."""

    utt: str
    file: str
    span: tuple[float, float | None] | None
    values: Mapping[str, str]

    @property
    def index(self) -> list[str]:
        """The first columns of a row: file and, of a segment, start and end as audformat writes them."""
        if self.span is None:
            return [self.file]
        start, end = self.span
        return [self.file, _timedelta(start), "" if end is None else _timedelta(end)]


def read_lines(data_dir: Path, audio_dir: Path | None) -> list[Line]:
    """Read a data dir; paths below `audio_dir` become relative to it.

    An utterance whose speaker is not known, so that it counts as a separate speaker, gets no speaker.

    Raises
    ------
    SerError
        If an entry of wav.scp is a command that names no input file, or a file is not below `audio_dir`.
    """
    tables = {name: datadir.read_table(data_dir, name) for name in datadir.table_names(data_dir)}
    if "wav.scp" not in tables:
        raise SerError(f"{data_dir}: no wav.scp; a table of files needs it")
    files = {key: _file(f"{data_dir}/wav.scp: {key}", entry, audio_dir) for key, entry in tables["wav.scp"].items()}
    lines = []
    for utt, spk in tables["utt2spk"].items():
        recording, span = utt, None
        if "segments" in tables:
            recording, start, end = tables["segments"][utt].split()
            span = (float(start), None if float(end) == -1 else float(end))
        values = {column: tables[name][utt] for name, column in COLUMNS.items() if name in tables}
        values["speaker"] = "" if spk == utt else spk
        if "spk2gender" in tables:
            values["gender"] = {"m": "male", "f": "female"}[tables["spk2gender"][spk]]
        if recording not in files:
            raise SerError(
                f"{data_dir}/wav.scp: no recording '{recording}' of utterance '{utt}'; validate the data dir"
            )
        lines.append(Line(utt, files[recording], span, values))
    return lines


def write_audformat(out: Path, name: str, lines: Sequence[Line]) -> Path:
    """Write ``db.yaml`` and ``db.utterances.csv``, which nkululeko reads too; return the path of the table."""
    columns = [column for column in ("speaker", "gender", *COLUMNS.values()) if column in lines[0].values]
    index = _index_names(lines)
    rows = ([*line.index, *(line.values[column] for column in columns)] for line in lines)
    table = out / "db.utterances.csv"
    write_text(table, _csv([*index, *columns], rows))
    schemes: dict[str, dict[str, object]] = {}
    for column in columns:
        schemes[column] = {"dtype": "str"}
        if column in ("emotion", "gender", "fold", "part"):
            schemes[column]["labels"] = sorted({line.values[column] for line in lines})
    header = {
        "name": name,
        "source": "exported data directory",
        # One of five words; audformat refuses others. The corpus's licence tells more.
        "usage": "other",
        "languages": [],
        "schemes": schemes,
        "tables": {
            "utterances": {
                "type": "filewise" if len(index) == 1 else "segmented",
                "columns": {column: {"scheme_id": column} for column in columns},
            }
        },
    }
    write_text(out / "db.yaml", yaml.safe_dump(header, sort_keys=False, allow_unicode=True))
    return table


def write_emobox(out: Path, name: str, lines: Sequence[Line], audio_dir: Path | None) -> Path:
    """Write ``<name>.jsonl``, ``label_map.json`` and ``fold_<n>/<name>_{train,valid,test}_fold_<n>.jsonl``.

    Folds are those of utt2fold; without them, the parts of utt2part are fold 1. Return the path of the first.
    """
    if segment := next((line for line in lines if line.span is not None), None):
        raise SerError(f"{segment.utt}: a segment of {segment.file}; EmoBox reads whole files: cut the recordings")
    if "emotion" not in lines[0].values:
        raise SerError("no utt2emo: EmoBox's table needs an emotion for each utterance")
    records = {line.utt: _record(name, line, audio_dir) for line in lines}
    table = out / f"{name}.jsonl"
    write_text(table, _jsonl(records.values()))
    labels = sorted({line.values["emotion"] for line in lines})
    write_text(out / "label_map.json", json.dumps({label: label for label in labels}, ensure_ascii=False) + "\n")
    for fold, parts in _divisions(lines).items():
        for part, utts in parts.items():
            path = out / f"fold_{fold}" / f"{name}_{part}_fold_{fold}.jsonl"
            write_text(path, _jsonl(records[utt] for utt in utts))
    return table


def write_left_out(table: Path, data_dir: Path) -> None:
    """Write beside an exported table what was left out of its data dir, so that a run on the table can tell it."""
    listed = data_dir / "left_out"
    write_text(left_out_list(table), read_text(listed) if listed.is_file() else "")


def write_scores(
    path: Path,
    lines: Sequence[Line],
    classes: Sequence[str],
    scored: Mapping[str, tuple[str, Sequence[str]]],
) -> None:
    """Write the result of a system for each scored utterance: true and predicted emotion, posterior of each class.

    Parameters
    ----------
    scored : utterance -> predicted class, posteriors (K,) as text.
    """
    rows = (
        [*line.index, line.values.get("emotion", ""), scored[line.utt][0], *scored[line.utt][1]]
        for line in lines
        if line.utt in scored
    )
    write_text(path, _csv([*_index_names(lines), "emotion", "predicted", *classes], rows))


def _file(where: str, entry: str, audio_dir: Path | None) -> str:
    """Return the file of an entry of wav.scp: its path, or the input file of its ffmpeg command."""
    name = entry
    if entry.endswith("|"):
        words = shlex.split(entry[:-1])
        if "-i" not in words[:-1]:
            raise SerError(f"{where}: a command that names no input by -i: '{entry}'; write its audio to files first")
        name = words[words.index("-i") + 1]
    if audio_dir is None:
        return name
    try:
        return Path(name).absolute().relative_to(audio_dir.absolute()).as_posix()
    except ValueError as error:
        raise SerError(f"{where}: {name} is not below --audio-dir {audio_dir}") from error


def _record(name: str, line: Line, audio_dir: Path | None) -> dict[str, Any]:
    import soundfile

    path = Path(audio_dir or ".", line.file)
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise SerError(f"{path}: cannot be read: {error}; EmoBox's table has its length") from error
    known = {column: line.values[column] for column in ("speaker", "text") if line.values.get(column)}
    return {
        "key": line.utt,
        "dataset": name,
        "wav": line.file,
        "type": "raw",
        "sample_rate": info.samplerate,
        "num_frame": info.frames,
        "task": "category",
        "length": info.frames / info.samplerate,
        "emo": line.values["emotion"],
        "channel": info.channels,
        **known,
    }


def _divisions(lines: Sequence[Line]) -> dict[str, dict[str, list[str]]]:
    """Return fold -> part -> utterances."""
    if "fold" in lines[0].values:
        folds = sorted({line.values["fold"] for line in lines})
        return {
            fold: {
                "train": [line.utt for line in lines if line.values["fold"] != fold],
                "test": [line.utt for line in lines if line.values["fold"] == fold],
            }
            for fold in folds
        }
    if "part" not in lines[0].values:
        return {}
    parts: dict[str, list[str]] = {}
    for line in lines:
        part = line.values["part"]
        parts.setdefault(PARTS.get(part, part), []).append(line.utt)
    return {"1": parts}


def _index_names(lines: Sequence[Line]) -> list[str]:
    return ["file"] if lines[0].span is None else ["file", "start", "end"]


def _timedelta(seconds: float) -> str:
    """Write seconds as pandas does.

    >>> _timedelta(3661.25)
    '0 days 01:01:01.250000'
    """
    minutes, rest = divmod(round(seconds * 1e6), 60_000_000)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days} days {hours:02d}:{minutes:02d}:{rest // 1_000_000:02d}.{rest % 1_000_000:06d}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def _jsonl(records: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
