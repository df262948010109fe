"""Log mel spectrograms by librosa, the input of convolutional networks."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ser.errors import SerError


@dataclass(frozen=True)
class LogMelConfig:
    """The settings of a ``logmel.yaml``."""

    sample_rate: int  # Hz
    window: int  # samples of the Hann window, and of its FFT
    hop: int  # samples from one frame to the next
    num_mels: int
    low_hz: float  # lower edge of the lowest mel band
    high_hz: float  # upper edge of the highest one
    floor: float  # lower energies are raised to this, for samples in [-1, 1)


@dataclass(frozen=True)
class LogMel:
    """Computes log-mel energies in decibels above the floor, so that silence and zero padding are 0."""

    config: LogMelConfig

    def __post_init__(self) -> None:
        config = self.config
        if not 0 <= config.low_hz < config.high_hz <= config.sample_rate / 2:
            raise SerError(
                f"log mel: expected 0 <= low_hz < high_hz <= {config.sample_rate / 2:g}, half of sample_rate; "
                f"found {config.low_hz:g} and {config.high_hz:g}"
            )
        if empty := int((self._bands.sum(axis=1) == 0).sum()):
            raise SerError(
                f"log mel: {empty} of {config.num_mels} bands lie between the lines of an FFT of {config.window}; "
                "lower num_mels, or raise window"
            )

    @cached_property
    def _bands(self) -> np.ndarray:
        """Weights of the FFT bins in each band: (F, window // 2 + 1)."""
        from librosa.filters import mel

        config = self.config
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Empty filters")  # `__post_init__` makes it an error
            return mel(
                sr=config.sample_rate, n_fft=config.window, n_mels=config.num_mels,
                fmin=config.low_hz, fmax=config.high_hz,
            )  # fmt: skip

    @property
    def sample_rate(self) -> int:
        """Sampling rate, in Hz, of the samples that it takes."""
        return self.config.sample_rate

    def __call__(self, utt: str, samples: np.ndarray) -> np.ndarray:
        """Make the features of an utterance.

        Parameters
        ----------
        utt : its name, which is not used.
        samples : (N,) in [-1, 1), N > 0.

        Returns
        -------
        (T, F) float32, T = 1 + max(N, window) // hop, in dB: 10 log10 of max(energy / floor, 1).
        """
        from librosa import stft

        config = self.config
        if len(samples) < config.window:
            samples = np.pad(samples, (0, config.window - len(samples)))
        spectrum = stft(samples, n_fft=config.window, hop_length=config.hop, pad_mode="constant")
        energies = self._bands @ np.square(np.abs(spectrum))  # (F, T)
        decibels = 10.0 * np.log10(np.maximum(energies.T / config.floor, 1.0))
        return np.ascontiguousarray(decibels, dtype=np.float32)
