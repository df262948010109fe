"""Read, write and validate Kaldi's data directories."""

import math
import os
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ser.errors import SerError
from ser.kaldi import specifiers
from ser.kaldi.audio import MAX_OVERSHOOT_SECONDS, read_segments
from ser.kaldi.tables import invert, read_entries, read_map, write_lists, write_map
from ser.kaldi.unicode_forms import form_problem

# An utterance of at least this many times the median length is probably a whole recording that was never segmented.
LONG = 10

# Tables whose values are a single word; in other tables the value is the rest of the line.
_ONE_WORD = {
    *("utt2spk", "utt2emo", "utt2fold", "utt2dialogue", "utt2start", "utt2part", "utt2style", "utt2intensity"),
    *("utt2type", "utt2num_frames", "utt2dur", "utt2uniq", "spk2gender"),
}


def key_kind(name: str) -> str | None:
    """Return the kind of key of a file of a data directory: utt, spk or rec; None if the file is not a table.

    In a data directory without ``segments``, recordings have the ids of the utterances.

    >>> key_kind("utt2emo"), key_kind("spk2gender"), key_kind("wav.scp"), key_kind("frame_shift")
    ('utt', 'spk', 'rec', None)
    """
    if name.startswith("utt2") or name in ("text", "segments", "feats.scp", "vad.scp"):
        return "utt"
    if name.startswith("spk2") or name == "cmvn.scp":
        return "spk"
    return "rec" if name.startswith("reco2") or name == "wav.scp" else None


def normalise_text(text: str) -> str:
    """Reduce a line of ``text`` to its words, in lower case and without punctuation.

    >>> normalise_text("It's  eleven o'clock -- 'NOW'!")
    "it's eleven o'clock now"
    """
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower()))


def table_names(data_dir: str | Path) -> list[str]:
    """List the names of the tables of a data directory, sorted; raise a `SerError` if it has no utt2spk."""
    if not Path(data_dir, "utt2spk").is_file():
        raise SerError(f"{data_dir}: no utt2spk in it; not a data directory")
    return sorted(path.name for path in Path(data_dir).iterdir() if path.is_file() and key_kind(path.name))


def read_table(data_dir: str | Path, name: str) -> dict[str, str]:
    """Read one file of a data directory: key -> rest of the line."""
    return read_map(Path(data_dir, name), *_form(name))


