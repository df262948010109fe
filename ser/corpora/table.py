"""Any corpus that is a table: rows of files, speakers and emotions become utterances with speaker-independent folds.

Paper: none; the table is the user's own. Licence: the corpus's.
Expected: what the table lists; `PUBLISHED` is a guess for estimates made before it is read.
"""

import logging
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ser.corpora import same_recordings
from ser.corpora.decoding import wav_entries
from ser.corpora.emotion_names import emotion_name, is_known
from ser.corpora.records import LARGEST_LOSS, LeftOut, Utterance, audio_fault, opaque, write_left_out
from ser.corpora.table_folds import assign_folds_of_table
from ser.corpora.table_sources import OWN_PART, Row, columns_of, one_word, value
from ser.errors import SerError

logger = logging.getLogger(__name__)

PUBLISHED = 1000

# Names of the columns if no option gives them, in the order of the search.
USUAL = {
    "file": ("file", "wav", "path", "file_path", "filepath", "filename", "file_name", "audio", "name"),
    "speaker": ("speaker", "speaker_id", "spk", "spkr", "subject", "actor"),
    "emotion": ("emotion", "emo", "emotion_label", "label", "class", "major_emotion"),
    "text": ("text", "transcription", "transcript", "utterance", "sentence", "words"),
    "gender": ("gender", "sex"),
    "start": ("start", "start_time"),
    "end": ("end", "end_time"),
    "session": ("session",),
    "fold": ("fold",),
    "part": ("part", "split"),
    "dialogue": ("dialogue", "dialog", "conversation"),
}
GENDERS = {"m": "m", "male": "m", "man": "m", "f": "f", "female": "f", "woman": "f", "w": "f"}
# Number of names in a message; the list in the data dir has all.
NUM_NAMED = 20

_TIMEDELTA = re.compile(r"(?:(\d+) days? ?)?(?:(\d+):(\d\d):(\d\d(?:\.\d+)?))?")


@dataclass(frozen=True)
class Clip:
    """The values of a row, and its audio file; None or '' if the table has no value."""

    where: str
    name: str  # as the table has it
    path: Path
    values: Mapping[str, str]
    emotion: str = ""
    speaker: str = ""
    gender: str = ""
    text: str | None = None
    start: float | None = None
    end: float | None = None

    @property
    def span(self) -> str:
        """The part of the recording, for messages and ids; '' for the whole of it."""
        if self.end is not None:
            return f" {self.start or 0:.10g}-{self.end:.10g} s"
        return "" if self.start is None else f" {self.start:.10g} s to its end"


def choose_columns(rows: Sequence[Row], chosen: Mapping[str, str | None]) -> dict[str, str]:
    """Find the columns of file, speaker, emotion and so on: named by an option, or else with a usual name.

    Raises
    ------
    SerError
        If a chosen column is not there, or no column names the files; the message lists the columns.
    """
    columns = columns_of(rows)
    by_lower = {column.lower(): column for column in reversed(columns)}
    found = {}
    for what, usual in USUAL.items():
        if name := chosen.get(what):
            found[what] = name if name in columns else by_lower.get(name.lower(), "")
            if not found[what]:
                raise SerError(f"--{what} {name}: no such column; the table has {', '.join(columns)}")
        elif names := [by_lower[name] for name in usual if name in by_lower]:
            found[what] = names[0]
    if "file" not in found:
        raise SerError(f"no column of files; name it by --file: the table has {', '.join(columns)}")
    missing = [what for what in ("speaker", "emotion", "text") if what not in found]
    logger.info(
        "columns: %s%s",
        ", ".join(f"{what} '{name}'" for what, name in found.items()),
        f"; no column of {', '.join(missing)}" if missing else "",
    )
    return found


