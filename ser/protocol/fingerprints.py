"""Recordings that sound alike though no sample of them is the same: another rate, codec, loudness, start or tempo.

A recording's fingerprint is its loudest stretches of 0.6 s: log mel energies below 3 kHz, each band less its mean over
the stretch, of length 1. Two recordings are as alike as the median of the best cosines of the one's stretches at any
place of the other. A stretch is short enough that a tempo of 2 % more moves it by a frame, and long enough to tell two
renderings of a sentence by one actor apart: those of RAVDESS are 0.88 alike at most, its copies after MP3, Ogg Vorbis,
mu-law, 8 kHz, 2 % faster, cut or padded 0.95 at least (tests/protocol/test_fingerprints.py, for what can be tested
without the corpus).

No million recordings are compared by their stretches. A summary of each, mean and deviation of the bands where it is
loud, is kept beside the features (CACHE), and only the nearest of the other side are looked at.
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
# From here on two recordings are one.
ALIKE = 0.92
STRETCH = 60  # frames
NUM_STRETCHES = 4
# Shorter ones are compared by their samples alone.
LEAST_FRAMES = 100
# Summaries that are farther apart are of different recordings; of the nearer ones so many are compared.
FARTHEST = 2.0
NUM_NEAREST = 5
HIGHEST_HZ = 3000.0
# Loud is a frame at most so much, in units of the natural logarithm of energy, under the loudest; bands count as far
# down as RANGE.
LOUD = 3.0
RANGE = 5.0
_BLOCK = 4096


def spectrum(mfcc: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Make (T, B + 1) float32 of features (T, F) whose first columns are MFCC, c0 the log energy.

    The bands are log mel energies less their mean over the bands, which c0 would tell; the last column is the energy.
    """
    cepstra = mfcc[:, : len(inverse)].copy()
    cepstra[:, 0] = 0
    bands = cepstra @ inverse
    # What is far under a frame's loudest band is noise, of a codec perhaps.
    bands = np.maximum(bands, bands.max(axis=1, keepdims=True) - RANGE)
    return np.hstack([bands - bands.mean(axis=1, keepdims=True), mfcc[:, :1]]).astype(np.float32)


def inverse_transform(num_ceps: int, low_freq: float, high_freq: float, lifter: float) -> np.ndarray:
    """Return (num_ceps, B): what makes the log mel energies under HIGHEST_HZ of as many MFCC as there are mel bands."""
    order = np.arange(num_ceps)
    cosines = np.sqrt(2 / num_ceps) * np.cos(np.pi / num_ceps * np.outer(order, order + 0.5))
    cosines[0] /= np.sqrt(2)
    lifts = 1 + lifter / 2 * np.sin(np.pi * order / lifter) if lifter else np.ones(num_ceps)
    centres = np.linspace(mel(low_freq), mel(high_freq), num_ceps + 2)[1:-1]
    return (cosines / lifts[:, None])[:, centres < mel(HIGHEST_HZ)]


def summarise(spectrum: np.ndarray) -> np.ndarray:
    """Return mean and deviation (2 B,) of the bands where the recording is loud."""
    energy = spectrum[:, -1]
    bands = spectrum[energy >= np.quantile(energy, 0.95) - LOUD, :-1]
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0)]).astype(np.float32)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Tell how alike two spectra (T, B + 1) are: 1 for equal ones."""
    cosines = []
    for start in _loudest(one[:, -1]):
        cosines.append(_best_cosine(one[start : start + STRETCH], other))
        # Most pairs are told apart by their first stretch.
        if len(cosines) == 1 and cosines[0] < ALIKE - 0.15:
            break
    return float(np.median(cosines))


def near_recordings(test: Inventory, train: Inventory) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """Find the recordings of `test` that sound like one of `train`; both sides' utterances by a name of the pair.

    None for each side where no corpus with features has any of its utterances. Copies stand for their originals.
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
        """Return utterance -> summary, of those that are long enough and have such features."""
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
        """Return the spectrum of an utterance, see `spectrum`."""
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


# Of conf/mfcc.conf.
_INVERSE = inverse_transform(num_ceps=30, low_freq=20, high_freq=7600, lifter=22)


def _loudest(energy: np.ndarray) -> list[int]:
    """Return where the loudest stretches begin, which overlap by half at most."""
    if len(energy) <= STRETCH:
        return [0]
    sums = np.concatenate([[0], np.cumsum(energy, dtype=np.float64)])
    loudness = sums[STRETCH:] - sums[:-STRETCH]
    starts: list[int] = []
    while len(starts) < NUM_STRETCHES and np.isfinite(loudness.max()):
        start = int(loudness.argmax())
        starts.append(start)
        loudness[max(0, start - STRETCH // 2) : start + STRETCH // 2] = -np.inf
    return starts


def _best_cosine(stretch: np.ndarray, other: np.ndarray) -> float:
    """Return the largest cosine of a stretch (L, B) with those of `other` (T, B), each band less its mean in each."""
    length = len(stretch)
    if len(other) < length:
        return 0.0
    centred = stretch - stretch.mean(axis=0)
    windows = np.lib.stride_tricks.sliding_window_view(other, length, axis=0)  # (T - L + 1, B, L)
    # The stretch is centred, so that a window's mean falls out of the product.
    products = np.tensordot(windows, centred.T, axes=([1, 2], [0, 1]))
    sums = np.cumsum(np.vstack([np.zeros((1, other.shape[1])), other]), axis=0, dtype=np.float64)
    squares = np.cumsum(np.vstack([np.zeros((1, other.shape[1])), np.square(other)]), axis=0, dtype=np.float64)
    powers = squares[length:] - squares[:-length] - np.square(sums[length:] - sums[:-length]) / length
    norms = np.sqrt(np.maximum(powers.sum(axis=1), 1e-6)) * max(float(np.linalg.norm(centred)), 1e-3)
    return float((products / norms).max())


def _nearest(test: Mapping[str, np.ndarray], train: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    """Yield each test utterance with the nearest of the training ones, by their summaries, a block at a time."""
    names = list(train)
    others = np.array(list(train.values()))
    squares = np.square(others).sum(axis=1)
    keys = list(test)
    for start in range(0, len(keys), _BLOCK):
        block = keys[start : start + _BLOCK]
        vectors = np.array([test[key] for key in block])
        for key, vector, own in zip(block, vectors, np.square(vectors).sum(axis=1), strict=True):
            distances = np.sqrt(np.maximum(squares - 2 * (others @ vector) + own, 0))
            count = min(NUM_NEAREST, len(names))
            for index in np.argpartition(distances, count - 1)[:count]:
                if distances[index] <= FARTHEST:
                    yield key, names[index]
