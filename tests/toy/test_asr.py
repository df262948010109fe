from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.corpora import tedlium
from ser.corpora.records import LeftOut
from ser.toy import asr
from ser.toy.speech import SAMPLE_RATE, VOWELS, Style, Syllable, Voice, speak

SIZE = asr.TedliumSize(words=30, train=2, dev=1, test=1, segments=4, longest=5)
VOICE = Voice(f0=120.0, formants=(1.0, 1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("toy") / "TEDLIUM_release2"
    asr.write_tedlium(folder, SIZE, seed=1)
    return folder


def test_it_is_read_as_tedlium_is(corpus: Path):
    for part, talks in (("train", 2), ("dev", 1), ("test", 1)):
        utterances, left_out = tedlium.read(corpus, part)
        assert len(utterances) == 4 * talks
        assert all(item.chosen for item in left_out)
        assert isinstance(left_out[0], LeftOut)
    samples, rate = soundfile.read(corpus / "test" / "sph" / "ToyTest00_2009.sph")
    assert rate == SAMPLE_RATE
    assert np.abs(samples).max() < 1


def test_its_words_are_in_the_dictionary_but_for_one(corpus: Path):
    lines = (corpus / tedlium.LEXICON).read_text().splitlines()
    words = {line.split()[0].partition("(")[0] for line in lines}
    assert len(words) == SIZE.words
    assert len(lines) == SIZE.words + 1
    unknown = [
        word
        for part in ("train", "dev", "test")
        for item in tedlium.read(corpus, part)[0]
        for word in item.text.replace("[NOISE]", "").split()
        if word not in words
    ]
    assert unknown == [asr.OUT_OF_VOCABULARY]


def test_words_have_neighbours_one_sound_apart():
    words = list(asr.make_words(30, seed=1).values())
    pairs = zip(words[::2], words[1::2], strict=True)
    close = sum(
        len(left) == len(right)
        and sum(a != b for one, other in zip(left, right, strict=True) for a, b in zip(one, other, strict=True)) == 1
        for left, right in pairs
    )
    assert close > 12


@pytest.mark.parametrize("vowel", [0, 4])
def test_a_syllable_sounds_as_its_vowel_and_its_noise(vowel: int):
    said = [Syllable(tuple(VOWELS[vowel]), 5000.0, None, True)] * 6
    samples = speak(VOICE, Style(f0_range=0.0, stress=0.0), 6, np.random.default_rng(0), 60.0, said)
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    bins = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)

    def power(low: float, high: float) -> float:
        return float(spectrum[(bins > low) & (bins < high)].sum())

    second = VOWELS[vowel][1]
    other = VOWELS[4 - vowel][1]
    assert power(second - 200, second + 200) > 3 * power(other - 200, other + 200)
    assert power(4600, 5400) > 3 * power(6600, 7400)