def find_clips(rows: Iterable[Row], columns: Mapping[str, str], audio_dir: Path) -> tuple[list[Clip], list[LeftOut]]:
    """Read the rows, and find the audio of each below `audio_dir`, or at its absolute path.

    A recording, or a span of one, that is listed twice with the same speaker and emotion is kept once. Two spans are
    the same if both cover over 90 % of the longer.

    Raises
    ------
    SerError
        If a recording has two emotions or two speakers, a speaker has two sexes, or a time is not a number.
    """
    clips, left_out = [], []
    for row in rows:
        values = {what: value(row.values, column) for what, column in columns.items()}
        clip = Clip(
            where=row.where,
            name=values["file"],
            path=_path(audio_dir, values["file"]),
            values=row.values,
            emotion=emotion_name(values["emotion"]) if values.get("emotion") else "",
            speaker=unicodedata.normalize("NFC", values.get("speaker", "")),
            gender=GENDERS.get(values.get("gender", "").lower(), ""),
            text=" ".join(values["text"].split()) if "text" in values else None,
            start=_seconds(row.where, values.get("start", "")),
            end=_seconds(row.where, values.get("end", "")),
        )
        if clip.end is not None and clip.end <= (clip.start or 0):
            raise SerError(f"{row.where}: the segment ends at {clip.end:g} s and starts at {clip.start or 0:g} s")
        if not clip.name:
            left_out.append(LeftOut(row.where, "no file named"))
        elif fault := audio_fault(clip.path):
            left_out.append(LeftOut(clip.name, f"{fault}: {clip.path}"))
        elif "emotion" in columns and not clip.emotion:
            left_out.append(LeftOut(clip.name, "no emotion in its row"))
        else:
            clips.append(clip)
    clips, twice = _distinct(clips)
    _check_genders(clips)
    return clips, left_out + twice


def make_utterances(clips: Sequence[Clip], columns: Mapping[str, str], folds: str | None, name: str) -> list[Utterance]:
    """Assign ids and a fold to each clip.

    An utterance of an unknown speaker counts as a separate speaker: its id is in both columns of utt2spk.

    Parameters
    ----------
    folds : ``speaker:<n>``, ``session``, ``column:<name>`` or ``own``; None: the table's own if it has folds, else by
        speaker.
    name : of the corpus; ids begin with it.
    """
    speakers = _speaker_ids({clip.speaker for clip in clips if clip.speaker}, one_word(name))
    segmented = any(clip.span for clip in clips)
    for unknown in sorted({clip.emotion for clip in clips if clip.emotion and not is_known(clip.emotion)}):
        logger.warning("the emotion '%s' is in no label map: add it to those of conf/emotions that you use", unknown)
    if nameless := sum(not clip.speaker for clip in clips):
        logger.warning(
            "%d of %d utterances have no speaker: each counts as a separate speaker, so folds may share speakers "
            "and figures may be too good; name the column by --speaker",
            *(nameless, len(clips)),
        )
    entries = wav_entries({clip.path for clip in clips})
    utterances = []
    for clip in clips:
        what = unicodedata.normalize("NFC", f"{clip.name}{clip.span}")
        spk = speakers.get(clip.speaker)
        utt = f"{spk}-{opaque(what)}" if spk else f"{one_word(name)}-{opaque(what, 12)}"
        utterances.append(
            Utterance(
                utt=utt,
                spk=spk or utt,
                wav=entries[clip.path],
                text=clip.text,
                emotion=clip.emotion or None,
                gender=clip.gender or None,
                part=clip.values.get(OWN_PART)
                or (value(clip.values, columns["part"]) or "none" if "part" in columns else None),
                dialogue=one_word(value(clip.values, columns["dialogue"])) if "dialogue" in columns else None,
                segment=(f"rec-{opaque(str(clip.path), 12)}", clip.start or 0.0, clip.end or -1.0)
                if segmented
                else None,
            )
        )
    fold_of = assign_folds_of_table(utterances, [(clip.where, clip.values) for clip in clips], columns, folds)
    return [replace(utterance, fold=fold_of.get(utterance.utt)) for utterance in utterances]


def _path(audio_dir: Path, name: str) -> Path:
    path = audio_dir / name
    # A table that was made under Windows.
    return audio_dir / name.replace("\\", "/") if "\\" in name and not path.exists() else path


