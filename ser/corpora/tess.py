"""TESS: two actresses, one younger and one older, say 200 words in 7 emotions.

Paper: K. Dupuis, M. K. Pichora-Fuller, "Toronto emotional speech set (TESS)", University of Toronto, 2010. Licence: CC
BY-NC-ND 4.0.
Expected: 2,800 clips, 1,400 of each speaker, 400 of each emotion. 24,414 Hz WAV.

Layout: ``OAF_Fear/OAF_back_fear.wav``; ``ps`` is pleasant surprise. Known faults: the older actress's neutral "bite" is
called ``OA_bite_neutral.wav``; a copy in circulation has the whole corpus twice, one inside the other.
Two speakers allow only two folds. Figures near 100 % come from random splits of the clips, so from known speakers.
"""

import re
from pathlib import Path

from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance

PUBLISHED = 2800

NAMING = Naming(
    title="TESS",
    prefix="tess",
    name=re.compile(
        r"(?:^|/)(?P<speaker>OA|YA)F?_(?P<word>[a-z]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)$"
    ),
    emotions={
        "angry": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "happiness",
        "neutral": "neutral",
        "ps": "surprise",
        "sad": "sadness",
    },
    layout="give the folder that has OAF_Fear/OAF_back_fear.wav and so on",
    gender=lambda *_: "f",
    text=lambda name, _: f"Say the word {name['word']}.",
)


def read(corpus: Path, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips; folds are of speakers, so 2 at most."""
    return read_named(corpus, NAMING, num_folds)
