"""Corpora whose file names tell all: one pattern of names, one table of codes, and what else the names stand for."""

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

# From the match of a name, and its file, to what it stands for.
Told = Callable[[re.Match[str], Path], str | None]


@dataclass(frozen=True)
class Naming:
    """How a corpus names its clips.

    Attributes
    ----------
    title : of the corpus, in messages.
    prefix : of its speakers' ids.
    name : what the path of a clip below the corpus folder, without suffix, ends in; with groups ``speaker`` and
        ``emotion``.
    emotions : what the group ``emotion`` stands for.
    layout : what the corpus folder must hold, in messages.
    gender, text, intensity, part : what else is told, if anything.
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
    """Read all clips; folds are of speakers, balanced in emotions and sex. A clip that lies there twice is kept once.

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
    """Give the utterances folds of speakers, balanced in emotions and sex; no folds where `num_folds` is 0.

    Speakers of one dialogue, or of one recording that is cut into segments, stay in one fold: they share what is talked
    about, the room and the microphone.
    """
    utterances = list(utterances)
    if not num_folds:
        return utterances
    group_of = _groups(utterances)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for utterance in utterances:
        counts[group_of[utterance.spk]][f"class {utterance.emotion}"] += 1
    if all(utterance.gender for utterance in utterances):
        for spk, gender in {(utterance.spk, utterance.gender) for utterance in utterances}:
            counts[group_of[spk]][f"sex {gender}"] += 1
    folds = balance_folds(counts, num_folds)
    return [replace(utterance, fold=folds[group_of[utterance.spk]]) for utterance in utterances]


def _groups(utterances: Iterable[Utterance]) -> dict[str, str]:
    """Give each speaker the name of her group: of those who meet in a dialogue or a recording, directly or not."""
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
