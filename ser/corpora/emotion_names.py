"""Names of emotions: from the words and common codes of corpora's tables to the one name that this project uses."""

import re

from ser.corpora.records import EMOTIONS

# Words of the tables that nkululeko, EmoBox, audformat and the corpora's own papers use. Codes of one letter are left
# out: they mean other things in other corpora, and each corpus's module has its own.
NAMES = {
    "afraid": "fear",
    "ang": "anger",
    "angry": "anger",
    "annoyed": "anger",
    "anxious": "anxiety",
    "apologetic": "apology",
    "assertive": "assertiveness",
    "bored": "boredom",
    "boredem": "boredom",  # EmoBox's spelling of EmoDB's label
    "concerned": "concern",
    "contemptuous": "contempt",
    "dis": "disgust",
    "disgusted": "disgust",
    "encouraging": "encouragement",
    "exc": "excitement",
    "excited": "excitement",
    "fea": "fear",
    "fearful": "fear",
    "frustrated": "frustration",
    "fru": "frustration",
    "hap": "happiness",
    "happy": "happiness",
    "joy": "happiness",
    "joyful": "happiness",
    "neu": "neutral",
    "neutrality": "neutral",
    "no_agreement": "undecided",
    "oth": "other",
    "pleasant_surprise": "surprise",
    "pleasant_surprised": "surprise",
    "ps": "surprise",
    "sad": "sadness",
    "scared": "fear",
    "sur": "surprise",
    "surprised": "surprise",
    "xxx": "undecided",
}


def emotion_name(word: str) -> str:
    """Return the project's name of an emotion; an unknown word is returned in lower case, with ``_`` for blanks.

    >>> emotion_name("Happy"), emotion_name("Pleasant Surprise"), emotion_name("Mild  Irritation")
    ('happiness', 'surprise', 'mild_irritation')
    """
    name = re.sub(r"[\s/-]+", "_", word.strip().lower())
    return NAMES.get(name, name)


def is_known(name: str) -> bool:
    """Tell whether the label maps may list this name."""
    return name in EMOTIONS
