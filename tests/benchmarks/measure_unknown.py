"""Measure what a detector calls unknown: sounds that are no speech, and the recordings of folders of speech.

Sounds are tones, chords, hums, white noises, melodies, and pieces of fifths with 3 to 8 harmonics without and with
drums, of 2 s, 40 of each, drawn at random. Of speech of speakers who trained nothing few should be unknown: for the
detector of the toy run, a second toy CREMA-D of other speakers. "far" are those beyond a threshold of an outlier score;
the domain is what ser-detect says of all recordings of a row in one call.

  python3 -m ser.bin.make_toy_corpora --config conf/toy/corpora.yaml --seed 2 data/toy2
  PYTHONPATH=. python3 tests/benchmarks/measure_unknown.py exp/toy data/toy2/CREMA-D data/toy2/IEMOCAP_full_release
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from ser.detect import Detector
from ser.detect.decision import UNKNOWN
from ser.detect.recordings import find_recordings
from ser.detect.remarks import Remarks
from ser.errors import SerError

RATE, SECONDS, SOUNDS = 16000, 2.0, 40
TIME = np.arange(int(RATE * SECONDS)) / RATE
KINDS = ("tone", "chord", "hum", "white noise", "melody", "piece", "piece with drums")


def sine(hertz: float | np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * np.cumsum(np.broadcast_to(hertz, TIME.shape)) / RATE)


def piece(rng: np.random.Generator) -> np.ndarray:
    """Return plucked notes of a scale, two to five a second, each with its fifth and some harmonics."""
    pace, root = rng.uniform(2, 5), 110 * 2 ** (rng.integers(0, 13) / 12)
    since, made = TIME[: int(RATE / pace)], []
    for _ in range(int(pace * SECONDS) + 1):
        note = root * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 16]) / 12)
        harmonics = np.outer([note, 1.5 * note], np.arange(1, rng.integers(4, 10)))
        tones = np.sin(2 * np.pi * harmonics[..., None] * since) / np.arange(1, harmonics.shape[1] + 1)[:, None]
        made.append(tones.sum(axis=(0, 1)) * np.exp(-rng.uniform(1, 6) * since))
    return np.concatenate(made)[: len(TIME)]


def drums(rng: np.random.Generator) -> np.ndarray:
    """Return two to six beats a second, each a burst of noise or a falling low tone."""
    pace = rng.uniform(2, 6)
    since, number = TIME * pace % 1 / pace, (TIME * pace).astype(int)  # seconds since the beat, and its number
    low = np.sin(2 * np.pi * 60 * (since - np.exp(-30 * since) / 30)) * np.exp(-12 * since)
    burst = rng.standard_normal(len(TIME)) * np.exp(-25 * since)
    return np.where(rng.random(number[-1] + 1)[number] < 0.5, burst, low)


def sounds(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Return one sound (N,) of a kind, of a random level."""
    note = 220 * 2 ** (rng.integers(0, 25) / 12)
    made = {
        "tone": lambda: sine(rng.uniform(80, 2000)),
        "chord": lambda: sum(sine(note * 2 ** (step / 12)) for step in (0, 4, 7)),
        "hum": lambda: sum(sine(n * rng.choice([50, 60])) / n for n in range(1, 8)),
        "white noise": lambda: rng.standard_normal(len(TIME)),
        "melody": lambda: sine(note * 2 ** (rng.integers(-7, 8, 8)[(TIME * 4).astype(int)] / 12)),
        "piece": lambda: piece(rng),
        "piece with drums": lambda: piece(rng) + rng.uniform(0.2, 2) * drums(rng),
    }[kind]()
    return made / np.abs(made).max() * 10 ** (rng.uniform(-30, -3) / 20)


def main() -> None:
    detector, rng = Detector.load(sys.argv[1]), np.random.default_rng(0)
    print(f"{'what':<40} recordings  unknown     far  unusable  domain")
    with TemporaryDirectory() as scratch:
        for kind in KINDS:
            paths = [Path(scratch, f"{kind}{number}.wav") for number in range(SOUNDS)]
            for path in paths:
                soundfile.write(path, sounds(kind, rng), RATE)
            report(kind, detector, paths)
    for folder in sys.argv[2:]:
        report(folder, detector, list(find_recordings([folder]))[:400])


def report(what: str, detector: Detector, paths: list) -> None:
    found, remarks, silent = [], Remarks(detector), 0
    for path in paths:
        try:
            found.append(detector(path))
            remarks.add(found[-1])
        except SerError:
            silent += 1
    shares = [
        sum(flags) / max(1, len(found))
        for flags in ([f.emotion == UNKNOWN for f in found], [f.distance > 1 for f in found])
    ]
    domain = "out" if any("out of domain" in line for line in remarks.lines()) else "in"
    print(
        f"{what:<40} {len(paths):>10}",
        *(f"{100 * share:>7.1f}%" for share in shares),
        f"{silent:>8}  {domain}",
        flush=True,
    )


if __name__ == "__main__":
    main()
