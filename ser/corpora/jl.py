"""JL-Corpus: four New Zealand English speakers, five primary and five secondary emotions.

Paper: J. James, L. Tian, C. Watson, "An open source emotional speech corpus for human robot interaction applications",
Interspeech 2018. Licence: CC0 1.0.
Expected: 2,400 clips of 4 speakers (2 male, 2 female), 240 of each of 10 emotions: anger, sadness, neutral, happiness,
excitement; anxiety, apology, assertiveness, concern, encouragement. 44.1 kHz WAV.

Layout: ``JL(wav+txt)/male1_angry_10a_1.wav``: speaker, emotion, sentence and session, repetition; a ``.txt`` of the
same name has the words. With only four speakers, intervals over speakers say nothing about other speakers.
"""

import re
from pathlib import Path

from ser.corpora.emotion_names import emotion_name
from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance
from ser.corpora.tree import files_below
from ser.files import read_text

PUBLISHED = 2400

WORDS = (
    *("angry", "sad", "neutral", "happy", "excited"),
    *("anxious", "apologetic", "assertive", "concerned", "encouraging"),
)
NAME = re.compile(rf"(?:^|/)(?P<speaker>(?:fe)?male[12])_(?P<emotion>{'|'.join(WORDS)})_(\d+)([ab])_([12])$")


def read(corpus: Path, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips; folds are of speakers, so 4 at most. A clip without its .txt has no words."""
    naming = Naming(
        title="JL-Corpus",
        prefix="jl",
        name=NAME,
        emotions={word: emotion_name(word) for word in WORDS},
        layout="give the folder that has male1_angry_10a_1.wav and so on",
        gender=lambda name, _: name["speaker"][0],
        text=_words if any(NAME.search(path.stem) for path in files_below(corpus, (".txt",))) else None,
    )
    return read_named(corpus, naming, num_folds)


def _words(_: re.Match[str], path: Path) -> str:
    told = path.with_suffix(".txt")
    return " ".join(read_text(told, errors="replace").split()) if told.exists() else ""
