"""Resamples of speakers of the EER of all pairs, arrays in memory: prints wall and CPU seconds as JSON.

python3 tests/benchmarks/resample.py <utterances> <speakers> <resamples>"""

import json
import sys
import time

import numpy as np

from ser.metrics import bootstrap, intervals


def main() -> None:
    num_utts, num_speakers, resamples = map(int, sys.argv[1:])
    rng = np.random.default_rng(0)
    labels, speakers = rng.integers(0, 5, num_utts), rng.integers(0, num_speakers, num_utts)
    vectors = rng.normal(size=(num_utts, 32)) + rng.normal(0, 0.35, (5, 32))[labels]
    vectors = (vectors + rng.normal(0, 0.3, (num_speakers, 32))[speakers]).astype(np.float32)
    scores = vectors @ vectors.T
    wall, cpu = time.perf_counter(), time.process_time()
    draws = bootstrap.draw_speakers(num_speakers, resamples, seed=0)
    intervals.interval(bootstrap.pair_eer(scores, labels, speakers, draws))
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
