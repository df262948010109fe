"""IEMOCAP: ten actors in five dyadic sessions, scripted plays and improvisations, labelled by annotators.

Paper: C. Busso et al., "IEMOCAP: interactive emotional dyadic motion capture database", Language Resources and
Evaluation 42(4), 2008. Licence: by agreement with USC's SAIL.
Expected: 10,039 utterances of 10 speakers, 5,255 scripted and 4,784 improvised: undecided (xxx) 2,507, frustration
1,849, neutral 1,708, anger 1,103, sadness 1,084, excitement 1,041, happiness 595, surprise 107, fear 40, other 3,
disgust 2.

Layout, in each of Session1 to Session5::

    dialog/EmoEvaluation/Ses01F_impro01.txt      [6.2901 - 8.2357]  Ses01F_impro01_F000  neu  [2.5000, 2.5000, 2.5000]
                                                 C-E2:  Neutral;  ()            and so on for each annotator
    dialog/transcriptions/Ses01F_impro01.txt     Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
    sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav

In a name, the letter after the session's number is the actor who wore the motion-capture markers; the letter before the
last number is the speaker. The label is the majority vote of the outside annotators (E1, E2 and so on), and the
dimensions (1 to 5) are their means. The actors' ratings of themselves (C-F1, C-M1) are in utt2annotators but, as in the
corpus's own labels, not in utt2votes.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ser.corpora.records import LeftOut, Utterance, audio_fault
from ser.corpora.tree import files_below, find_folders, list_folder
from ser.errors import SerError
from ser.files import read_text_lines

logger = logging.getLogger(__name__)

PUBLISHED = 10039

EMOTIONS = {
    "ang": "anger",
    "dis": "disgust",
    "exc": "excitement",
    "fea": "fear",
    "fru": "frustration",
    "hap": "happiness",
    "neu": "neutral",
    "oth": "other",
    "sad": "sadness",
    "sur": "surprise",
    "xxx": "undecided",
}
# First three letters of an annotator's word -> emotion.
WORDS = {emotion[:3]: emotion for emotion in EMOTIONS.values() if emotion != "undecided"}

NUMBER = r"(\d+(?:\.\d*)?)"
TURN = re.compile(rf"\[{NUMBER} - {NUMBER}\]\t(\S+)\t(\w+)\t\[{NUMBER}, {NUMBER}, {NUMBER}\]")
ANNOTATOR = re.compile(r"(C-[EFM]\d+):\t([^\t]*)")
TRANSCRIPT = re.compile(r"(Ses\S+) \[[\d.]+-[\d.]+\]:\s*(.*)")
NAME = re.compile(r"(?P<dialogue>Ses0(?P<session>\d)[FM]_(?P<style>impro|script)\w+)_(?P<talker>[FM])(?P<number>\d+)")


@dataclass
class Turn:
    """One utterance in an EmoEvaluation file."""

    where: str
    name: str
    emotion: str
    dims: tuple[float, float, float]
    start: float  # seconds into the dialogue
    annotators: dict[str, list[str]] = field(default_factory=dict)


def read(corpus: Path) -> tuple[list[Utterance], list[LeftOut]]:
    """Read all sessions that the folder has.

    Utterances without a transcription are kept, with an empty text, for systems that use speech alone. If no utterance
    has a transcription, no text is written.
    """
    found = {number: find_folders(corpus, f"Session{number}") for number in range(1, 6)}
    sessions = [folder for folders in found.values() for folder in folders]
    if not sessions:
        raise SerError(f"{corpus}: no folder Session1 to Session5 in it; give the folder IEMOCAP_full_release")
    if absent := [number for number, folders in found.items() if not folders]:
        logger.warning(
            "%s: no folder %s: these sessions, and their folds, are missing", corpus, _listed("Session", absent)
        )
    texts: dict[str, str] = {}
    utterances: list[Utterance] = []
    left_out: list[LeftOut] = []
    for session in sessions:
        texts |= _transcripts(session / "dialog" / "transcriptions")
        files = {path.stem: path for path in files_below(session / "sentences" / "wav", (".wav",))}
        extra = set(files)
        for turn in _turns(session / "dialog" / "EmoEvaluation"):
            extra.discard(turn.name)
            utterance = _utterance(session, turn, files, texts.get(turn.name, ""))
            if isinstance(utterance, Utterance):
                utterances.append(utterance)
            else:
                left_out.append(utterance)
        left_out += [LeftOut(files[name].name, "not in dialog/EmoEvaluation") for name in sorted(extra)]
    if without := sum(not utterance.text for utterance in utterances):
        logger.warning(
            "%s: %d of %d utterances have no transcription: only systems that use speech alone can use them",
            *(corpus, without, len(utterances)),
        )
    if without == len(utterances):
        utterances = [replace(utterance, text=None) for utterance in utterances]
    return utterances, left_out


def _listed(name: str, numbers: Iterable[int]) -> str:
    return ", ".join(f"{name}{number}" for number in numbers)


def _utterance(session: Path, turn: Turn, files: Mapping[str, Path], text: str) -> Utterance | LeftOut:
    name = NAME.fullmatch(turn.name)
    if name is None:
        raise SerError(f"{turn.where}: expected a name like Ses01F_impro01_F000, found '{turn.name}'")
    path = files.get(turn.name, session / "sentences" / "wav" / name["dialogue"] / f"{turn.name}.wav")
    if fault := audio_fault(path):
        return LeftOut(turn.name, fault)
    outside = [emotions for annotator, emotions in turn.annotators.items() if annotator.startswith("C-E")]
    spk = f"Ses0{name['session']}{name['talker']}"
    return Utterance(
        utt=f"{spk}-{name['dialogue']}-{name['talker']}{name['number']}",
        spk=spk,
        wav=str(path.absolute()),
        text=text,
        emotion=turn.emotion,
        fold=name["session"],
        dialogue=name["dialogue"],
        start=turn.start,
        style=name["style"],
        gender=name["talker"].lower(),
        votes=Counter(emotion for emotions in outside for emotion in emotions) or None,
        annotators=turn.annotators,
        dims=turn.dims,
        where=turn.where,
    )


def _turns(folder: Path) -> Iterator[Turn]:
    """Yield the utterances of the session's EmoEvaluation/*.txt with their annotators."""
    files = _text_files(folder)
    if not files:
        raise SerError(f"{folder}: no .txt file in it; the corpus is not complete")
    for path in files:
        turn = None
        for number, line in enumerate(read_text_lines(path, errors="replace"), start=1):
            where = f"{path}:{number}"
            if match := TURN.match(line):
                if turn is not None:
                    yield turn
                start, _, name, emotion, *dims = match.groups()
                if emotion not in EMOTIONS:
                    raise SerError(f"{where}: expected an emotion of {' '.join(EMOTIONS)}, found '{emotion}'")
                valence, activation, dominance = map(float, dims)
                turn = Turn(where, name, EMOTIONS[emotion], (valence, activation, dominance), float(start))
            elif line.startswith("["):
                raise SerError(
                    f"{where}: expected '[start - end]', name, emotion and '[v, a, d]' between tabs, found '{line}'"
                )
            elif (match := ANNOTATOR.match(line)) and turn is not None and match[2].strip(" ;"):
                words = [word.strip() for word in match[2].split(";") if word.strip()]
                turn.annotators[match[1]] = [_emotion(where, word) for word in words]
        if turn is not None:
            yield turn


def _emotion(where: str, word: str) -> str:
    """Return the label of an annotator's word: 'Neutral', 'Neutral state', 'Excited' ..."""
    emotion = WORDS.get(word.lower()[:3])
    if emotion is None:
        logger.warning("%s: '%s' is none of the corpus's emotions and counts as other", where, word)
    return emotion or "other"


def _transcripts(folder: Path) -> dict[str, str]:
    """Read utterance name -> words; other lines, such as breaths, do not match and are skipped."""
    texts: dict[str, str] = {}
    origin: dict[str, Path] = {}
    for path in _text_files(folder):
        for line in read_text_lines(path, errors="replace"):
            if match := TRANSCRIPT.match(line):
                words = " ".join(match[2].split())
                first = origin.setdefault(match[1], path)
                if first != path and texts[match[1]] != words:
                    raise SerError(f"{first} and {path}: other words of {match[1]}; remove one of the two")
                texts[match[1]] = words
    return texts


def _text_files(folder: Path) -> list[Path]:
    """List the text files in the folder, without hidden files such as '._name.txt'."""
    names = list_folder(folder)[1] if folder.is_dir() else []
    return [folder / name for name in names if name.lower().endswith(".txt")]
