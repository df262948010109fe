"""A source-filter synthesiser for the toy corpora: speech-like sound with a speaker and an emotion.

A train of glottal pulses with jitter and shimmer excites four formant resonators in cascade (Klatt, "Software for a
cascade/parallel formant synthesizer", JASA 67(3), 1980), which walk through a random sequence of vowels; bursts of
noise stand for consonants, and there are pauses. A speaker is a vocal tract length and an F0; an emotion moves F0's
mean and range, the tempo, the energy and the spectral tilt, as people do (Scherer, "Vocal communication of emotion",
Speech Communication 40, 2003). Speakers differ in expressiveness, and utterances vary, so that emotions overlap.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import lfilter, sosfilt

SAMPLE_RATE = 16000

# Formants of men's American English vowels in Hz: F1 to F3 of Peterson and Barney (JASA 24(2), 1952), table II.
VOWELS = np.array(
    [
        (270, 2290, 3010, 3700),
        (390, 1990, 2550, 3600),
        (530, 1840, 2480, 3500),
        (660, 1720, 2410, 3500),
        (730, 1090, 2440, 3400),
        (570, 840, 2410, 3300),
        (300, 870, 2240, 3300),
        (640, 1190, 2390, 3400),
        (490, 1350, 1690, 3200),
    ],
    dtype=np.float64,
)
BANDWIDTHS = np.array([70.0, 100.0, 160.0, 220.0])
TRANSITION_SECONDS = 0.025  # time in which formants move from one vowel to the next inside a word

NEUTRAL_LEVEL_DB = -26.0


@dataclass(frozen=True)
class Voice:
    """A speaker.

    Attributes
    ----------
    f0 : mean of the neutral voice, in Hz.
    formants : factor on each formant, by the vocal tract's length and the speaker.
    brightness : octaves by which the source's spectral corner is above the default.
    level : dB by which the recording is louder than the default.
    expression : factor on everything that an emotion changes.
    """

    f0: float
    formants: tuple[float, float, float, float]
    brightness: float = 0.0
    level: float = 0.0
    expression: float = 1.0


@dataclass(frozen=True)
class Style:
    """The speaking style of an emotion, relative to the speaker's neutral voice.

    Attributes
    ----------
    f0 : semitones above the speaker's mean.
    f0_range : standard deviation of the syllables' pitch accents, in semitones.
    rate : syllables a second.
    energy : dB over the neutral level.
    brightness : octaves by which the source's spectral corner is raised; the higher, the flatter the spectral tilt.
    stress : standard deviation of the syllables' loudness, in dB. Unlike the level, it survives mean normalisation.
    """

    f0: float = 0.0
    f0_range: float = 2.0
    rate: float = 4.5
    energy: float = 0.0
    brightness: float = 0.0
    stress: float = 2.5


@dataclass(frozen=True)
class Syllable:
    """A syllable of a word.

    Attributes
    ----------
    vowel : formants in Hz, as the rows of `VOWELS`.
    onset, coda : centre in Hz of the noise before and after the vowel; None for none.
    ends_word : whether a pause may follow.
    """

    vowel: tuple[float, float, float, float]
    onset: float | None
    coda: float | None
    ends_word: bool


STYLES = {
    "neutral": Style(),
    "calm": Style(f0=-1.0, f0_range=1.6, rate=4.0, energy=-2.0, brightness=-0.2, stress=1.8),
    "sadness": Style(f0=-2.0, f0_range=0.8, rate=3.0, energy=-6.0, brightness=-1.0, stress=0.6),
    "disgust": Style(f0=0.5, f0_range=2.0, rate=4.0, energy=4.0, brightness=1.0, stress=7.0),
    "frustration": Style(f0=1.5, f0_range=2.5, rate=4.6, energy=4.0, brightness=0.6, stress=4.5),
    "anger": Style(f0=2.0, f0_range=2.6, rate=4.8, energy=8.0, brightness=1.4, stress=8.0),
    "fear": Style(f0=7.0, f0_range=1.4, rate=6.8, energy=0.0, brightness=-0.2, stress=1.4),
    "surprise": Style(f0=7.5, f0_range=3.0, rate=6.2, energy=1.5, brightness=0.0, stress=2.0),
    "happiness": Style(f0=4.0, f0_range=5.0, rate=5.0, energy=4.0, brightness=0.4, stress=3.5),
    "excitement": Style(f0=5.0, f0_range=5.2, rate=5.4, energy=5.5, brightness=0.5, stress=4.0),
}

# Standard deviation between utterances of one speaker and emotion; f0_range, rate and stress vary by a factor.
VARIATION = Style(f0=1.2, f0_range=0.15, rate=0.06, energy=1.5, brightness=0.25, stress=0.15)


def make_rng(seed: int, *names: str) -> np.random.Generator:
    """Return a random generator of its own for each item, so that the order of making items does not matter."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def draw_voice(sex: str, rng: np.random.Generator) -> Voice:
    """Draw a speaker of `sex` ``m`` or ``f``."""
    f0, tract = (115.0, 1.0) if sex == "m" else (200.0, 1.16)
    own = rng.normal(0.0, [0.02, 0.03, 0.03, 0.03])
    return Voice(
        f0=f0 * 2 ** (rng.normal(0.0, 2.0) / 12),
        formants=tuple(tract * np.exp(rng.normal(0.0, 0.05) + own)),
        brightness=rng.normal(0.0, 0.2),
        level=rng.normal(0.0, 1.0),
        expression=rng.uniform(0.8, 1.2),
    )


