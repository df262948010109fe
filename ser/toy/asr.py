"""A toy corpus of read words in TED-LIUM 2's layout: talks as SPHERE files, stm segments, a dictionary and a text.

A made-up language: words of one or two syllables, many a single sound apart, from 9 vowels and 6 consonants under
ARPAbet's names, in sentences of a random bigram grammar. Talks differ in voice, noise, tempo and mood, so that a
recogniser makes some errors, but not only errors.
"""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ser.toy.speech import SAMPLE_RATE, STYLES, VOWELS, Syllable, draw_style, draw_voice, make_rng, speak

VOWEL_NAMES = ("IY", "IH", "EH", "AE", "AA", "AO", "UW", "AH", "ER")
# Centre of each consonant's noise in Hz.
CONSONANTS = {"K": 1500.0, "CH": 2200.0, "SH": 3000.0, "T": 3900.0, "S": 5000.0, "F": 6300.0}
FOLLOWERS = 12  # words that are likely after a word
RARE = 0.2  # chance that a word outside these follows
REDUCED = 0.1  # chance that a vowel is drawn towards the middle
NEUTRAL_VOWEL = np.array([500.0, 1500.0, 2500.0, 3500.0])
PAUSES = 0.25  # seconds between segments
OUT_OF_VOCABULARY = "zoozoo"  # occurs once in the dev text
SOFTEST, LOUDEST_NOISE = 22.0, 6.0  # signal-to-noise ratio of the talks in dB, best and worst


@dataclass(frozen=True)
class TedliumSize:
    """Size: words of the language, talks of each part, segments of a talk, most words of a segment."""

    words: int
    train: int
    dev: int
    test: int
    segments: int
    longest: int


Pronunciation = list[tuple[str | None, str, str | None]]  # a word's syllables: onset, vowel, coda


def make_words(count: int, seed: int) -> dict[str, Pronunciation]:
    """Draw the words: name -> syllables. Every second word differs from the one before in a single sound."""
    rng = make_rng(seed, "tedlium", "words")
    words: dict[str, Pronunciation] = {}
    while len(words) < count:
        last = list(words.values())[-1] if len(words) % 2 else None
        syllables = _neighbour(last, rng) if last else [_syllable(rng) for _ in range(1 + int(rng.random() < 0.5))]
        name = "".join(sound.lower() for syllable in syllables for sound in syllable if sound)
        words.setdefault(name, syllables)
    return words


def _syllable(rng: np.random.Generator) -> tuple[str | None, str, str | None]:
    names = list(CONSONANTS)
    coda = names[rng.integers(len(names))] if rng.random() < 0.35 else None
    return names[rng.integers(len(names))], VOWEL_NAMES[rng.integers(len(VOWEL_NAMES))], coda


def _neighbour(syllables: Pronunciation, rng: np.random.Generator) -> Pronunciation:
    changed = list(syllables)
    place = int(rng.integers(len(changed)))
    onset, vowel, coda = changed[place]
    other_onset, other_vowel, _ = _syllable(rng)
    changed[place] = (other_onset, vowel, coda) if rng.random() < 0.5 else (onset, other_vowel, coda)
    return changed


class Grammar:
    """A random bigram model over the words; the seed determines it."""

    def __init__(self, words: list[str], seed: int) -> None:
        rng = make_rng(seed, "tedlium", "grammar")
        self.words = words
        self.likely = [rng.choice(len(words), min(FOLLOWERS, len(words)), replace=False) for _ in words]

    def sentence(self, length: int, rng: np.random.Generator) -> list[str]:
        """Draw a sentence of `length` words."""
        place = int(rng.integers(len(self.words)))
        places = [place]
        while len(places) < length:
            free = rng.random() < RARE
            place = int(
                rng.integers(len(self.words)) if free else self.likely[place][rng.integers(len(self.likely[place]))]
            )
            places.append(place)
        return [self.words[place] for place in places]


