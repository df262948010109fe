"""From words to phones: the graph of all pronunciations of a transcript, and one phone sequence drawn for it.

Flat-start LF-MMI (H. Hadian et al., Interspeech 2018): numerators allow every pronunciation and optional silences. The
phone language model is trained on each word's first pronunciation, with silences put in at random.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ser.asr.lexicon import SILENCE, Lexicon

PhoneArc = tuple[int, int, int, float]  # from, to, phone, log weight


@dataclass(frozen=True)
class SilenceConfig:
    """The probabilities of silences in the training text of the phone language model."""

    edges: float = 0.8  # at the beginning and at the end of an utterance
    between: float = 0.1  # between two words


def phone_arcs(words: Sequence[str], lexicon: Lexicon) -> tuple[list[PhoneArc], dict[int, float]]:
    """Return the arcs of the graph of all phone sequences of `words`, and its final nodes with their log weights.

    Paths begin at node 0, and their weights sum to 1: each optional silence has the probability 1/2, and all
    pronunciations of a word are equally likely.
    """
    half = math.log(0.5)
    silence = lexicon.numbers[SILENCE]
    # Nodes where the next word may begin, with log weights: with no silence before it, or after the silence.
    arcs: list[PhoneArc] = [(0, 1, silence, half)]
    begins = {0: half, 1: 0.0}
    free = 2
    for word in words:
        end, after = free, free + 1
        free += 2
        ways = lexicon.ways(word)
        for way in ways:
            sources = {node: weight - math.log(len(ways)) for node, weight in begins.items()}
            for place, phone in enumerate(way):
                target = end
                if place < len(way) - 1:
                    target = free
                    free += 1
                arcs.extend((node, target, lexicon.numbers[phone], weight) for node, weight in sources.items())
                sources = {target: 0.0}
        arcs.append((end, after, silence, half))
        begins = {end: half, after: 0.0}
    return arcs, begins


def one_way(words: Sequence[str], lexicon: Lexicon, silences: SilenceConfig, rng: np.random.Generator) -> list[int]:
    """Draw a phone sequence for `words`: each word's first pronunciation, with silences put in at random."""
    silence = lexicon.numbers[SILENCE]
    phones = [silence] if rng.random() < silences.edges else []
    for place, word in enumerate(words):
        if place and rng.random() < silences.between:
            phones.append(silence)
        phones.extend(lexicon.numbers[phone] for phone in lexicon.ways(word)[0])
    if rng.random() < silences.edges:
        phones.append(silence)
    return phones