def entries(data_dir: str | Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield (key, rest of the line) of one file of a data directory, in its order, without loading the file whole."""
    return read_entries(Path(data_dir, name), *_form(name))


def _form(name: str) -> tuple[int | None, bool]:
    """Return the number of fields of a line (None for any number), and whether a key may stand alone."""
    return 2 if name in _ONE_WORD else None, name == "text"


def long_clips(utt2num_frames: Mapping[str, str]) -> dict[str, float]:
    """Find utterances of at least LONG times the median length: utterance -> multiple of the median, longest first.

    >>> long_clips({"a": "100", "b": "110", "c": "90", "d": "2000"})
    {'d': 19.047619047619047}
    """
    frames = {utt: int(count) for utt, count in utt2num_frames.items()}
    median = statistics.median(frames.values()) if frames else 0
    long = {utt: count / median for utt, count in frames.items() if median and count >= LONG * median}
    return dict(sorted(long.items(), key=lambda item: -item[1]))


def write_data_dir(data_dir: str | Path, tables: Mapping[str, Mapping[str, object]]) -> None:
    """Write a data directory from tables: file name -> (key -> value). spk2utt is made from utt2spk.

    Tables of an earlier run that are not in `tables` are removed, because they describe other utterances.
    """
    Path(data_dir).mkdir(parents=True, exist_ok=True)
    for path in Path(data_dir).iterdir():
        if path.is_file() and key_kind(path.name) and path.name not in tables:
            path.unlink()
    for name, table in tables.items():
        write_map(Path(data_dir, name), table)
    write_lists(Path(data_dir, "spk2utt"), invert({utt: str(spk) for utt, spk in tables["utt2spk"].items()}))


def validate(data_dir: str | Path, feats: bool = True, wav: bool = True, text: bool = True) -> None:
    """Check a data directory for what Kaldi's ``validate_data_dir.sh`` checks.

    Every table has the right number of fields, is sorted under ``LC_ALL=C`` and has no key twice; all tables of
    utterances have the same utterances; utt2spk is sorted by speaker too, and spk2utt is its inverse; segments lie in
    recordings of wav.scp; the files that wav.scp and feats.scp name exist.

    Parameters
    ----------
    feats, wav, text : whether feats.scp, wav.scp and text are required. If they exist, they are checked anyway.

    Raises
    ------
    SerError
        On the first fault; the message names file, line or key, value and remedy.
    """
    directory = Path(data_dir)
    for name, wanted in {"utt2spk": True, "spk2utt": True, "feats.scp": feats, "wav.scp": wav, "text": text}.items():
        if wanted and not (directory / name).is_file():
            option = "" if "2" in name else f", or give --no-{name.removesuffix('.scp')} to check without it"
            raise SerError(f"{directory}: no {name}; run the step that makes it{option}")
    utt2spk = _sorted_table(directory, "utt2spk")
    if not utt2spk:
        raise SerError(f"{directory}/utt2spk: no utterances")
    _check_speakers(directory, utt2spk)
    names = table_names(directory)
    recordings = _check_segments(directory) if "segments" in names else None
    for name in names:
        kind = key_kind(name)
        if name in ("utt2spk", "spk2utt"):
            continue
        table = _sorted_table(directory, name)
        if kind == "spk":
            _check_keys(directory / name, "speaker", set(utt2spk.values()), table)
        elif kind == "utt" or recordings is None:
            _check_keys(directory / name, "utterance", utt2spk, table)
        elif missing := recordings - table.keys():
            problem = form_problem(sorted(missing), table)
            raise SerError(
                f"{directory}/{name}: {len(missing)} recordings of segments are missing, as '{min(missing)}'"
                + (f"; {problem}" if problem else "")
            )
        _check_values(directory, name, table, wav)


def _sorted_table(directory: Path, name: str) -> dict[str, str]:
    table = read_table(directory, name)
    last = ""
    for number, key in enumerate(table, start=1):
        if key <= last:
            raise SerError(f"{directory}/{name}:{number}: '{key}' after '{last}': not sorted; run {_fix(directory)}")
        if "/" in key:
            raise SerError(f"{directory}/{name}:{number}: '/' in the id '{key}'; ids become file names: rename it")
        last = key
    return table


def _check_speakers(directory: Path, utt2spk: Mapping[str, str]) -> None:
    last = ""
    for number, (utt, spk) in enumerate(utt2spk.items(), start=1):
        if spk < last:
            remedy = "begin utterance ids with the speaker's"
            if utt.startswith(spk) and last.startswith(f"{spk}-"):
                remedy = (
                    f"'{spk}' is the beginning of '{last}', whose utterances sort among its own: rename one of them,"
                    f" such as to '{last.replace('-', '_')}'"
                )
            raise SerError(
                f"{directory}/utt2spk:{number}: speaker '{spk}' of '{utt}' after '{last}': not sorted by speaker;"
                f" {remedy}"
            )
        last = spk
    found = {spk: utts.split() for spk, utts in _sorted_table(directory, "spk2utt").items()}
    expected = invert(utt2spk)
    if found != expected:
        spk = next(spk for spk in sorted(found.keys() | expected.keys()) if found.get(spk) != expected.get(spk))
        raise SerError(
            f"{directory}/spk2utt: not the inverse of utt2spk, as for speaker '{spk}'; run {_fix(directory)}"
        )


def _check_segments(directory: Path) -> set[str]:
    durations = {}
    for recording, value in (read_table(directory, "reco2dur") if (directory / "reco2dur").is_file() else {}).items():
        try:
            durations[recording] = float(value)
        except ValueError as error:
            raise SerError(f"{directory}/reco2dur: expected seconds, found '{recording} {value}'") from error
    recordings = set()
    for segment in read_segments(directory / "segments"):
        recordings.add(segment.recording)
        seconds = durations.get(segment.recording, math.inf)
        if segment.end > seconds + MAX_OVERSHOOT_SECONDS:
            raise SerError(
                f"{directory}/segments: '{segment.utt}' ends at {segment.end:g} s, but its recording "
                f"'{segment.recording}' has {seconds:g} s"
            )
    return recordings


def _check_keys(path: Path, what: str, expected: Iterable[str], found: Mapping[str, str]) -> None:
    # Both are sorted, so comparing the lists is enough in the usual case.
    if list(expected) == list(found):
        return
    expected = set(expected)
    if missing := expected - found.keys():
        if problem := form_problem(sorted(missing), found):
            raise SerError(f"{path}: {len(missing)} of {len(expected)} {what}s of utt2spk are missing; {problem}")
        raise SerError(
            f"{path}: {len(missing)} of {len(expected)} {what}s of utt2spk are missing, the first '{min(missing)}'; "
            f"run {_fix(path.parent)}"
        )
    if extra := found.keys() - expected:
        raise SerError(
            f"{path}: {len(extra)} {what}s are not in utt2spk, the first '{min(extra)}'; run {_fix(path.parent)}"
        )


def _check_values(directory: Path, name: str, table: Mapping[str, str], wav: bool) -> None:
    path = directory / name
    if name == "spk2gender" and (wrong := [spk for spk, gender in table.items() if gender not in ("m", "f")]):
        raise SerError(f"{path}: expected m or f, found '{wrong[0]} {table[wrong[0]]}'")
    if name == "utt2num_frames" and (wrong := [utt for utt, count in table.items() if not count.isdecimal()]):
        raise SerError(f"{path}: expected a number of frames, found '{wrong[0]} {table[wrong[0]]}'")
    if name in ("utt2start", "utt2dur") and (wrong := [utt for utt, text in table.items() if not _is_seconds(text)]):
        raise SerError(f"{path}: expected seconds, 0 or more, found '{wrong[0]} {table[wrong[0]]}'")
    if name not in ("feats.scp", "vad.scp", "wav.scp") or (name == "wav.scp" and not wav):
        return
    files: dict[str, str] = {}
    parse = specifiers.parse_recording if name == "wav.scp" else specifiers.parse_location
    for key, rxfilename in table.items():
        if not rxfilename.endswith("|"):
            files.setdefault(parse(rxfilename).name, key)
    if missing := [file for file in files if not os.path.exists(file)]:
        raise SerError(
            f"{path}: {len(missing)} of {len(files)} files do not exist, the first '{missing[0]}' of "
            f"'{files[missing[0]]}'; check the path of the corpus, or run the step that makes them"
        )


def _is_seconds(text: str) -> bool:
    try:
        return 0.0 <= float(text) < math.inf
    except ValueError:
        return False


def _fix(directory: Path) -> str:
    return f"utils/fix_data_dir.sh {directory}"
