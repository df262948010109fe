"""Work of the back end on arrays in memory: prints its wall and CPU seconds as JSON.

python3 tests/benchmarks/in_memory.py train|pairs <vectors> <numbers a vector> <classes>"""

import json
import sys
import time

import numpy as np

from ser.backend import chain, scoring
from ser.backend.moments import moments_of
from ser.backend.plda import train_plda
from ser.config import load_config
from ser.metrics.detection import ScoredTrials


def main() -> None:
    what, count, size, num_classes = sys.argv[1], *map(int, sys.argv[2:])
    rng = np.random.default_rng(0)
    labels = np.arange(count) % num_classes
    vectors = rng.normal(size=(count, size)) + rng.normal(0, 0.3, (num_classes, size))[labels]
    if what == "train":
        config = load_config(chain.BackendConfig, "conf/backend.yaml")
        vectors = vectors.astype(np.float32)
        work = lambda: chain.train(vectors, labels, config)  # noqa: E731
    else:
        plda = train_plda(moments_of(vectors, labels), 2)
        projected = plda.project(vectors, normalize_length=True)

        def work() -> float:
            left, right = scoring.factor_ratios(plda, projected, projected)
            scores = scoring.score_matrix(left, right)
            return ScoredTrials.of_pairs(scores, labels, labels, np.arange(count)).eer()

    wall, cpu = time.perf_counter(), time.process_time()
    work()
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
