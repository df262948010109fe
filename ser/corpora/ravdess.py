"""RAVDESS: 24 actors speak two sentences in 8 emotions, each twice, all but neutral at two intensities.

Paper: S. R. Livingstone, F. A. Russo, "The Ryerson audio-visual database of emotional speech and song (RAVDESS)", PLoS
ONE 13(5), 2018. Licence: CC BY-NC-SA 4.0.
Expected (audio-only speech): 1,440 clips of 24 actors, 60 each: neutral 96, the other 7 emotions 192 each. 48 kHz WAV.

Layout: ``Actor_01/03-01-06-01-02-01-01.wav`` (or .flac, any rate). Only file names matter: clips are found at any depth
and in folders of any name. A name is modality-channel-emotion-intensity-statement-repetition-actor; modality 03 is
audio only, channel 01 is speech. Odd actors are male, even ones female.
The label is the emotion that the actor was asked for.
"""

import logging
import re
from pathlib import Path

from ser.corpora.folds import assign_folds, published_folds
from ser.corpora.records import LeftOut, Utterance, audio_fault, opaque
from ser.corpora.tree import AUDIO_SUFFIXES, files_below
from ser.errors import SerError

logger = logging.getLogger(__name__)

PUBLISHED = 1440
SUFFIXES = (".wav", ".flac")
ACTORS = tuple(f"{number:02d}" for number in range(1, 25))

EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
INTENSITIES = {"01": "normal", "02": "strong"}
SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}

# The folds of EmoBox's published figures (Z. Ma et al., Interspeech 2024), and the actors that each tests.
EMOBOX = {
    "1": "01 11 20 21",
    "2": "04 10 12 14",
    "3": "08 09 19 23",
    "4": "03 05 07 24",
    "5": "02 15 16 18",
    "6": "06 13 17 22",
}

NAME = re.compile(r"(\d\d)-(\d\d)-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)")


def read(corpus: Path, num_folds: int | None) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips of speech and skip song and video.

    Folds are sets of actors: `num_folds` sets balanced by sex, or with None those of EmoBox.
    """
    found = [(path, NAME.fullmatch(path.stem)) for path in files_below(corpus, AUDIO_SUFFIXES)]
    if not any(name for _, name in found):
        raise SerError(
            f"{corpus}: no folder Actor_01 to Actor_24 with clips in it; give the folder that"
            " Audio_Speech_Actors_01-24.zip makes"
        )
    clips: list[tuple[Path, re.Match[str]]] = []
    left_out = []
    for path, name in found:
        if name is None:
            left_out.append(LeftOut(path.name, "name not of RAVDESS"))
        elif name[1] == "03" and name[2] == "01":
            fault = audio_fault(path) if path.suffix.lower() in SUFFIXES else "neither .wav nor .flac: convert it"
            if fault:
                left_out.append(LeftOut(path.name, fault))
            else:
                clips.append((path, name))
    if absent := sorted(set(ACTORS) - {name[7] for _, name in clips}):
        logger.warning("%s: no clip of %d of the 24 actors: %s", corpus, len(absent), " ".join(absent))
    genders = {name[7]: "m" if int(name[7]) % 2 else "f" for _, name in clips}
    folds = published_folds(EMOBOX) if num_folds is None else assign_folds(genders, num_folds) if clips else {}
    utterances = []
    for path, name in clips:
        _, _, emotion, intensity, statement, _, actor = name.groups()
        utterances.append(
            Utterance(
                utt=f"ravdess{actor}-{statement}-{opaque(path.stem)}",
                spk=f"ravdess{actor}",
                wav=str(path.absolute()),
                text=SENTENCES[statement],
                emotion=EMOTIONS[emotion],
                fold=folds[actor],
                intensity=INTENSITIES[intensity],
                gender=genders[actor],
            )
        )
    return utterances, left_out
