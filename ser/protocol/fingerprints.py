"""Audio fingerprints: find copies of a recording that have another sampling rate, codec, loudness, start or tempo.

A recording's fingerprint is its loudest stretches of 0.6 s, as log-mel energies below 3 kHz. In each stretch the mean
of every band is subtracted, and the stretch is scaled to length 1. To compare two recordings, each stretch of the first
is moved along the second, and the highest cosine is taken; the similarity is the median over the stretches. A stretch
is so short that a tempo 2 % higher moves it by only one frame, and long enough to distinguish two renderings of a
sentence by the same actor. On RAVDESS, such renderings have a similarity of 0.88 at most, and copies (MP3, Ogg Vorbis,
mu-law, 8 kHz, 2 % faster, cut or padded) of 0.95 at least (tests/protocol/test_fingerprints.py has the tests that need
no corpus).

Comparing all pairs of a million recordings would take too long. So a summary of each recording, the mean and standard
deviation of the bands in its loud frames, is kept with the features (CACHE), and only recordings with similar summaries
are compared.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ser.features.fbank import mel
from ser.kaldi import ark
from ser.progress import progress
from ser.protocol.inventory import Corpora, Inventory

logger = logging.getLogger(__name__)

CACHE = ".fingerprints.ark"
# Two recordings of at least this similarity count as one.
ALIKE = 0.92
STRETCH = 60  # frames
NUM_STRETCHES = 4
# Shorter recordings get no fingerprint; `ser.protocol.recordings` compares their samples.
LEAST_FRAMES = 100
# Recordings whose summaries are farther apart are not compared; of the nearer ones, this many.
FARTHEST = 2.0
NUM_NEAREST = 5
HIGHEST_HZ = 3000.0
# A frame is loud if it is at most this far (natural logarithm of energy) below the loud end of its recording.
LOUD = 3.0
# Bands farther than this below the loudest band of their frame are raised to this distance.
RANGE = 5.0
_BLOCK = 4096  # summaries of test utterances that are compared at once


def spectrum(mfcc: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Compute log-mel bands and log energy, (T, B + 1) float32, from MFCC.

    The mean over the bands of each frame is subtracted, since the features have the log energy in place of c0, from
    which this mean would follow.

    Parameters
    ----------
    mfcc : (T, F) features; the first columns are MFCC, column 0 is the log energy.
    inverse : (num_ceps, B), see `inverse_transform`.
    """
    cepstra = mfcc[:, : len(inverse)].copy()  # (T, num_ceps)
    cepstra[:, 0] = 0
    bands = cepstra @ inverse  # (T, B)
    # Bands far below the loudest of their frame are noise, such as a codec's: clip them.
    bands = np.maximum(bands, bands.max(axis=1, keepdims=True) - RANGE)
    return np.hstack([bands - bands.mean(axis=1, keepdims=True), mfcc[:, :1]]).astype(np.float32)


def inverse_transform(num_ceps: int, low_freq: float, high_freq: float, lifter: float) -> np.ndarray:
    """Return the matrix (num_ceps, B) from MFCC to the B log-mel energies below HIGHEST_HZ.

    There must be as many MFCC as mel bands; only then can the cosine transform be inverted.
    """
    order = np.arange(num_ceps)
    # The orthonormal type-II cosine transform, (num_ceps, num_ceps): its transpose is its inverse.
    cosines = np.sqrt(2 / num_ceps) * np.cos(np.pi / num_ceps * np.outer(order, order + 0.5))
    cosines[0] /= np.sqrt(2)
    # Kaldi's lifter scaled each coefficient; divide it out.
    lifts = 1 + lifter / 2 * np.sin(np.pi * order / lifter) if lifter else np.ones(num_ceps)
    centres = np.linspace(mel(low_freq), mel(high_freq), num_ceps + 2)[1:-1]
    return (cosines / lifts[:, None])[:, centres < mel(HIGHEST_HZ)]


