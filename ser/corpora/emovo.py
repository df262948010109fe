"""EMOVO: six Italian actors speak 14 sentences in 7 emotions.

Paper: G. Costantini, I. Iaderola, A. Paoloni, M. Todisco, "EMOVO corpus: an Italian emotional speech database", LREC
2014. Licence: free for research.
Expected: 588 clips of 6 actors (3 male, 3 female), 98 each, 84 of each emotion. 48 kHz WAV, two channels.

Layout: ``EMOVO/f1/dis-f1-b1.wav``: emotion (disgusto, gioia, neutrale, paura, rabbia, sorpresa, tristezza), actor,
sentence (b short, l long, n without meaning, d question).
"""

import re
from pathlib import Path

from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance

PUBLISHED = 588

NAMING = Naming(
    title="EMOVO",
    prefix="emovo",
    name=re.compile(r"(?:^|/)(?P<emotion>dis|gio|neu|pau|rab|sor|tri)-(?P<speaker>[fm][1-3])-([bdln]\d)$"),
    emotions={
        "dis": "disgust",
        "gio": "happiness",
        "neu": "neutral",
        "pau": "fear",
        "rab": "anger",
        "sor": "surprise",
        "tri": "sadness",
    },
    layout="give the folder that has f1/dis-f1-b1.wav and so on",
    gender=lambda name, _: name["speaker"][0],
)


def read(corpus: Path, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips; folds are of speakers."""
    return read_named(corpus, NAMING, num_folds)
