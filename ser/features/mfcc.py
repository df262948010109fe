"""Mel-frequency cepstral coefficients (MFCC), equal to those of Kaldi's ``compute-mfcc-feats``."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ser.errors import SerError
from ser.features.fbank import FLOOR, FrameOptions, mel_energies


@dataclass(frozen=True)
class MfccOptions(FrameOptions):
    """Options of ``compute-mfcc-feats``."""

    use_energy: bool = True
    num_ceps: int = 13
    cepstral_lifter: float = 22.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.num_ceps <= self.num_mel_bins:
            raise SerError(f"num-ceps={self.num_ceps} must be from 1 to num-mel-bins={self.num_mel_bins}")


def mfcc(wave: np.ndarray, options: MfccOptions, rng: np.random.Generator | None = None) -> np.ndarray:
    """Compute MFCC: the cosine transform of the log-mel energies, liftered.

    Parameters
    ----------
    wave : (N,) samples on the scale of 16-bit integers.
    options : what to compute.
    rng : source of the dither; needed only where `options.dither` is not 0.

    Returns
    -------
    (T, num_ceps) float32; column 0 is the log energy if `use_energy`. T is 0 if the wave is too short.
    """
    energies, log_energy = mel_energies(wave, options, rng)
    features = np.log(np.maximum(energies, FLOOR, out=energies), out=energies) @ _cosines(options)
    if options.use_energy:
        features[:, 0] = log_energy
    return features


@lru_cache
def _cosines(options: MfccOptions) -> np.ndarray:
    """The orthonormal type-II cosine transform (num_mel_bins, num_ceps), each column scaled by its lifter."""
    bins, order = options.num_mel_bins, np.arange(options.num_ceps)
    cosines = np.sqrt(2 / bins) * np.cos(np.pi / bins * (np.arange(bins)[:, None] + 0.5) * order)
    cosines[:, 0] = np.sqrt(1 / bins)
    if options.cepstral_lifter != 0:
        lifter = options.cepstral_lifter
        cosines *= 1 + lifter / 2 * np.sin(np.pi * order / lifter)
    return cosines.astype(np.float32)
