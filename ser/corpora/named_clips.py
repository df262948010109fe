"""Corpora whose file names give speaker and emotion: a pattern of the names, and the meaning of the codes in them."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ser.corpora.decoding import wav_entries
from ser.corpora.folds import balance_folds
from ser.corpora.records import LeftOut, Utterance, audio_fault, opaque
from ser.corpora.table_sources import audio_files
from ser.errors import SerError

# Function from the match of a name, and its file, to the meaning of the name.
Told = Callable[[re.Match[str], Path], str | None]


@dataclass(frozen=True)
class Naming:
    """How a corpus names its clips.

    Attributes
    ----------
    title : name of the corpus in messages.
    prefix : of its speakers' ids.
    name : pattern of the end of a clip's path, without suffix, with the groups ``speaker`` and ``emotion``.
    emotions : code in the group ``emotion`` -> emotion.
    layout : advice in messages on what the corpus folder must have.
    gender, text, intensity, part : functions from a name to these, if it gives them.
    """

    title: str
    prefix: str
    name: re.Pattern[str]
    emotions: Mapping[str, str]
    layout: str
    gender: Told | None = None
    text: Told | None = None
    intensity: Told | None = None
    part: Told | None = None


def read_named(corpus: Path, naming: Naming, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read all clips; folds are by speaker, balanced in emotion and sex. A clip that is there twice is kept once.

    Raises
    ------
    SerError
        If no clip has such a name.
    """
    found: dict[tuple[str | None, ...], tuple[Path, re.Match[str]]] = {}
    left_out = []
    for path in audio_files(corpus):
        inside = path.relative_to(corpus)
        match = naming.name.search(inside.with_suffix("").as_posix())
        if match is None:
            left_out.append(LeftOut(inside.as_posix(), f"name not of {naming.title}"))
        elif fault := audio_fault(path):
            left_out.append(LeftOut(inside.as_posix(), fault))
        elif match.groups() in found:
            other = found[match.groups()][0].relative_to(corpus)
            left_out.append(LeftOut(inside.as_posix(), f"the same clip as {other}", chosen=True))
        else:
            found[match.groups()] = (path, match)
    if not found:
        raise SerError(f"{corpus}: no clip of {naming.title} in it; {naming.layout}")
    entries = wav_entries(path for path, _ in found.values())
    utterances = []
    for path, match in found.values():

        def tell(what: Told | None, path: Path = path, match: re.Match[str] = match) -> str | None:
            return what(match, path) if what else None

        spk = f"{naming.prefix}{match['speaker']}"
        utterances.append(
            Utterance(
                utt=f"{spk}-{opaque('-'.join(group or '' for group in match.groups()))}",
                spk=spk,
                wav=entries[path],
                emotion=naming.emotions[match["emotion"]],
                gender=tell(naming.gender),
                text=tell(naming.text),
                intensity=tell(naming.intensity),
                part=tell(naming.part),
            )
        )
    return with_speaker_folds(utterances, num_folds), left_out


def with_speaker_folds(utterances: Iterable[Utterance], num_folds: int) -> list[Utterance]:
    """Assign the utterances to folds by speaker, balanced in emotion and known sex; to none if `num_folds` is 0.

    Speakers of one dialogue, or of one recording that is cut into segments, stay in one fold: they share the topic, the
    room and the microphone.
    """
    utterances = list(utterances)
    if not num_folds:
        return utterances
    group_of = _groups(utterances)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for utterance in utterances:
        counts[group_of[utterance.spk]][f"class {utterance.emotion}"] += 1
    for spk, gender in {(utterance.spk, utterance.gender) for utterance in utterances if utterance.gender}:
        counts[group_of[spk]][f"sex {gender}"] += 1
    folds = balance_folds(counts, num_folds)
    return [replace(utterance, fold=folds[group_of[utterance.spk]]) for utterance in utterances]


def _groups(utterances: Iterable[Utterance]) -> dict[str, str]:
    """Return speaker -> group; speakers who share a dialogue or a recording, also through others, are one group."""
    parent: dict[str, str] = {}

    def root(spk: str) -> str:
        while parent.setdefault(spk, spk) != spk:
            parent[spk] = spk = parent[parent[spk]]
        return spk

    met: dict[str, str] = {}
    for utterance in utterances:
        spk = root(utterance.spk)
        for place in filter(None, (utterance.dialogue, utterance.segment and utterance.segment[0])):
            other = root(met.setdefault(place, spk))
            parent[max(spk, other)] = spk = min(spk, other)
    return {spk: root(spk) for spk in parent}
