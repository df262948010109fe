"""Measure the audit's fingerprints on real clips: changes that they should see through, and clips that differ.

PYTHONPATH=. python3 tests/benchmarks/measure_copies.py corpora/ravdess 15
"""

import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser.protocol.fingerprints import ALIKE, similarity

sys.path.insert(0, str(Path(__file__).parents[1] / "protocol"))
from test_fingerprints import CHANGES, RATE, spectra


def read(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(axis=1), rate, RATE)


def main() -> None:
    paths = sorted(path for path in Path(sys.argv[1]).rglob("*.*") if path.suffix in (".wav", ".flac"))
    # Neighbours in the order of names: clips of one actor that differ in one thing, such as the repetition.
    clips = [read(path) for path in paths[:: max(1, len(paths) // int(sys.argv[2]))][: int(sys.argv[2])]]
    whole = [spectra(clip) for clip in clips]
    caught = 0
    for name, change in CHANGES.items():
        found = [similarity(spectra(change(clip)), one) for clip, one in zip(clips, whole, strict=True)]
        right = sum(value >= ALIKE for value in found)
        caught += right == len(clips)
        print(f"{name:<20} {right:>3} of {len(clips)} clips, similarity {min(found):.3f} at least")
    print(f"{caught} of {len(CHANGES)} changes are seen through in every clip")
    pairs = [(paths[n], paths[n + 1]) for n in range(min(len(paths) - 1, 30 * len(clips)))]
    others = [similarity(spectra(read(one)), spectra(read(other))) for one, other in pairs]
    alike = sum(value >= ALIKE for value in others)
    print(f"{alike} of {len(pairs)} pairs of neighbours are alike; the highest similarity is {max(others):.3f}")


if __name__ == "__main__":
    main()
