import itertools
import math

import numpy as np
import pytest

from ser.asr import decode, word_lm
from ser.asr.context import ContextConfig, PhoneContext, make_context
from ser.asr.decode import DecodeConfig, DecodingGraph
from ser.asr.lexicon import Lexicon, make_lexicon
from ser.errors import SerError

pytest.importorskip("kaldifst", reason="the extra `asr` is not installed")

LEXICON = make_lexicon([("ba", "BA"), ("ab", "AB"), ("a", "A"), ("a", "BA")], unknown=False)
TEXTS = ["ba ab", "a ba", "ab a ba", "a"]


@pytest.fixture(scope="module", params=["mono", "biphone"])
def context(request) -> PhoneContext:
    sequences = [[LEXICON.numbers[phone] for word in text.split() for phone in LEXICON.ways(word)[0]] for text in TEXTS]
    return make_context(LEXICON.phones, sequences * 20, ContextConfig(request.param, min_biphone_count=20))


def best_words(outputs: np.ndarray, context: PhoneContext, lm: word_lm.WordLm, lexicon: Lexicon) -> list[str]:
    """Score every sequence of up to two words, in all its pronunciations and silences, by a Viterbi of its own."""
    best = (-math.inf, [])
    for count in range(3):
        for words in itertools.product(lm.words[1:], repeat=count):
            value = sum(lm.log_probability([word_lm.BEGIN, *words[:i]], word) for i, word in enumerate(words))
            value += lm.log_probability([word_lm.BEGIN, *words], word_lm.END)
            for ways in itertools.product(*(lexicon.entries[word] for word in words)):
                cost = sum(-math.log(len(lexicon.entries[word])) for word in words)
                for silences in itertools.product([False, True], repeat=count + 1):
                    phones = [0] if silences[0] else []
                    for way, silence in zip(ways, silences[1:], strict=True):
                        phones += [lexicon.numbers[phone] for phone in way] + ([0] if silence else [])
                    total = value + cost + (count + 1) * math.log(0.5) + viterbi(outputs, phones, context)
                    best = max(best, (total, list(words)))
    return best[1]


def viterbi(outputs: np.ndarray, phones: list[int], context: PhoneContext) -> float:
    if not phones:
        return -math.inf
    units = [context.unit(left, phone) for left, phone in zip([-1, *phones], phones, strict=False)]
    row = [-math.inf] * len(units)
    for frame, values in enumerate(outputs):
        before = row
        row = []
        for place, unit in enumerate(units):
            enter = (0.0 if frame == 0 else -math.inf) if place == 0 else before[place - 1]
            row.append(max(enter + values[2 * unit], before[place] + values[2 * unit + 1]))
    return row[-1]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_words_are_those_of_the_best_path(context: PhoneContext, order: int):
    lm = word_lm.estimate(TEXTS, ["a", "ab", "ba"], order)
    graph = DecodingGraph(LEXICON, lm, context, DecodeConfig(beam=100.0))
    rng = np.random.default_rng(order)
    found = []
    for _ in range(12):
        outputs = 2 * rng.standard_normal((5, context.num_pdfs)).astype(np.float32)
        expected = best_words(outputs, context, lm, LEXICON)
        found.append(graph.decode(outputs))
        assert found[-1] == expected or len(found[-1]) > 2
    assert sum(len(words) <= 2 for words in found) > 6


def test_outputs_that_are_not_finite_are_named(context: PhoneContext):
    graph = DecodingGraph(LEXICON, word_lm.uniform(["a", "ab"]), context, DecodeConfig())
    outputs = [("utt1", np.full((4, context.num_pdfs), np.nan, np.float32))]
    with pytest.raises(SerError, match="the outputs of 'utt1' are not finite"):
        list(decode.decode_all(graph, outputs))


def test_an_utterance_too_short_for_any_word_has_none(context: PhoneContext):
    graph = DecodingGraph(LEXICON, word_lm.uniform(["ab", "ba"]), context, DecodeConfig())
    assert graph.decode(np.zeros((0, context.num_pdfs), np.float32)) in (None, [])


def test_no_word_in_common_is_refused(context: PhoneContext):
    with pytest.raises(SerError, match="no word in common"):
        DecodingGraph(LEXICON, word_lm.uniform(["zoo"]), context, DecodeConfig())


def test_without_the_decoder_the_extra_is_named(monkeypatch, context: PhoneContext):
    monkeypatch.setitem(__import__("sys").modules, "kaldifst", None)
    with pytest.raises(SerError, match=r"utils/make_venv\.sh --extras asr"):
        DecodingGraph(LEXICON, word_lm.uniform(["a"]), context, DecodeConfig())