def sounds(words: list[str], lexicon: dict[str, Pronunciation], rng: np.random.Generator) -> list[Syllable]:
    """Return the syllables of a sentence; some vowels are reduced."""
    said = []
    for word in words:
        for place, (onset, vowel, coda) in enumerate(lexicon[word]):
            formants = VOWELS[VOWEL_NAMES.index(vowel)]
            if rng.random() < REDUCED:
                formants = formants**0.5 * NEUTRAL_VOWEL**0.5
            said.append(
                Syllable(
                    tuple(formants),
                    CONSONANTS[onset] if onset else None,
                    CONSONANTS[coda] if coda else None,
                    place == len(lexicon[word]) - 1,
                )
            )
    return said


def write_tedlium(folder: Path, size: TedliumSize, seed: int) -> None:
    """Write ``{train,dev,test}/{stm,sph}``, ``TEDLIUM.152k.dic`` and ``LM/toy.en.gz`` into `folder`."""
    lexicon = make_words(size.words, seed)
    grammar = Grammar(list(lexicon), seed)
    lines = [f"{word} {' '.join(sound for syllable in ways for sound in syllable if sound)}"
             for word, ways in lexicon.items()]  # fmt: skip
    # A second pronunciation of the first word lacks its first sound.
    first, syllables = next(iter(lexicon.items()))
    lines.insert(1, f"{first}(2) {' '.join([sound for syllable in syllables for sound in syllable if sound][1:])}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "TEDLIUM.152k.dic").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for part in ("train", "dev", "test"):
        for number in range(getattr(size, part)):
            _write_talk(folder / part, part, number, lexicon, grammar, size, seed)
    rng = make_rng(seed, "tedlium", "text")
    text = [" ".join(grammar.sentence(int(rng.integers(3, size.longest + 1)), rng)) for _ in range(40 * size.words)]
    (folder / "LM").mkdir(exist_ok=True)
    with (
        open(folder / "LM" / "toy.en.gz", "wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as stream,
    ):
        stream.write(("\n".join(text) + "\n").encode())


def _write_talk(
    folder: Path,
    part: str,
    number: int,
    lexicon: dict[str, Pronunciation],
    grammar: Grammar,
    size: TedliumSize,
    seed: int,
) -> None:
    name = f"Toy{part.capitalize()}{number:02d}_2009"
    rng = make_rng(seed, "tedlium", name)
    sex = "mf"[number % 2]
    voice = draw_voice(sex, rng)
    snr = rng.uniform(LOUDEST_NOISE, SOFTEST)
    silence = (1e-4 * rng.standard_normal(int(PAUSES * SAMPLE_RATE))).astype(np.float32)
    pieces, lines, time = [silence], [], PAUSES
    for segment in range(size.segments):
        words = grammar.sentence(int(rng.integers(3, size.longest + 1)), rng)
        syllables = sounds(words, lexicon, rng)
        style = draw_style(list(STYLES)[rng.integers(len(STYLES))], voice, rng)
        samples = speak(voice, style, len(syllables), rng, snr, syllables)
        text = " ".join(words)
        if part == "dev" and number == 0 and segment == 0:
            text = f"{text} {OUT_OF_VOCABULARY}"
        noise = "{NOISE} " if segment == 3 else ""
        end = time + len(samples) / SAMPLE_RATE
        label = f"<o,f0,{'male' if sex == 'm' else 'female'}>"
        lines.append(f"{name} 1 {name} {time:.2f} {end:.2f} {label} {noise}{text}")
        pieces += [samples, silence]
        time = end + PAUSES
    lines.append(
        f"{name} 1 inter_segment_gap {time - PAUSES:.2f} {time:.2f} <o,,unknown> ignore_time_segment_in_scoring"
    )
    (folder / "stm").mkdir(parents=True, exist_ok=True)
    (folder / "stm" / f"{name}.stm").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "sph").mkdir(exist_ok=True)
    write_sphere(folder / "sph" / f"{name}.sph", np.concatenate(pieces))


def write_sphere(path: Path, samples: np.ndarray) -> None:
    """Write `samples` (N,) in -1 to 1 as a NIST SPHERE file of 16 bit PCM."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, SAMPLE_RATE, format="NIST", subtype="PCM_16")
    path.write_bytes(stream.getvalue())
