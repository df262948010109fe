import itertools
import math
from pathlib import Path

import pytest

from ser.asr import word_lm
from ser.errors import SerError

TEXTS = ["a b a", "b a", "a c", "a b", "oov a b"]
WORDS = ["a", "b", "c", "d"]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_probabilities_sum_to_one_after_every_history(order: int):
    lm = word_lm.estimate(TEXTS, WORDS, order)
    for length in range(order):
        for history in itertools.product([*WORDS, word_lm.BEGIN], repeat=length):
            total = sum(math.exp(lm.log_probability(history, word)) for word in [*WORDS, word_lm.END])
            assert total == pytest.approx(1.0, abs=1e-12)


def test_estimates_are_witten_bells():
    lm = word_lm.estimate(["a b", "a c", "a b"], WORDS, 2)
    # 9 unigrams of 4 kinds, the end among them; 5 words share 4 / 13 evenly.
    unigram_b = 2 / 13 + 4 / 13 / 5
    assert math.exp(lm.log_probability([], "b")) == pytest.approx(unigram_b)
    # After a: 3 of 2 kinds.
    assert math.exp(lm.log_probability(["a"], "b")) == pytest.approx(2 / 5 + 2 / 5 * unigram_b)
    assert math.exp(lm.log_probability(["a"], "d")) == pytest.approx(2 / 5 * (4 / 13 / 5))


def test_arpa_comes_back(tmp_path: Path):
    lm = word_lm.estimate(TEXTS, WORDS, 3)
    word_lm.write_arpa(tmp_path / "lm.arpa", lm)
    found = word_lm.read_arpa(tmp_path / "lm.arpa")
    assert found.order == 3
    for history in itertools.product([*WORDS, word_lm.BEGIN], repeat=2):
        for word in [*WORDS, word_lm.END]:
            assert found.log_probability(history, word) == pytest.approx(lm.log_probability(history, word), abs=1e-5)


def test_a_word_loop_gives_each_word_the_same():
    lm = word_lm.uniform(WORDS)
    assert {lm.log_probability([], word) for word in [*WORDS, word_lm.END]} == {-math.log(5)}
    assert lm.perplexity(["a b", "d"]) == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\\data\\\nngram 1=2\n\n\\1-grams:\n-1\ta\n\\end\\\n", r"\{1: 1\} n-grams, but its header says \{1: 2\}"),
        (
            "\\data\\\nngram 1=1\n\n\\1-grams:\nx\ta\n\\end\\\n",
            r"lm.arpa:5: expected log10 probability, 1 words.* 'x\ta'",
        ),
    ],
)
def test_a_broken_arpa_file_is_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "lm.arpa").write_text(text)
    with pytest.raises(SerError, match=message):
        word_lm.read_arpa(tmp_path / "lm.arpa")


def test_no_text_is_refused():
    with pytest.raises(SerError, match="no text to learn from"):
        word_lm.estimate([], WORDS, 2)


def test_words_in_capitals_are_made_small(tmp_path: Path):
    word_lm.write_arpa(tmp_path / "lm.arpa", word_lm.estimate(["A B", "B"], ["A", "B"], 2))
    assert word_lm.read_arpa(tmp_path / "lm.arpa", lower=True).words == ["</s>", "a", "b"]
