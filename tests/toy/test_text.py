import numpy as np
import pytest

from ser.toy.text import EMOTION_WORDS, NEIGHBOURS, REGISTERS, sentence


def emotions_in(text):
    return {emotion for emotion, words in EMOTION_WORDS.items() if set(words) & set(text.split())}


@pytest.mark.parametrize("register", REGISTERS)
def test_emotion_words_come_in_part_of_the_sentences_and_rarely_the_wrong_ones(register):
    rng = np.random.default_rng(0)
    for emotion in EMOTION_WORDS:
        found = [emotions_in(sentence(emotion, register, rng)) for _ in range(400)]
        assert 0.6 < np.mean([emotion in words for words in found]) < 0.85
        assert np.mean([bool(words - {emotion}) for words in found]) < 0.1
    neutral = [emotions_in(sentence("neutral", register, rng)) for _ in range(400)]
    assert 0 < np.mean([bool(words) for words in neutral]) < 0.15


def test_registers_share_most_of_the_emotion_words_but_not_all():
    seen = {}
    for register in REGISTERS:
        rng = np.random.default_rng(0)
        words = {word for _ in range(1000) for word in sentence("fear", register, rng).split()}
        seen[register] = words & set(EMOTION_WORDS["fear"])
    both = seen["daily"] & seen["drama"]
    assert len(both) == 4 and all(len(words) == 5 for words in seen.values())


def test_no_word_stands_for_two_emotions():
    words = [word for group in EMOTION_WORDS.values() for word in group]
    assert len(words) == len(set(words))


def test_same_seed_gives_the_same_sentences():
    drawn = [[sentence("anger", "daily", rng) for _ in range(20)] for rng in map(np.random.default_rng, (1, 1, 2))]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("emotion", NEIGHBOURS)
def test_emotion_without_words_of_its_own_takes_those_of_its_neighbours(emotion):
    rng = np.random.default_rng(0)
    found = set().union(*(emotions_in(sentence(emotion, "drama", rng)) for _ in range(200)))
    assert found >= set(NEIGHBOURS[emotion]) - {"neutral"}
