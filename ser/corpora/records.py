"""Records of the utterances of a corpus, and the Kaldi data dir that is written from them."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ser.corpora.staging import staged_data_dir
from ser.corpora.tree import escaped, id_fault, path_fault
from ser.errors import SerError
from ser.files import sha256, write_text
from ser.kaldi import datadir, tables
from ser.kaldi.left_out import MAX_SHARE

logger = logging.getLogger(__name__)

# The labels of all corpora here, with one name for each emotion; conf/emotions/*.map map them to a system's classes.
EMOTIONS = (
    "anger",
    "anxiety",
    "apology",
    "assertiveness",
    "boredom",
    "calm",
    "concern",
    "contempt",
    "disgust",
    "encouragement",
    "excitement",
    "fear",
    "frustration",
    "happiness",
    "neutral",
    "other",
    "sadness",
    "surprise",
    "undecided",  # IEMOCAP's xxx: its annotators found no majority
)

# If a larger share of a corpus is unusable, the copy is broken as a whole.
LARGEST_LOSS = MAX_SHARE

AUDIO_MISSING = "missing audio file"
AUDIO_EMPTY = "empty audio file"
AUDIO_STUB = "git-lfs stub in place of audio (run `git lfs pull` in the corpus)"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance as its corpus describes it. A field that the corpus does not have is None in all of them."""

    utt: str  # opaque, begins with spk and '-', tells no emotion
    spk: str  # a real speaker, unique across corpora
    wav: str | None = None  # absolute path, or a command that ends in '|'
    text: str | None = None
    emotion: str | None = None  # one of EMOTIONS
    labels: Sequence[str] | None = None  # the corpus's own labels, if an utterance may have several
    fold: str | None = None
    part: str | None = None  # the corpus's own division: dev, train, validation, test
    dialogue: str | None = None
    start: float | None = None  # seconds into the dialogue
    style: str | None = None  # script or impro
    intensity: str | None = None
    kind: str | None = None  # of a noise or a room
    gender: str | None = None  # m or f, of the speaker
    votes: Mapping[str, int] | None = None  # emotion -> number of annotators
    annotators: Mapping[str, Sequence[str]] | None = None  # annotator -> the emotions that she named
    dims: tuple[float, float, float] | None = None  # valence, activation, dominance
    where: str | None = None  # path and line that it was read from, for messages; written nowhere
    segment: tuple[str, float, float] | None = None  # id of the recording that wav is, start and end in s (-1: its end)


class LeftOut(NamedTuple):
    """A clip that is not in the data dir: its name, the reason, and whether an option asked for it."""

    name: str
    reason: str
    chosen: bool = False


def _votes(votes: Mapping[str, int]) -> str:
    return " ".join(f"{emotion}:{count}" for emotion, count in sorted(votes.items()) if count)


def _annotators(annotators: Mapping[str, Sequence[str]]) -> str:
    return " ".join(f"{name}={','.join(emotions)}" for name, emotions in sorted(annotators.items()))


def _segment(segment: tuple[str, float, float]) -> str:
    return " ".join((segment[0], *(f"{seconds:.10g}" for seconds in segment[1:])))


def _dims(dims: tuple[float, float, float]) -> str:
    return " ".join(f"{value:g}" for value in dims)


# File of the data dir -> (field of Utterance, how it is written).
FILES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "utt2spk": ("spk", str),
    "wav.scp": ("wav", str),
    "text": ("text", str),
    "utt2emo": ("emotion", str),
    "utt2labels": ("labels", " ".join),
    "utt2fold": ("fold", str),
    "utt2part": ("part", str),
    "utt2dialogue": ("dialogue", str),
    "utt2start": ("start", str),
    "utt2style": ("style", str),
    "utt2intensity": ("intensity", str),
    "utt2type": ("kind", str),
    "utt2votes": ("votes", _votes),
    "utt2annotators": ("annotators", _annotators),
    "utt2dims": ("dims", _dims),
    "segments": ("segment", _segment),
}


