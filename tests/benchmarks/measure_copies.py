"""Measure the audit's fingerprints on real clips: which changed copies are found, which different clips called alike.

For each kind of features that data dirs have, each of twelve changes is made to NUMBER clips. One side of the audit has
the clips; the other has their copies and the clip that follows each by name, such as the repetition of its sentence.
At last, every other clip of the whole corpus is compared with the rest: on RAVDESS, first with second repetitions.

  PYTHONPATH=. python3 tests/benchmarks/measure_copies.py corpora/ravdess 120 none "log-mel" "40 MFCC" "MFCC and pitch"
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import soxr

from ser.kaldi import datadir
from ser.protocol.fingerprints import near_recordings
from ser.protocol.inventory import Corpora, Inventory

sys.path.insert(0, str(Path(__file__).parents[1] / "protocol"))
from test_fingerprints import CHANGES, FEATURES, RATE, write_corpus, write_features


def read(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(axis=1), rate, RATE)


def alike(test: Path, train: Path) -> set[tuple[str, str]]:
    """Return the pairs of a test and a training utterance that the audit calls alike."""
    known = Corpora([test, train])
    found, _ = near_recordings(Inventory(test, known), Inventory(train, known))
    assert found is not None
    return {(one, other) for one, _, other in (name.partition(" = ") for name in found)}


def measure_copies(paths: list[Path], number: int, kind: str) -> None:
    chosen = range(0, len(paths) - 1, max(1, len(paths) // number))[:number]
    clips = {f"a-{n:04}": read(paths[n]) for n in chosen}
    others = {f"c-{n:04}": read(paths[n + 1]) for n in chosen}
    extract, compression, _ = FEATURES[kind]
    well = 0
    for change, make in CHANGES.items():
        copies = {utt.replace("a", "b"): make(clip) for utt, clip in clips.items()}
        with TemporaryDirectory() as folder:
            sides = [write_corpus(Path(folder) / name, waves) for name, waves in (("x", clips), ("y", copies | others))]
            for side in sides if extract else ():
                write_features(side, extract, compression)
            found = alike(*sides)
        right = {(utt, utt.replace("a", "b")) for utt in clips}
        well += right <= found
        false = sorted(found - right)
        print(f"{kind:16} {change:18} {len(right & found):>4} of {len(right)} copies, others {false}", flush=True)
    print(f"{kind}: {well} of {len(CHANGES)} changes are found in every clip")


def measure_repetitions(paths: list[Path]) -> None:
    with TemporaryDirectory() as folder:
        sides = []
        for name, part in (("x", paths[::2]), ("y", paths[1::2])):
            utts = {f"{name}-{path.stem}": str(path.resolve()) for path in part}
            datadir.write_data_dir(Path(folder) / name, {"utt2spk": dict.fromkeys(utts, name), "wav.scp": utts})
            sides.append(Path(folder) / name)
        start = time.process_time()
        found = alike(*sides)
        seconds = time.process_time() - start
    print(f"{len(paths[::2])} clips against {len(paths[1::2])}, {seconds:.1f} CPU s; alike: {sorted(found)}")


def main() -> None:
    folder, number, kinds = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    paths = sorted(path for path in folder.rglob("*.*") if path.suffix in (".wav", ".flac"))
    for kind in kinds:
        measure_copies(paths, number, kind)
    measure_repetitions(paths)


if __name__ == "__main__":
    main()
