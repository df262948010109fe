"""Decoding: builds the decoding graph, and finds the best word sequence with Kaldi's decoder (kaldi-decoder).

The graph is HCLG (M. Mohri, F. Pereira, M. Riley, "Weighted finite-state transducers in speech recognition", Computer
Speech and Language 16, 2002, explain the composition and the disambiguation symbols). L o G is determinised; H o C is
then put in directly: each phone arc becomes an arc for the unit's first frame and a self-loop for its later frames.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser.asr.context import PDFS_A_UNIT, PhoneContext
from ser.asr.lexicon import SILENCE, Lexicon
from ser.asr.word_lm import BEGIN, END, WordLm
from ser.errors import SerError

_REMEDY = "install the extra: utils/make_venv.sh --extras asr (kaldifst, kaldi-decoder)"


@dataclass(frozen=True)
class DecodeConfig:
    """Settings of the decoder."""

    beam: float = 15.0
    max_active: int = 7000
    silence_probability: float = 0.5
    word_penalty: float = 0.0  # word insertion penalty: added to the cost of each word
    lm_weight: float = 1.0  # factor of the language model's costs


def _fst() -> Any:
    try:
        import kaldifst
    except ImportError as error:
        raise SerError(f"decoding needs kaldifst, which is not installed ({error}); {_REMEDY}") from error
    return kaldifst


class DecodingGraph:
    """A decoding graph: input labels are pdf + 1, output labels are word numbers.

    Parameters
    ----------
    lexicon, lm : the lexicon and the word language model; n-grams with a word that the lexicon lacks are left out.
    context : the pdfs of the phones; it must know all phones of the lexicon.
    """

    def __init__(self, lexicon: Lexicon, lm: WordLm, context: PhoneContext, config: DecodeConfig) -> None:
        self.config = config
        self.words = [word for word in lm.words if word in lexicon.entries]
        if not self.words:
            raise SerError("decoding: the lexicon and the language model have no word in common")
        number = {word: index for index, word in enumerate(self.words, start=1)}
        phones = {name: index for index, name in enumerate(context.phones, start=1)}
        l_fst = _lexicon_fst(lexicon, number, phones, config)
        g_fst = _lm_fst(lm, number, config)
        fst = _fst()
        fst.arcsort(l_fst, "olabel")
        lg = fst.compose(l_fst, g_fst)
        if fst.determinize_star(lg):
            raise SerError("decoding: the graph of lexicon and language model could not be determinised")
        fst.minimize_encoded(lg)
        self.fst = _expand(lg, context)

    def decode(self, log_likelihoods: np.ndarray) -> list[str] | None:
        """Return the words of the best path for `log_likelihoods` (T, P) float32; None if no path survives the beam."""
        import kaldi_decoder

        options = kaldi_decoder.FasterDecoderOptions(beam=self.config.beam, max_active=self.config.max_active)
        decoder = kaldi_decoder.FasterDecoder(self.fst, options)
        decoder.decode(kaldi_decoder.DecodableCtc(np.ascontiguousarray(log_likelihoods, dtype=np.float32)))
        found, path = decoder.get_best_path()
        if not found:
            return None
        _, _, labels, _ = _fst().get_linear_symbol_sequence(path)
        return [self.words[label - 1] for label in labels]


def decode_all(
    graph: DecodingGraph, outputs: Iterable[tuple[str, np.ndarray]]
) -> Iterator[tuple[str, list[str] | None]]:
    """Decode the outputs of utterances one after another."""
    for utt, values in outputs:
        if not np.isfinite(values).all():
            raise SerError(f"decoding: the outputs of '{utt}' are not finite; look at the model and its features")
        yield utt, graph.decode(values)


def _lexicon_fst(lexicon: Lexicon, words: dict[str, int], phones: dict[str, int], config: DecodeConfig) -> Any:
    """Make L. Disambiguation symbols follow silences, homophones, and pronunciations that are prefixes of others."""
    fst = _fst()
    ways = [(word, way) for word in words for way in lexicon.entries[word]]
    counts: dict[tuple[str, ...], int] = {}
    prefixes = {way[:end] for _, way in ways for end in range(1, len(way))}
    for _, way in ways:
        counts[way] = counts.get(way, 0) + 1
    used: dict[tuple[str, ...], int] = {}
    # Input labels: phones 1 to P; then disambiguation symbols: P + 1 back-off, P + 2 silence, from P + 3 on words.
    base = len(phones) + 1
    l_fst = fst.StdVectorFst()
    start, loop, silence = (l_fst.add_state() for _ in range(3))
    l_fst.start = start
    l_fst.set_final(loop, 0.0)
    no_silence, with_silence = -math.log(1 - config.silence_probability), -math.log(config.silence_probability)
    l_fst.add_arc(start, fst.StdArc(0, 0, no_silence, loop))
    l_fst.add_arc(start, fst.StdArc(0, 0, with_silence, silence))
    after = l_fst.add_state()
    l_fst.add_arc(silence, fst.StdArc(phones[SILENCE], 0, 0.0, after))
    l_fst.add_arc(after, fst.StdArc(base + 1, 0, 0.0, loop))
    l_fst.add_arc(loop, fst.StdArc(base, len(words) + 1, 0.0, loop))
    for word, way in ways:
        labels = [phones[phone] for phone in way]
        if counts[way] > 1 or way in prefixes:
            used[way] = used.get(way, 0) + 1
            labels.append(base + 1 + used[way])
        cost = math.log(len(lexicon.entries[word])) + config.word_penalty
        state = loop
        for place, label in enumerate(labels):
            first = place == 0
            if place < len(labels) - 1:
                target = l_fst.add_state()
                l_fst.add_arc(state, fst.StdArc(label, words[word] if first else 0, cost if first else 0.0, target))
                state = target
                continue
            for target, value in ((loop, no_silence), (silence, with_silence)):
                total = value + (cost if first else 0.0)
                l_fst.add_arc(state, fst.StdArc(label, words[word] if first else 0, total, target))
    return l_fst


def _lm_fst(lm: WordLm, words: dict[str, int], config: DecodeConfig) -> Any:
    """Make G: one state per history; back-off arcs carry a disambiguation symbol, numbered after the last word."""
    fst = _fst()
    g_fst = fst.StdVectorFst()
    histories = sorted({(), *lm.probabilities, *(h for h in lm.backoffs if len(h) < lm.order)})
    states = {history: g_fst.add_state() for history in histories}

    def known(history: tuple[str, ...]) -> tuple[str, ...]:
        while history not in states:
            history = history[1:]
        return history

    g_fst.start = states[known((BEGIN,) if lm.order > 1 else ())]
    for history, state in states.items():
        arcs = []
        for word, value in lm.probabilities.get(history, {}).items():
            cost = -value * config.lm_weight
            if word == END:
                g_fst.set_final(state, cost)
            elif word in words:
                after = known((*history, word)[-(lm.order - 1) :] if lm.order > 1 else ())
                arcs.append((words[word], words[word], cost, states[after]))
        if history:
            cost = -lm.backoffs.get(history, 0.0) * config.lm_weight
            arcs.append((len(words) + 1, 0, cost, states[known(history[1:])]))
        for arc in sorted(arcs):
            g_fst.add_arc(state, fst.StdArc(*arc))
    fst.arcsort(g_fst, "ilabel")
    return g_fst


def _expand(lg: Any, context: PhoneContext) -> Any:
    """Replace phones by the pdfs of their units, and disambiguation symbols by epsilon."""
    fst = _fst()
    graph = fst.StdVectorFst()
    number: dict[tuple[int, int, int], int] = {}  # (state of L o G, phone that led to it, unit of that phone)
    waiting = []

    def state_of(key: tuple[int, int, int]) -> int:
        if key not in number:
            number[key] = graph.add_state()
            waiting.append(key)
            final = lg.final(key[0]).value
            if math.isfinite(final):
                graph.set_final(number[key], final)
            if key[2] >= 0:
                graph.add_arc(number[key], fst.StdArc(PDFS_A_UNIT * key[2] + 2, 0, 0.0, number[key]))
        return number[key]

    graph.start = state_of((lg.start, -1, -1))
    while waiting:
        key = waiting.pop()
        here = number[key]
        for arc in fst.ArcIterator(lg, key[0]):
            if 0 < arc.ilabel <= len(context.phones):
                phone = arc.ilabel - 1
                unit = context.unit(key[1], phone)
                target = state_of((arc.nextstate, phone, unit))
                graph.add_arc(here, fst.StdArc(PDFS_A_UNIT * unit + 1, arc.olabel, arc.weight.value, target))
            else:
                target = state_of((arc.nextstate, key[1], -1))
                graph.add_arc(here, fst.StdArc(0, arc.olabel, arc.weight.value, target))
    return graph
