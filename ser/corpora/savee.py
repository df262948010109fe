"""SAVEE, Surrey audio-visual expressed emotion: 4 men speak TIMIT sentences in 7 emotions.

Paper: S. Haq, P. J. B. Jackson, "Multimodal emotion recognition", in Machine Audition, IGI Global 2010. Licence: free
for research, on registration.
Expected: 480 clips, of each man 120: neutral 30, the other 6 emotions 15 each. 44.1 kHz WAV.

Layouts: ``AudioData/DC/a01.wav`` as distributed, or ``ALL/DC_a01.wav``; sa is sadness, su surprise. The release has no
transcripts. If you have some, give them as lines ``DC_a01 <words>``; ``utils/set_text.sh`` adds those of a recogniser.

The words reveal the emotion: of the 15 sentences of an emotion, all men say 3 in every emotion, 2 also in neutral, and
10 in that emotion only. A table of sentences and emotions from three men classifies 75 % of the fourth man's clips
correctly; ``ser.bin.audit_protocol`` reports this figure.
"""

import re
from dataclasses import replace
from pathlib import Path

from ser.corpora.folds import published_folds
from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance
from ser.errors import SerError
from ser.files import read_text_lines

PUBLISHED = 480

SPEAKERS = ("DC", "JE", "JK", "KL")
# The folds of EmoBox's published figures (Z. Ma et al., Interspeech 2024), and the speaker that each tests.
EMOBOX = {"1": "JE", "2": "KL", "3": "DC", "4": "JK"}

_TRANSCRIPTS = "give lines such as 'DC_a01 She had your dark suit'"

NAMING = Naming(
    title="SAVEE",
    prefix="savee",
    name=re.compile(rf"(?:^|/)(?P<speaker>{'|'.join(SPEAKERS)})[/_](?P<emotion>sa|su|[adfhn])(?P<number>\d\d)$"),
    emotions={
        "a": "anger",
        "d": "disgust",
        "f": "fear",
        "h": "happiness",
        "n": "neutral",
        "sa": "sadness",
        "su": "surprise",
    },
    layout="give the folder that has AudioData/DC/a01.wav, or ALL/DC_a01.wav",
    gender=lambda name, path: "m",
)


def read(corpus: Path, num_folds: int | None, transcripts: Path | None = None) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips; folds are by speaker.

    Parameters
    ----------
    corpus : the folder of the release.
    num_folds : 4: one per man; None: those of EmoBox.
    transcripts : lines ``DC_a01 <words>``; clips that it lacks have no words.

    Raises
    ------
    SerError
        If no clip is found, or no clip has a transcript in the file.
    """
    naming = NAMING
    if transcripts is not None:
        words = _read_transcripts(transcripts)
        naming = replace(NAMING, text=lambda name, path: words.get(_clip(name), ""))
    utterances, left_out = read_named(corpus, naming, num_folds or 0)
    if num_folds is None:
        folds = published_folds(EMOBOX)
        utterances = [replace(item, fold=folds[item.spk.removeprefix(NAMING.prefix)]) for item in utterances]
    if transcripts is not None and not any(utterance.text for utterance in utterances):
        raise SerError(f"{transcripts}: no words of any clip of {corpus}; {_TRANSCRIPTS}")
    return utterances, left_out


def _clip(name: re.Match[str]) -> str:
    return f"{name['speaker']}_{name['emotion']}{name['number']}"


def _read_transcripts(path: Path) -> dict[str, str]:
    words: dict[str, str] = {}
    for number, line in enumerate(read_text_lines(path, _TRANSCRIPTS), start=1):
        clip, _, text = line.strip().partition(" ")
        if not clip:
            continue
        if clip in words:
            raise SerError(f"{path}:{number}: the clip '{clip}' has an earlier line; keep one line per clip")
        words[clip] = " ".join(text.split())
    return words
