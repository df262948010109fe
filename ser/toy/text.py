"""Sentences that carry emotion words part of the time, for the toy corpora.

Two registers, everyday small talk (DailyDialog) and stage drama (IEMOCAP), share the patterns, most topics and most
emotion words, so that a text model trained on one does better than chance on the other.
"""

import numpy as np

# Both registers use the first four words of an emotion; the fifth is used in small talk, the sixth in drama.
EMOTION_WORDS = {
    "anger": ("angry", "furious", "unfair", "rude", "mad", "cruel"),
    "disgust": ("disgusting", "awful", "dirty", "nasty", "gross", "rotten"),
    "fear": ("scared", "terrified", "worried", "dangerous", "nervous", "helpless"),
    "happiness": ("happy", "glad", "wonderful", "great", "lovely", "beautiful"),
    "sadness": ("sad", "lonely", "sorry", "hopeless", "unhappy", "miserable"),
    "surprise": ("surprising", "unbelievable", "amazing", "strange", "sudden", "shocking"),
}
# An emotion that DailyDialog has no label for uses the words of similar emotions.
NEIGHBOURS = {
    "excitement": ("happiness", "happiness", "surprise"),
    "frustration": ("anger", "anger", "sadness"),
    "calm": ("neutral",),
}
REGISTERS = {
    "daily": {
        "who": ("i", "we", "you", "they", "he", "she", "my sister", "my brother", "the manager"),
        "act": ("bought", "took", "wanted", "needed", "ordered", "brought", "found", "saw", "left"),
        "what": ("a ticket", "the menu", "the form", "the report", "the car", "a new phone", "the bus", "the house"),
        "when": ("today", "tonight", "this morning", "next week", "last year", "every day", "at home", "at work"),
    },
    "drama": {
        "who": ("i", "we", "you", "he", "she", "my brother"),
        "act": ("took", "wanted", "needed", "brought", "found", "left"),
        "what": ("a ticket", "the form", "the car", "the house", "the ring"),
        "when": ("today", "tonight", "last year", "every day", "at home"),
    },
}
FEELINGS = ("i am so {word}", "it is {word}", "that was {word}", "how {word}", "it feels {word}", "this is too {word}")
FILLERS = ("well", "you know", "okay", "i mean", "listen", "yes", "no")

# Share of emotional and of neutral sentences with an emotion word; share of words of a wrong emotion in the former.
WORD_SHARE = 0.72
NEUTRAL_WORD_SHARE = 0.05
WRONG_WORD_SHARE = 0.06


def sentence(emotion: str, register: str, rng: np.random.Generator) -> str:
    """Draw a lower-case sentence without punctuation.

    Parameters
    ----------
    emotion : a key of `EMOTION_WORDS` or `NEIGHBOURS`, or neutral.
    register : ``daily`` or ``drama``.

    Examples
    --------
    >>> sentence("fear", "drama", np.random.default_rng(2)) == sentence("fear", "drama", np.random.default_rng(2))
    True
    """
    words = REGISTERS[register]
    clauses = [" ".join(_pick(words[role], rng) for role in ("who", "act", "what", "when"))]
    if emotion in NEIGHBOURS:
        emotion = _pick(NEIGHBOURS[emotion], rng)
    if rng.random() < (NEUTRAL_WORD_SHARE if emotion == "neutral" else WORD_SHARE):
        if emotion == "neutral" or rng.random() < WRONG_WORD_SHARE:
            emotion = _pick(tuple(EMOTION_WORDS), rng)
        clauses.insert(rng.integers(2), _pick(FEELINGS, rng).format(word=_pick(_words(emotion, register), rng)))
    if rng.random() < 0.3:
        clauses.insert(0, _pick(FILLERS, rng))
    return " ".join(clauses)


def _words(emotion: str, register: str) -> tuple[str, ...]:
    words = EMOTION_WORDS[emotion]
    return words[:5] if register == "daily" else (*words[:4], words[5])


def _pick(items: tuple[str, ...], rng: np.random.Generator) -> str:
    return items[rng.integers(len(items))]
