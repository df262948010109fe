"""Distortions of a waveform that need no other recording: white noise, pitch shift, time stretch, shift in time.

The four are those of Zhou et al., "A multi-modal approach to speech emotion recognition", section 4. The paper gives no
amounts; the ranges are this project's choice.
"""

from __future__ import annotations

import numpy as np

# Range of each distortion; the amount of a copy is drawn uniformly from it.
AMOUNTS = {
    "white": (15.0, 30.0),  # signal-to-noise ratio, dB
    "pitch": (-2.0, 2.0),  # semitones
    "stretch": (0.85, 1.15),  # tempo: 2 is twice as fast, at the same pitch
    "shift": (-0.5, 0.5),  # seconds; positive is later
}
KINDS = tuple(AMOUNTS)


def draw_amount(kind: str, rng: np.random.Generator) -> float:
    """Draw the amount of distortion `kind` for a copy."""
    return round(float(rng.uniform(*AMOUNTS[kind])), 3)


def distort(kind: str, amount: float, samples: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Distort `samples` (N,): float32, of the same length except after a stretch.

    Parameters
    ----------
    kind : one of `KINDS`.
    amount : in the unit of `AMOUNTS`.
    samples : in [-1, 1).
    sample_rate : in Hz.
    rng : of the white noise.
    """
    if kind == "white":
        power = np.mean(np.square(samples, dtype=np.float64))
        noise = rng.standard_normal(len(samples)) * np.sqrt(power / 10 ** (amount / 10))
        return (samples + noise).astype(np.float32)
    if kind == "shift":
        return shift(samples, round(amount * sample_rate))
    from librosa import effects

    if kind == "pitch":
        changed = effects.pitch_shift(samples, sr=sample_rate, n_steps=amount)
    else:
        changed = effects.time_stretch(samples, rate=amount)
    return changed.astype(np.float32)


def shift(samples: np.ndarray, places: int) -> np.ndarray:
    """Move `samples` (N,) later by `places`, or earlier if it is negative: (N,), with zeros in the gap.

    >>> shift(np.array([1, 2, 3]), 1).tolist(), shift(np.array([1, 2, 3]), -2).tolist()
    ([0, 1, 2], [3, 0, 0])
    """
    moved = np.zeros_like(samples)
    if places >= 0:
        moved[places:] = samples[: max(len(samples) - places, 0)]
    else:
        moved[:places] = samples[-places:]
    return moved
