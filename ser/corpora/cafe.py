"""CaFE: twelve Canadian French actors speak six sentences in six emotions at two intensities, and neutrally.

Paper: P. Gournay, O. Lahaie, R. Lefebvre, "A Canadian French emotional speech dataset", ACM Multimedia Systems 2018.
Licence: CC BY-NC-SA 4.0.
Expected: 936 clips of 12 actors (6 male, 6 female), 78 each: neutral 72, the six emotions 144 each. 48 or 192 kHz WAV.

Layout: ``Joie/Fort/01-J-2-1.wav``: actor (odd numbers are men), emotion (Colere, Degout, Joie, Neutre, Peur, Surprise,
Tristesse), intensity (0 for neutral, 1 weak, 2 strong), sentence. The copy at 192 kHz has the same names: one is read.
"""

import re
from pathlib import Path

from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance

PUBLISHED = 936

SENTENCES = {
    "1": "Un cheval fou dans mon jardin.",
    "2": "Deux ânes aigris au pelage brun.",
    "3": "Trois cygnes aveugles au bord du lac.",
    "4": "Quatre vieilles truies éléphantesques.",
    "5": "Cinq pumas fiers et passionnés.",
    "6": "Six ours aimants domestiqués.",
}
INTENSITIES = {"0": "normal", "1": "weak", "2": "strong"}

NAMING = Naming(
    title="CaFE",
    prefix="cafe",
    name=re.compile(r"(?:^|/)(?P<speaker>\d\d)-(?P<emotion>[CDJNPST])-(?P<intensity>[012])-(?P<sentence>[1-6])$"),
    emotions={
        "C": "anger",
        "D": "disgust",
        "J": "happiness",
        "N": "neutral",
        "P": "fear",
        "S": "surprise",
        "T": "sadness",
    },
    layout="give the folder that has Joie/Fort/01-J-2-1.wav and so on",
    gender=lambda name, _: "m" if int(name["speaker"]) % 2 else "f",
    text=lambda name, _: SENTENCES[name["sentence"]],
    intensity=lambda name, _: INTENSITIES[name["intensity"]],
)


def read(corpus: Path, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips; folds are of speakers."""
    return read_named(corpus, NAMING, num_folds)