def _seconds(where: str, text: str) -> float | None:
    """Read seconds, or audformat's time such as ``0 days 00:00:01.500000``; None if there is none.

    >>> _seconds("", "1.5"), _seconds("", "1,5"), _seconds("", "0 days 00:01:01.250000"), _seconds("", "")
    (1.5, 1.5, 61.25, None)
    """
    if not text:
        return None
    try:
        # Some spreadsheets write a decimal comma, and semicolons between the fields.
        seconds = float(text.removesuffix("s").replace(",", "."))
    except ValueError:
        match = _TIMEDELTA.fullmatch(text)
        if match is None:
            raise SerError(f"{where}: expected seconds or '0 days 00:00:01.5', found '{text}'") from None
        days, hours, minutes, rest = (float(part or 0) for part in match.groups())
        seconds = 86400 * days + 3600 * hours + 60 * minutes + rest
    if not 0 <= seconds < float("inf"):
        raise SerError(f"{where}: expected a time of 0 s or more, found '{text}'")
    return seconds


def _distinct(clips: Sequence[Clip]) -> tuple[list[Clip], list[LeftOut]]:
    """Keep each recording, or span of one, once; an error names recordings with two emotions or two speakers."""
    recording = same_recordings.contents({clip.path for clip in clips})
    rows = Counter(recording[clip.path] for clip in clips)
    length = cache(same_recordings.length)
    kept: defaultdict[str, list[tuple[tuple[float, float], Clip]]] = defaultdict(list)
    distinct, twice, conflicts = [], [], []
    for clip in clips:
        name = recording[clip.path]
        seconds = length(clip.path) if rows[name] > 1 else math.inf
        span = (clip.start or 0.0, seconds if clip.end is None else min(clip.end, seconds))
        other = next((earlier for there, earlier in kept[name] if same_recordings.same_span(there, span)), None)
        if other is None:
            kept[name].append((span, clip))
            distinct.append(clip)
            continue
        for what, here, there in (
            ("emotions", clip.emotion, other.emotion),
            ("speakers", clip.speaker, other.speaker),
        ):
            if here != there:
                conflicts.append(
                    f"{other.name}{other.span} and {clip.name}{clip.span} are one recording with two {what}, "
                    f"'{there}' ({other.where}) and '{here}' ({clip.where})"
                )
        twice.append(LeftOut(clip.name, f"the same recording as {other.name}{other.span}", chosen=True))
    if conflicts:
        raise SerError(f"{'; '.join(conflicts)}; correct the table, or take these rows out of it")
    return distinct, twice


def _check_genders(clips: Iterable[Clip]) -> None:
    first: dict[str, Clip] = {}
    for clip in clips:
        if clip.speaker and clip.gender and (other := first.setdefault(clip.speaker, clip)).gender != clip.gender:
            raise SerError(
                f"{clip.where}: speaker '{clip.speaker}' is '{clip.gender}' here and '{other.gender}' at {other.where}"
            )


def _speaker_ids(names: Iterable[str], corpus: str) -> dict[str, str]:
    """Return the id of each speaker; if two names would give the same id, both get digits."""
    ids = {name: f"{corpus}_{one_word(name)}" for name in sorted(names)}
    shared = {spk for spk, count in Counter(ids.values()).items() if count > 1}
    return {name: f"{spk}_{opaque(name)}" if spk in shared else spk for name, spk in ids.items()}


def check_loss(data_dir: Path, kept: int, left_out: Sequence[LeftOut]) -> None:
    """Check that at most the share LARGEST_LOSS of a table is unusable; if not, list it in ``<data-dir>/left_out``.

    Raises
    ------
    SerError
        If more is unusable; the message has the first names and the most frequent reason.
    """
    faults = sorted(item for item in left_out if not item.chosen)
    if len(faults) <= LARGEST_LOSS * (kept + len(faults)):
        return
    listed = data_dir / "left_out"
    write_left_out(listed, left_out)
    names = ", ".join(item.name for item in faults[:NUM_NAMED])
    more = f" and {len(faults) - NUM_NAMED} more" if len(faults) > NUM_NAMED else ""
    reason, count = Counter(item.reason.partition(":")[0] for item in faults).most_common(1)[0]
    raise SerError(
        f"{data_dir}: {len(faults)} of {kept + len(faults)} rows cannot be used, over the limit of {LARGEST_LOSS:.0%}; "
        f"{count} for this reason: {reason}: {names}{more}; all are in {listed}. Files are looked for in "
        "the folder of the table, or in --audio-dir"
    )