def opaque(name: str, digits: int = 8) -> str:
    """Return hexadecimal digits that stand for `name`, a file name that would reveal the emotion.

    >>> opaque("1001_DFA_ANG_XX")
    '50bd39ce'
    """
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:digits]


def require_folder(folder: Path, what: str) -> Path:
    """Return `folder`; raise a `SerError` that ends with `what` if it does not exist."""
    if not folder.is_dir():
        raise SerError(f"{folder}: no such folder; {what}")
    return folder


def audio_fault(path: Path) -> str | None:
    """Return why the file cannot be audio, judged by its first bytes; None if it can."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(16)
    except (FileNotFoundError, ValueError):  # of the second kind is a name with a NUL, which no file can have
        return AUDIO_MISSING
    if not head:
        return AUDIO_EMPTY
    return AUDIO_STUB if head.startswith(b"version https://") else None


def write_data_dir(
    data_dir: str | Path, utterances: Sequence[Utterance], left_out: Sequence[LeftOut] = (), published: int = 0
) -> None:
    """Write the utterances as a validated Kaldi data dir, whole or not at all.

    Parameters
    ----------
    data_dir : gets the files of FILES for which the utterances have values; ``spk2utt``; ``spk2gender`` if the sex of
        all speakers is known; and ``left_out`` (``<name> <reason>`` per line), which is empty if nothing was left out.
    utterances : utterances in any order. If two are equal, from two rows or two equal files, one is kept. Utterances
        whose name or path a data dir cannot have are left out.
    left_out : clips of the corpus that are not among the utterances.
    published : published number of utterances; if the copy has fewer, there is a warning.

    Raises
    ------
    SerError
        If there is no utterance; if two different utterances have one id; if only some utterances have a field; if the
        data dir is not valid; or if more than LARGEST_LOSS of the corpus had to be left out.
    """
    data_dir = Path(data_dir)
    utterances, more = _usable(data_dir, utterances)
    left_out = [*left_out, *more]
    _check_loss(data_dir, len(utterances), left_out)
    maps = _maps(data_dir, utterances)
    with staged_data_dir(data_dir) as folder:
        datadir.write_data_dir(folder, maps)
        write_left_out(folder / "left_out", left_out)
    _log_counts(data_dir, utterances, left_out, published)


def write_left_out(path: Path, left_out: Iterable[LeftOut]) -> None:
    """Write ``<name> <reason>`` lines, sorted; of items with one name, the later ones get a number."""
    lines: dict[str, str] = {}
    for item in sorted(left_out):
        name, count = escaped(item.name), 1
        while name in lines:
            count += 1
            name = f"{escaped(item.name)}#{count}"
        lines[name] = item.reason
    write_text(path, "".join(f"{name} {reason}\n" for name, reason in lines.items()))


def read_left_out(path: Path) -> list[LeftOut]:
    """Read what `write_left_out` wrote. The items count as chosen: their share was checked when they were left out."""
    return [LeftOut(name, reason, chosen=True) for name, reason in tables.read_map(path).items()]


def _usable(data_dir: Path, utterances: Sequence[Utterance]) -> tuple[list[Utterance], list[LeftOut]]:
    """Drop repeated utterances, and utterances whose name or path a data dir cannot have."""
    taken: dict[str, Utterance] = {}
    left_out = []
    for utterance in utterances:
        if fault := id_fault(utterance.utt) or path_fault(utterance.wav or ""):
            left_out.append(LeftOut(_name(utterance), fault))
            continue
        first = taken.setdefault(utterance.utt, utterance)
        if first is utterance:
            continue
        if not _is_same(first, utterance):
            raise SerError(
                f"{data_dir}: utterance {utterance.utt} comes twice, with differences: {_source(first)}, "
                f"{_source(utterance)}; remove one of the two"
            )
        left_out.append(LeftOut(_name(utterance), f"twice in the corpus: equal to {_source(first)}", chosen=True))
    return list(taken.values()), left_out


def _name(utterance: Utterance) -> str:
    """Return the last three parts of its path, which identify a clip in most corpora."""
    wav = utterance.wav or ""
    return "/".join(wav.split("/")[-3:]).lstrip("/") if wav.startswith("/") else utterance.utt


def _source(utterance: Utterance) -> str:
    return str(utterance.where or utterance.wav or utterance.text)


def _is_same(one: Utterance, other: Utterance) -> bool:
    """Tell whether two records are equal and have the same recording, or two recordings with equal bytes."""
    if replace(one, wav=None, where=None) != replace(other, wav=None, where=None):
        return False
    if one.wav == other.wav:
        return True
    paths = [Path(wav) for wav in (one.wav, other.wav) if wav]
    return len(paths) == 2 and all(path.is_file() for path in paths) and sha256(paths[0]) == sha256(paths[1])


def _maps(data_dir: Path, utterances: Sequence[Utterance]) -> dict[str, dict[str, str]]:
    """Return file name -> key -> value, for the files for which these utterances have values."""
    maps = {}
    for file, (field, to_text) in FILES.items():
        values = {utterance.utt: getattr(utterance, field) for utterance in utterances}
        without = [utt for utt, value in values.items() if value is None]
        if len(without) == len(values):
            continue
        if without:
            raise SerError(
                f"{data_dir}/{file}: {len(without)} of {len(values)} utterances have none, e.g. {without[0]}"
            )
        maps[file] = {utt: to_text(value) for utt, value in values.items()}
    if "segments" in maps:
        maps["wav.scp"] = {item.segment[0]: item.wav for item in utterances if item.segment and item.wav}
    genders = {utterance.spk: utterance.gender for utterance in utterances if utterance.gender is not None}
    speakers = {utterance.spk for utterance in utterances}
    if len(genders) == len(speakers):
        maps["spk2gender"] = genders
    elif genders:
        unknown = len(speakers) - len(genders)
        logger.warning(
            "%s: the sex of %d of %d speakers is not known: no spk2gender", *(data_dir, unknown, len(speakers))
        )
    return maps


def _check_loss(data_dir: Path, kept: int, left_out: Sequence[LeftOut]) -> None:
    faults = [item for item in left_out if not item.chosen]
    if kept and len(faults) <= LARGEST_LOSS * (kept + len(faults)):
        return
    if not faults:
        raise SerError(f"{data_dir}: no utterance found; check the corpus folder and the options")
    reason, count = Counter(item.reason.partition(":")[0] for item in faults).most_common(1)[0]
    example = next(item for item in faults if item.reason.startswith(reason))
    raise SerError(
        f"{data_dir}: {len(faults)} of {kept + len(faults)} utterances would have to be left out, over the limit of "
        f"{LARGEST_LOSS:.0%}; {count} for this reason: {reason}, e.g. {example.name} ({example.reason})"
    )


def _log_counts(data_dir: Path, utterances: Sequence[Utterance], left_out: Sequence[LeftOut], published: int) -> None:
    speakers = len({utterance.spk for utterance in utterances})
    logger.info("%s: %d utterances of %d speakers", data_dir, len(utterances), speakers)
    emotions = Counter(utterance.emotion for utterance in utterances if utterance.emotion is not None)
    if emotions:
        logger.info("%s: %s", data_dir, ", ".join(f"{emotion} {count}" for emotion, count in sorted(emotions.items())))
    for reason, count in sorted(Counter(item.reason.partition(":")[0] for item in left_out).items()):
        logger.warning("%s: %d left out: %s; listed in %s/left_out", data_dir, count, reason, data_dir)
    if len(utterances) + len(left_out) < published:
        found = len(utterances) + len(left_out)
        logger.warning("%s: %d of the %d utterances that the corpus is published with", data_dir, found, published)