def draw_style(emotion: str, voice: Voice, rng: np.random.Generator) -> Style:
    """Draw how `voice` says one utterance in `emotion`, a key of `STYLES`."""
    plain, aim = STYLES["neutral"], STYLES[emotion]
    much = voice.expression * rng.uniform(0.7, 1.2)
    return Style(
        f0=much * aim.f0 + rng.normal(0.0, VARIATION.f0),
        f0_range=plain.f0_range * (aim.f0_range / plain.f0_range) ** much * np.exp(rng.normal(0.0, VARIATION.f0_range)),
        rate=plain.rate * (aim.rate / plain.rate) ** much * np.exp(rng.normal(0.0, VARIATION.rate)),
        energy=much * aim.energy + rng.normal(0.0, VARIATION.energy),
        brightness=much * aim.brightness + rng.normal(0.0, VARIATION.brightness),
        stress=plain.stress * (aim.stress / plain.stress) ** much * np.exp(rng.normal(0.0, VARIATION.stress)),
    )


def speak(
    voice: Voice,
    style: Style,
    num_syllables: int,
    rng: np.random.Generator,
    snr: float = 30.0,
    syllables: Sequence[Syllable] | None = None,
) -> np.ndarray:
    """Synthesise an utterance: float32 (N,) at `SAMPLE_RATE`, in -1 to 1.

    Parameters
    ----------
    num_syllables : number of syllables, each a noise burst and a vowel; a pause follows about every fifth.
    snr : signal-to-noise ratio, in dB.
    syllables : (num_syllables,) what to say; None: vowels and bursts at random.
    """
    bursts, vowels, pauses = _durations(style.rate, num_syllables, rng)
    codas = np.zeros_like(bursts)
    if syllables is not None:
        pauses *= np.array([syllable.ends_word for syllable in syllables])
        codas = np.where([syllable.coda is not None for syllable in syllables], bursts, 0)
    starts = np.cumsum(bursts + vowels + pauses) - (vowels + pauses)
    lead = int(rng.uniform(0.05, 0.12) * SAMPLE_RATE)
    length = lead + int(np.sum(bursts + vowels + pauses)) + lead
    starts = starts + lead

    source = np.zeros(length)
    filtered = np.zeros(length)
    pulses = _glottal_pulses(_f0_contour(voice, style, starts, length, rng), rng)
    pulses += 0.02 * rng.standard_normal(length)
    gains = 10 ** (rng.normal(0.0, style.stress, num_syllables) / 20)
    for start, duration, gain in zip(starts, vowels - codas, gains, strict=True):
        source[start : start + duration] = pulses[start : start + duration] * gain * _envelope(duration)
    # Two real poles make the spectral tilt of the glottal pulse; the second pole moves with the loudness.
    source = lfilter([1.0], [1.0, -_pole(120.0)], source)
    source = lfilter([1.0], [1.0, -_pole(900.0 * 2 ** (voice.brightness + style.brightness))], source)
    # Radiation at the lips is a differentiation.
    source = np.diff(source, prepend=0.0)

    state = np.zeros((len(BANDWIDTHS), 2))
    spans = pairwise([0, *starts[1:], length])
    for begin, end, formants in _formant_track(spans, num_syllables, syllables, rng):
        resonators = _resonators(formants * voice.formants, BANDWIDTHS)
        filtered[begin:end], state = sosfilt(resonators, source[begin:end], zi=state)
    filtered /= np.sqrt(np.mean(filtered**2)) + 1e-12
    if syllables is None:
        for start, duration in zip(starts, bursts, strict=True):
            _add_burst(filtered[start - duration : start], None, voice, rng)
    else:
        for start, burst, vowel, coda, said in zip(starts, bursts, vowels, codas, syllables, strict=True):
            if said.onset is not None:
                _add_burst(filtered[start - burst : start], said.onset, voice, rng)
            if said.coda is not None:
                _add_burst(filtered[start + vowel - coda : start + vowel], said.coda, voice, rng)

    background = lfilter([1.0], [1.0, -0.7], rng.standard_normal(length))
    filtered += background * 10 ** (-snr / 20) / np.std(background)
    level = 10 ** ((NEUTRAL_LEVEL_DB + voice.level + style.energy) / 20)
    return np.clip(filtered * level, -0.99, 0.99).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> None:
    """Write `samples` (N,) in -1 to 1 as 16 bit PCM, making the folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, sample_rate, np.round(np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16))


def _durations(rate: float, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the numbers of samples of each syllable's burst, vowel and following pause."""
    syllables = np.exp(rng.normal(0.0, 0.15, count)) / rate
    bursts = (syllables * rng.uniform(0.15, 0.4, count) * SAMPLE_RATE).astype(int)
    vowels = (syllables * SAMPLE_RATE).astype(int) - bursts
    pauses = np.where(rng.random(count) < 0.2, rng.uniform(0.06, 0.22, count) * 4.5 / rate * SAMPLE_RATE, 0.0)
    pauses[-1] = 0.0
    return bursts, vowels, pauses.astype(int)


