"""ShEMO: Persian speech from radio plays, in five emotions and neutral, labelled by 12 listeners.

Paper: O. Mohamad Nezami, P. Jamshid Lou, M. Karami, "ShEMO: a large-scale validated database for Persian speech emotion
detection", Language Resources and Evaluation 53, 2019. Licence: free for research.
Expected: 3,000 utterances of 87 speakers (31 female, 56 male), 3 h 25 min: anger 1,059, neutral 1,028, sadness 449,
surprise 225, happiness 201, fear 38. 44.1 kHz WAV.

Layout: ``female/F01A01.wav`` and ``male/M01N02.wav``: speaker, emotion (A H N S W F), number; ``shemo.json``, if it is
there, has the transcripts. Fear has 38 utterances of few speakers, so some folds lack it.
"""

import json
import re
from pathlib import Path

from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance
from ser.errors import SerError
from ser.files import read_text

PUBLISHED = 3000

EMOTIONS = {"A": "anger", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness", "W": "surprise"}
NAME = re.compile(r"(?:^|/)(?P<speaker>[FM]\d\d)(?P<emotion>[AFHNSW])(?P<number>\d\d\d?)$")


def read(corpus: Path, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips; folds are of speakers. One without a transcript has an empty text, if any has one."""
    texts = _transcripts(corpus / "shemo.json")
    naming = Naming(
        title="ShEMO",
        prefix="shemo",
        name=NAME,
        emotions=EMOTIONS,
        layout="give the folder that has female/F01A01.wav and so on",
        gender=lambda name, _: name["speaker"][0].lower(),
        text=(lambda _, path: texts.get(path.stem, "")) if texts else None,
    )
    return read_named(corpus, naming, num_folds)


def _transcripts(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        clips = json.loads(read_text(path))
        return {clip: " ".join(str(told.get("transcript") or "").split()) for clip, told in clips.items()}
    except (ValueError, AttributeError) as error:
        raise SerError(f"{path}: expected an object of clips with their transcript: {error}") from error
