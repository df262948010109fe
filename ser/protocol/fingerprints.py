"""Audio fingerprints: find copies of a recording that have another sampling rate, codec, loudness, start or tempo.

A recording's fingerprint is its loudest stretches of 0.6 s, as log-mel energies below 3 kHz. In each stretch the mean
of every band is subtracted, and the stretch is scaled to length 1. To compare two recordings, each stretch of the
shorter one is moved along the longer one, and the highest cosine is taken; the similarity is the median over the
stretches. If one is a part of the other, all stretches of the shorter one are in the longer one. A stretch is so short
that a tempo 2 % higher moves it by only one frame, and long enough to distinguish two renderings of a sentence by the
same actor. tests/benchmarks/measure_copies.py measures both on RAVDESS; tests/protocol/test_fingerprints.py needs no
corpus.

Comparing all pairs of a million recordings would take too long. So a summary of each recording, the mean and standard
deviation of the bands in its loud frames, is kept in the data dir (`ser.protocol.spectra`), and only recordings with
similar summaries are compared.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from ser.protocol.inventory import Inventory
from ser.protocol.spectra import Spectra

# Two recordings of at least this similarity count as one.
ALIKE = 0.92
STRETCH = 60  # frames
NUM_STRETCHES = 4
# Recordings whose summaries are farther apart are not compared; of the nearer ones, this many.
FARTHEST = 2.0
NUM_NEAREST = 5
_BLOCK = 4096  # summaries of test utterances that are compared at once


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Return the similarity of two spectra (T, B + 1), see the module docstring; it is 1 for equal ones."""
    shorter, longer = sorted((one, other), key=len)
    cosines = []
    for start in _loudest(shorter[:, -1]):
        cosines.append(_best_cosine(shorter[start : start + STRETCH], longer))
        # The first stretch is enough to reject most pairs.
        if len(cosines) == 1 and cosines[0] < ALIKE - 0.15:
            break
    return float(np.median(cosines))


def near_recordings(test: Inventory, train: Inventory) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """Find pairs of a test and a training recording that sound alike; return name of the pair -> utterance, by side.

    Of augmented copies, the originals are compared. Both are None if a side has no fingerprint: its corpora have no
    recordings, or none that can be read and has a second.
    """
    sides = [sorted(set(side.originals.values())) for side in (test, train)]
    spectra = Spectra(test.corpora)
    summaries = [spectra.summaries(utts) for utts in sides]
    if not all(summaries):
        return None, None
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for one, other in _nearest(*summaries):
        if one == other:
            continue
        alike = similarity(spectra.spectrum(one), spectra.spectrum(other))
        if alike >= ALIKE:
            name = f"{one} = {other}"
            found[0][name], found[1][name] = one, other
    return found


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
