"""The signal-to-noise ratio of a clip, from its samples alone: WADA-SNR.

C. Kim and R. M. Stern, "Robust signal-to-noise ratio estimation based on waveform amplitude distribution analysis",
Interspeech 2008: amplitudes of clean speech follow a Gamma distribution of shape 0.4, noise is Gaussian. Then
G = log E|x| - E log|x| decreases strictly with the noise, so it determines the ratio. The curve is computed here from
samples of the two distributions.
"""

from functools import cache

import numpy as np

SHAPE = 0.4
# Bounds of the estimated ratios, in dB: outside of them the curve is flat.
LOWEST, HIGHEST = -10.0, 60.0
_SAMPLES = 1 << 17


def wada_snr(samples: np.ndarray) -> float:
    """Estimate the signal-to-noise ratio of samples (T,), in dB, from LOWEST to HIGHEST; NaN if all are zero.

    Samples of value zero, as of a stretch of digital silence, are left out.
    """
    sizes = np.abs(samples[np.nonzero(samples)].astype(np.float64))
    if not len(sizes):
        return float("nan")
    ratios, values = _curve()
    return float(np.interp(_statistic(sizes), values, ratios))


def _statistic(sizes: np.ndarray) -> float:
    return float(np.log(sizes.mean()) - np.log(sizes).mean())


@cache
def _curve() -> tuple[np.ndarray, np.ndarray]:
    """Return ratios in dB and the statistic at each, both rising."""
    rng = np.random.default_rng(0)
    speech = rng.gamma(SHAPE, size=_SAMPLES) * rng.choice([-1.0, 1.0], _SAMPLES)
    speech /= np.sqrt(np.mean(speech**2))
    noise = rng.standard_normal(_SAMPLES)
    ratios = np.arange(LOWEST, HIGHEST + 1.0, 1.0)
    values = [_statistic(np.abs(speech + 10 ** (-ratio / 20) * noise)) for ratio in ratios]
    return ratios, np.maximum.accumulate(values)