def summarise(spectrum: np.ndarray) -> np.ndarray:
    """Return the mean and the standard deviation of the bands over the loud frames, (2 B,) float32."""
    energy = spectrum[:, -1]
    # The 95 % quantile stands for the loudest frame, since a click does not change it.
    bands = spectrum[energy >= np.quantile(energy, 0.95) - LOUD, :-1]
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0)]).astype(np.float32)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Return the similarity of two spectra (T, B + 1), see the module docstring; it is 1 for equal ones."""
    cosines = []
    for start in _loudest(one[:, -1]):
        cosines.append(_best_cosine(one[start : start + STRETCH], other))
        # The first stretch is enough to reject most pairs.
        if len(cosines) == 1 and cosines[0] < ALIKE - 0.15:
            break
    return float(np.median(cosines))


def near_recordings(test: Inventory, train: Inventory) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """Find pairs of a test and a training recording that sound alike; return name of the pair -> utterance, by side.

    Of augmented copies, the originals are compared. Both are None if a side has no utterance in a corpus with features.
    """
    sides = [sorted(set(side.originals.values())) for side in (test, train)]
    fingerprints = [Fingerprints(side.corpora) for side in (test, train)]
    summaries = [prints.summaries(utts) for prints, utts in zip(fingerprints, sides, strict=True)]
    if not all(summaries):
        return None, None
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for one, other in _nearest(*summaries):
        if one == other:
            continue
        alike = similarity(fingerprints[0].spectrum(one), fingerprints[1].spectrum(other))
        if alike >= ALIKE:
            name = f"{one} = {other}"
            found[0][name], found[1][name] = one, other
    return found


class Fingerprints:
    """Spectra and summaries of the utterances of corpora that have features: MFCC, with or without pitch."""

    def __init__(self, corpora: Corpora) -> None:
        self._corpora = corpora
        self._readers: dict[Path, ark.Reader] = {}
        self._inverse: np.ndarray | None = None

    def summaries(self, utts: list[str]) -> dict[str, np.ndarray]:
        """Return utterance -> summary (2 B,), for utterances that are long enough and have MFCC."""
        homes: dict[Path, list[str]] = {}
        for utt in utts:
            name = self._corpora.corpus(utt)
            if name is not None and (self._corpora.dirs[name] / "feats.scp").is_file():
                homes.setdefault(self._corpora.dirs[name], []).append(utt)
        found: dict[str, np.ndarray] = {}
        for home, wanted in homes.items():
            known = self._of_corpus(home)
            found |= {utt: known[utt] for utt in wanted if utt in known}
        return found

    def spectrum(self, utt: str) -> np.ndarray:
        """Return the spectrum (T, B + 1) of an utterance, see the function `spectrum`."""
        name = self._corpora.corpus(utt)
        reader = self._reader(self._corpora.dirs[name or ""])
        return spectrum(reader[utt], _INVERSE)

    def _reader(self, home: Path) -> ark.Reader:
        if home not in self._readers:
            self._readers[home] = ark.Reader(home / "feats.scp")
        return self._readers[home]

    def _of_corpus(self, home: Path) -> dict[str, np.ndarray]:
        cache, scp = home / CACHE, home / "feats.scp"
        if cache.is_file() and cache.stat().st_mtime_ns > scp.stat().st_mtime_ns:
            return ark.load(f"ark:{cache}")
        reader = self._reader(home)
        keys = reader.keys()
        if not keys or len(reader.shape(keys[0])) != 2 or reader.shape(keys[0])[1] < len(_INVERSE):
            return {}
        found = {}
        for utt in progress(keys, len(keys), f"{home}: fingerprints"):
            if reader.shape(utt)[0] >= LEAST_FRAMES:
                found[utt] = summarise(spectrum(reader[utt], _INVERSE))
        with ark.Writer(f"ark:{cache}") as writer:
            for utt, vector in found.items():
                writer.write(utt, vector)
        return found


# The values of conf/mfcc.conf.
_INVERSE = inverse_transform(num_ceps=30, low_freq=20, high_freq=7600, lifter=22)


def _loudest(energy: np.ndarray) -> list[int]:
    """Return the first frames of the NUM_STRETCHES loudest stretches, which overlap by half at most."""
    if len(energy) <= STRETCH:
        return [0]
    # (T - STRETCH + 1,) the summed log energy of the stretch that begins at each frame.
    sums = np.concatenate([[0], np.cumsum(energy, dtype=np.float64)])
    loudness = sums[STRETCH:] - sums[:-STRETCH]
    starts: list[int] = []
    while len(starts) < NUM_STRETCHES and np.isfinite(loudness.max()):
        start = int(loudness.argmax())
        starts.append(start)
        # Exclude the starts that would overlap this stretch by more than half.
        loudness[max(0, start - STRETCH // 2) : start + STRETCH // 2] = -np.inf
    return starts


def _best_cosine(stretch: np.ndarray, other: np.ndarray) -> float:
    """Return the largest cosine of a stretch (L, B) with any stretch of `other` (T, B), both centred in each band."""
    length = len(stretch)
    if len(other) < length:
        return 0.0
    centred = stretch - stretch.mean(axis=0)
    windows = np.lib.stride_tricks.sliding_window_view(other, length, axis=0)  # (T - L + 1, B, L)
    # The windows need not be centred: the product of a constant with a centred stretch is 0.
    products = np.tensordot(windows, centred.T, axes=([1, 2], [0, 1]))  # (T - L + 1,)
    # Each window's squared norm after centring, sum x^2 - (sum x)^2 / L, from differences of running sums (T + 1, B).
    sums = np.cumsum(np.vstack([np.zeros((1, other.shape[1])), other]), axis=0, dtype=np.float64)
    squares = np.cumsum(np.vstack([np.zeros((1, other.shape[1])), np.square(other)]), axis=0, dtype=np.float64)
    powers = squares[length:] - squares[:-length] - np.square(sums[length:] - sums[:-length]) / length
    # The floors prevent a division by zero for a silent stretch.
    norms = np.sqrt(np.maximum(powers.sum(axis=1), 1e-6)) * max(float(np.linalg.norm(centred)), 1e-3)
    return float((products / norms).max())


def _nearest(test: Mapping[str, np.ndarray], train: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    """Yield each test utterance with each of its NUM_NEAREST nearest training utterances, by their summaries."""
    names = list(train)
    others = np.array(list(train.values()))
    squares = np.square(others).sum(axis=1)
    keys = list(test)
    for start in range(0, len(keys), _BLOCK):
        block = keys[start : start + _BLOCK]
        vectors = np.array([test[key] for key in block])
        for key, vector, own in zip(block, vectors, np.square(vectors).sum(axis=1), strict=True):
            # |a - b|^2 = |a|^2 - 2 a b + |b|^2, for all training utterances at once; rounding may give less than 0.
            distances = np.sqrt(np.maximum(squares - 2 * (others @ vector) + own, 0))
            count = min(NUM_NEAREST, len(names))
            for index in np.argpartition(distances, count - 1)[:count]:
                if distances[index] <= FARTHEST:
                    yield key, names[index]
