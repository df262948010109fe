"""Simulate two systems that do not differ: how often p is under 0.05, and how often the interval covers 0.

Ten speakers, in 5 folds of 2 or without folds. The two systems have equal means; they differ by speaker, by the seed of
a training, and by both together, in points of an error rate. 1,500 comparisons of each kind.

  PYTHONPATH=. python3 tests/benchmarks/simulate_null.py
"""

import itertools

import numpy as np

from ser.metrics import bootstrap, intervals

SPEAKERS, RESAMPLES, COMPARISONS = 10, 400, 1500


def simulate(seeds: int, folds: int, of_speaker: float, of_seed: float, of_both: float) -> tuple[float, float]:
    """Return the share of comparisons with p under 0.05, and of intervals that cover 0."""
    rng, found = np.random.default_rng(0), []
    draws = bootstrap.draw_speakers(SPEAKERS, RESAMPLES, 0) / SPEAKERS
    for _ in range(COMPARISONS):
        level, apart = rng.normal(30, 3, SPEAKERS), rng.normal(0, of_speaker, SPEAKERS)
        systems = [
            level + sign * apart / 2 + rng.normal(0, of_seed, (seeds, 1)) + rng.normal(0, of_both, (seeds, SPEAKERS))
            for sign in (1, -1)
        ]  # (seeds, SPEAKERS) each
        if folds:
            means = [rates.reshape(seeds, folds, -1).mean(axis=(0, 2)) for rates in systems]
            one, other = (intervals.resample_folds(mean.tolist(), RESAMPLES, 0) for mean in means)
            drawn = one - other
        else:
            drawn = draws @ (systems[0] - systems[1]).mean(axis=0)
        figures = [rates.mean(axis=1).tolist() for rates in systems]
        found.append(intervals.compare(intervals.spread(drawn, 0.95, folds or SPEAKERS, figures, 0), 0.95))
    return float(np.mean([one.p < 0.05 for one in found])), float(np.mean([one.low <= 0 <= one.high for one in found]))


def main() -> None:
    print("seeds  folds  speaker  seed  both  p < 0.05  covered")
    for seeds, folds, effects in itertools.product((1, 2, 3, 5), (0, 5), ((2, 1.5, 1), (0.5, 2, 1), (2, 0, 0))):
        p, covered = simulate(seeds, folds, *effects)
        print(f"{seeds:>5}  {folds or '-':>5}  " + "  ".join(f"{effect:>5}" for effect in effects), end="  ")
        print(f"{100 * p:>6.1f} %  {100 * covered:>5.1f} %", flush=True)


if __name__ == "__main__":
    main()
