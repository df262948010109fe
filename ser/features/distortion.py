"""Changes to a waveform that need no other recording: white noise, pitch, tempo, a shift in time.

The four of Zhou et al., "A multi-modal approach to speech emotion recognition", section 4, which gives no amounts; the
ranges here are this project's.
"""

from __future__ import annotations

import numpy as np

# How far each goes; the amount of a copy is drawn evenly from its range.
AMOUNTS = {
    "white": (15.0, 30.0),  # signal-to-noise ratio, dB
    "pitch": (-2.0, 2.0),  # semitones
    "stretch": (0.85, 1.15),  # tempo: 2 is twice as fast, at the same pitch
    "shift": (-0.5, 0.5),  # seconds; later where positive
}
KINDS = tuple(AMOUNTS)


def draw_amount(kind: str, rng: np.random.Generator) -> float:
    """Draw how much of `kind` a copy gets."""
    return round(float(rng.uniform(*AMOUNTS[kind])), 3)


def distort(kind: str, amount: float, samples: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Change `samples` (N,): float32, (N,) but after a stretch.

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
    """Move `samples` (N,) later, or earlier where `places` is negative: (N,), with zeros where nothing comes from.

    >>> shift(np.array([1, 2, 3]), 1).tolist(), shift(np.array([1, 2, 3]), -2).tolist()
    ([0, 1, 2], [3, 0, 0])
    """
    moved = np.zeros_like(samples)
    if places >= 0:
        moved[places:] = samples[: max(len(samples) - places, 0)]
    else:
        moved[:places] = samples[-places:]
    return moved
