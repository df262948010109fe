"""EmoDB, the Berlin database of emotional speech: 10 actors speak 10 German sentences in 7 emotions.

Paper: F. Burkhardt et al., "A database of German emotional speech", Interspeech 2005. Licence: free for research.
Expected: 535 clips of 10 speakers (5 male, 5 female): anger 127, boredom 81, neutral 79, happiness 71, fear 69, sadness
62, disgust 46. 16 kHz WAV. Version 2 keeps the names and is published as an audformat data set (``db.yaml`` beside
``wav/``), with clips that listeners did not recognise as well, so with more of them.

Layout: ``wav/03a01Wa.wav``: speaker, sentence, emotion (W Wut, L Langeweile, E Ekel, A Angst, F Freude, T Trauer, N
neutral), version. Only clips that listeners recognised were kept, so speakers differ in their numbers of emotions.
"""

import re
from pathlib import Path

from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance

PUBLISHED = 535

SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
MEN = {"03", "10", "11", "12", "15"}

NAMING = Naming(
    title="EmoDB",
    prefix="emodb",
    name=re.compile(
        rf"(?:^|/)(?P<speaker>03|08|09|1[0-6])(?P<sentence>{'|'.join(SENTENCES)})(?P<emotion>[WLEAFTN])([a-z])$"
    ),
    emotions={
        "W": "anger",
        "L": "boredom",
        "E": "disgust",
        "A": "fear",
        "F": "happiness",
        "T": "sadness",
        "N": "neutral",
    },
    layout="give the folder that has wav/03a01Wa.wav and so on",
    gender=lambda name, _: "m" if name["speaker"] in MEN else "f",
    text=lambda name, _: SENTENCES[name["sentence"]],
)


def read(corpus: Path, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips; folds are of speakers."""
    return read_named(corpus, NAMING, num_folds)