def _formant_track(
    spans: Iterable[tuple[int, int]],
    num_syllables: int,
    syllables: Sequence[Syllable] | None,
    rng: np.random.Generator,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield the begin, end and formants (4,) in Hz of each piece with constant formants."""
    if syllables is None:
        for (begin, end), vowel in zip(spans, rng.integers(len(VOWELS), size=num_syllables), strict=True):
            yield begin, end, VOWELS[vowel]
        return
    steps = 5
    before = np.array(syllables[0].vowel)
    for (begin, end), syllable in zip(spans, syllables, strict=True):
        after = np.array(syllable.vowel)
        size = min(int(TRANSITION_SECONDS * SAMPLE_RATE), end - begin) // steps
        for step in range(steps):
            share = (step + 0.5) / steps
            yield begin + step * size, begin + (step + 1) * size, before ** (1 - share) * after**share
        yield begin + steps * size, end, after
        before = after


def _add_burst(place: np.ndarray, centre: float | None, voice: Voice, rng: np.random.Generator) -> None:
    """Add noise around `centre` Hz, drawn where it is None, to the samples of `place`."""
    hiss = rng.standard_normal(len(place)) * _envelope(len(place))
    drawn = rng.uniform(2000.0, 5500.0) if centre is None else centre
    burst = sosfilt(_resonators(np.array([drawn * voice.formants[3]]), np.array([800.0])), hiss)
    place += 0.35 * burst / (np.std(burst) + 1e-12)


def _f0_contour(voice: Voice, style: Style, starts: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Return F0 in Hz at every sample: a falling line with the pitch accents of the syllables."""
    accents = style.f0 + rng.normal(0.0, style.f0_range, len(starts))
    fall = style.f0_range * np.linspace(0.5, -0.5, len(starts))
    semitones = np.interp(np.arange(length), starts, accents + fall)
    return voice.f0 * 2 ** (np.clip(semitones, -12.0, 18.0) / 12)


def _glottal_pulses(f0: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a pulse train, one unit pulse a period at fractional sample positions, 1 % jitter and 5 % shimmer."""
    phase = np.cumsum(f0) / SAMPLE_RATE
    times = np.interp(np.arange(1, int(phase[-1])), phase, np.arange(len(f0)))
    times += rng.normal(0.0, 0.01, len(times)) * SAMPLE_RATE / f0[times.astype(int)]
    times = np.clip(times, 0, len(f0) - 2)
    whole = times.astype(int)
    heights = 1.0 + 0.05 * rng.standard_normal(len(times))
    pulses = np.zeros(len(f0))
    np.add.at(pulses, whole, heights * (1 - times + whole))
    np.add.at(pulses, whole + 1, heights * (times - whole))
    return pulses


def _envelope(duration: int) -> np.ndarray:
    return np.sqrt(np.sin(np.pi * (np.arange(duration) + 0.5) / max(duration, 1)))


def _pole(corner: float) -> float:
    return float(np.exp(-2 * np.pi * corner / SAMPLE_RATE))


def _resonators(frequencies: np.ndarray, bandwidths: np.ndarray) -> np.ndarray:
    """Return second-order sections (K, 6): a resonator each, with gain 1 at 0 Hz (Klatt 1980, equation 2)."""
    radius = np.exp(-np.pi * bandwidths / SAMPLE_RATE)
    cosine = 2 * radius * np.cos(2 * np.pi * np.minimum(frequencies, 0.48 * SAMPLE_RATE) / SAMPLE_RATE)
    zeros, ones = np.zeros_like(radius), np.ones_like(radius)
    return np.stack([1 - cosine + radius**2, zeros, zeros, ones, -cosine, radius**2], axis=1)
