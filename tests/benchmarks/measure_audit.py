"""Measure the audit's fingerprints on stand-ins of large corpora: CPU seconds and memory, and what VoxCeleb would take.

Recordings are noise of 8 s, as MFCC and as FLAC, since the time depends on their length alone; summaries of a million
are drawn.

  python3 tests/benchmarks/measure_audit.py
"""

import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from ser.kaldi import ark, tables
from ser.protocol import fingerprints, spectra

FRAMES, FEATURES = 800, 33
TESTED = 200  # test utterances whose nearest recordings are looked for
VOXCELEB, IEMOCAP = 1_276_888, 5_680
FROM_FEATURES, FROM_RECORDINGS = "summary, once a corpus, of MFCC", "summary, once a corpus, of FLAC files"


def measure_features(num: int) -> float:
    """Return CPU seconds a recording of the first audit that reads MFCC and keeps their summaries."""
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        home = Path(folder)
        noise = rng.standard_normal((FRAMES + num, FEATURES)).astype(np.float32)
        with ark.Writer(f"ark,scp:{home}/feats.ark,{home}/feats.scp", compression=2) as writer:
            for number in range(num):
                writer.write(f"s-{number:06}", noise[number : number + FRAMES])
        start = time.process_time()
        spectra._summarise_features(home)
        return (time.process_time() - start) / num


def measure_recordings(num: int) -> float:
    """Return CPU seconds a recording of the first audit that reads recordings and keeps spectra and summaries."""
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        home = Path(folder)
        noise = (0.1 * rng.standard_normal(160 * (FRAMES + num))).astype(np.float32)
        wav = {f"s-{number:06}": f"{home}/{number}.flac" for number in range(num)}
        for number, name in enumerate(wav.values()):
            soundfile.write(name, noise[160 * number : 160 * (number + FRAMES)], 16000)
        tables.write_map(home / "wav.scp", wav)
        start = time.process_time()
        spectra._summarise_recordings(home)
        return (time.process_time() - start) / num


def measure_nearest(num: int) -> float:
    """Return CPU seconds a test utterance of looking for its nearest of `num` recordings."""
    rng = np.random.default_rng(0)
    size = len(spectra.summarise(spectra.spectrum(rng.standard_normal((200, FEATURES)))))
    train, test = ({f"{n}": v for n, v in enumerate(rng.random((rows, size), np.float32))} for rows in (num, TESTED))
    start = time.process_time()
    for _ in fingerprints._nearest(test, train):
        pass
    return (time.process_time() - start) / TESTED


def measure_similarity(num: int = 100) -> float:
    """Return CPU seconds of the comparison of two recordings of one sentence, whose first stretch does not tell."""
    rng = np.random.default_rng(0)
    one = spectra.spectrum(rng.standard_normal((FRAMES, FEATURES)).astype(np.float32))
    start = time.process_time()
    for _ in range(num):
        fingerprints.similarity(one, one)
    return (time.process_time() - start) / num


def main() -> None:
    print("what                                       recordings   CPU seconds each   peak MB")
    rates = {}
    for name, measure, sizes in (
        (FROM_FEATURES, measure_features, (1_000, 10_000)),
        (FROM_RECORDINGS, measure_recordings, (100, 1_000)),
        ("nearest of a test utterance", measure_nearest, (10_000, 100_000, 1_000_000)),
    ):
        for size in sizes:
            rates[name] = measure(size), size
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{name:42} {size:>10,} {rates[name][0]:>18.6f} {peak:>9,.0f}", flush=True)
    pair = measure_similarity()
    print(f"{'comparison of a near pair, whole':42} {'':>10} {pair:>18.6f}")
    nearest, of = rates["nearest of a test utterance"]
    compared = IEMOCAP * (nearest / of * VOXCELEB + fingerprints.NUM_NEAREST * pair)
    for source in (FROM_FEATURES, FROM_RECORDINGS):
        hours = (rates[source][0] * VOXCELEB + compared) / 3600
        print(
            f"VoxCeleb 1 and 2, {VOXCELEB:,} recordings, against IEMOCAP, {IEMOCAP:,}; {source}: {hours:.2f} CPU hours"
        )


if __name__ == "__main__":
    main()
