"""Measure the audit's fingerprints on stand-ins of large corpora: CPU seconds and memory, and what VoxCeleb would take.

Recordings are noise of 8 s as MFCC, since the time depends on their length alone; summaries of a million are drawn.

  python3 tests/benchmarks/measure_audit.py
"""

import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ser.kaldi import ark, tables
from ser.protocol import fingerprints
from ser.protocol.inventory import Corpora

FRAMES, FEATURES = 800, 33
TESTED = 200  # test utterances whose nearest recordings are looked for
VOXCELEB, IEMOCAP = 1_276_888, 5_680


def measure_summaries(num: int) -> float:
    """Return CPU seconds a recording of the first audit, which reads the features and keeps the summaries."""
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        home = Path(folder)
        utts = [f"s{number % 100:02}-{number:06}" for number in range(num)]
        noise = rng.standard_normal((FRAMES + num, FEATURES)).astype(np.float32)
        with ark.Writer(f"ark,scp:{home}/feats.ark,{home}/feats.scp", compression=2) as writer:
            for number, utt in enumerate(sorted(utts)):
                writer.write(utt, noise[number : number + FRAMES])
        tables.write_map(home / "utt2spk", {utt: utt[:3] for utt in utts})
        start = time.process_time()
        found = fingerprints.Fingerprints(Corpora([home])).summaries(utts)
        assert len(found) == num
        return (time.process_time() - start) / num


def measure_nearest(num: int) -> float:
    """Return CPU seconds a test utterance of looking for its nearest of `num` recordings."""
    rng = np.random.default_rng(0)
    size = len(fingerprints.summarise(fingerprints.spectrum(rng.standard_normal((200, 33)), fingerprints._INVERSE)))
    train, test = ({f"{n}": v for n, v in enumerate(rng.random((rows, size), np.float32))} for rows in (num, TESTED))
    start = time.process_time()
    for _ in fingerprints._nearest(test, train):
        pass
    return (time.process_time() - start) / TESTED


def measure_similarity(num: int = 100) -> float:
    """Return CPU seconds of the comparison of two recordings of one sentence, whose first stretch does not tell."""
    rng = np.random.default_rng(0)
    one = fingerprints.spectrum(rng.standard_normal((FRAMES, FEATURES)).astype(np.float32), fingerprints._INVERSE)
    start = time.process_time()
    for _ in range(num):
        fingerprints.similarity(one, one)
    return (time.process_time() - start) / num


def main() -> None:
    print("what                                       recordings   CPU seconds each   peak MB")
    rates = {}
    for name, measure, sizes in (
        ("summary, once a corpus", measure_summaries, (1_000, 10_000)),
        ("nearest of a test utterance", measure_nearest, (10_000, 100_000, 1_000_000)),
    ):
        for size in sizes:
            rates[name] = measure(size), size
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{name:42} {size:>10,} {rates[name][0]:>18.6f} {peak:>9,.0f}", flush=True)
    pair = measure_similarity()
    print(f"{'comparison of a near pair, whole':42} {'':>10} {pair:>18.6f}")
    summary, (nearest, of) = rates["summary, once a corpus"][0], rates["nearest of a test utterance"]
    hours = (summary * VOXCELEB + IEMOCAP * (nearest / of * VOXCELEB + fingerprints.NUM_NEAREST * pair)) / 3600
    print(f"VoxCeleb 1 and 2, {VOXCELEB:,} recordings, against IEMOCAP, {IEMOCAP:,}: {hours:.2f} CPU hours at most")


if __name__ == "__main__":
    main()
