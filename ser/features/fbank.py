"""Log mel filterbank energies, equal to those of Kaldi's ``compute-fbank-feats``.

Frames are processed in blocks that stay in the processor's cache.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft

from ser.errors import SerError
from ser.features.fbank_kernels import filter_spectra, window_frames

# Frames in a block. Their spectra fit in the cache, and stay under the 128 kilobytes from which malloc asks the system
# for new memory each time.
BLOCK = 48
# Kaldi's floor of energies before the logarithm.
FLOOR = np.finfo(np.float32).eps

WINDOWS = ("povey", "hamming", "hanning", "sine", "rectangular", "blackman")


@dataclass(frozen=True)
class FrameOptions:
    """Kaldi's options of framing and of the mel filters, with Kaldi's defaults except for `dither`.

    Frequencies are in Hz, times in milliseconds; a `high_freq` of 0 or less is relative to half the sampling rate.
    Dither is off by default, so that the same speech gives the same features.
    """

    sample_frequency: float = 16000.0
    frame_length: float = 25.0
    frame_shift: float = 10.0
    dither: float = 0.0
    preemphasis_coefficient: float = 0.97
    remove_dc_offset: bool = True
    window_type: str = "povey"
    blackman_coeff: float = 0.42
    round_to_power_of_two: bool = True
    snip_edges: bool = True
    num_mel_bins: int = 23
    low_freq: float = 20.0
    high_freq: float = 0.0
    use_energy: bool = False
    raw_energy: bool = True
    energy_floor: float = 0.0

    def __post_init__(self) -> None:
        nyquist = self.sample_frequency / 2
        if self.window_type not in WINDOWS:
            raise SerError(f"window-type={self.window_type} is unknown; choose from {', '.join(WINDOWS)}")
        if self.num_mel_bins < 3 or self.shift < 1 or self.length < 2:
            raise SerError(
                f"num-mel-bins={self.num_mel_bins}, frame-shift={self.frame_shift}, frame-length={self.frame_length}:"
                " at least 3 mel bins, 1 sample of shift and 2 of length are needed"
            )
        if not 0 <= self.low_freq < self.highest <= nyquist:
            raise SerError(
                f"low-freq={self.low_freq} and high-freq={self.high_freq} must be in order between 0 and {nyquist} Hz,"
                f" half of sample-frequency={self.sample_frequency}"
            )

    @property
    def length(self) -> int:
        """Samples in a frame."""
        return int(self.sample_frequency * 0.001 * self.frame_length)

    @property
    def shift(self) -> int:
        """Samples from one frame to the next."""
        return int(self.sample_frequency * 0.001 * self.frame_shift)

    @property
    def padded_length(self) -> int:
        """Samples in an FFT."""
        return 1 << (self.length - 1).bit_length() if self.round_to_power_of_two else self.length

    @property
    def highest(self) -> float:
        """Upper edge of the highest mel filter, in Hz."""
        return self.high_freq if self.high_freq > 0 else self.sample_frequency / 2 + self.high_freq


@dataclass(frozen=True)
class FbankOptions(FrameOptions):
    """Options of ``compute-fbank-feats``."""

    use_log_fbank: bool = True
    use_power: bool = True


def fbank(wave: np.ndarray, options: FbankOptions, rng: np.random.Generator | None = None) -> np.ndarray:
    """Compute mel filterbank features.

    Parameters
    ----------
    wave : (N,) samples on the scale of 16-bit integers.
    options : what to compute.
    rng : source of the dither; needed only where `options.dither` is not 0.

    Returns
    -------
    (T, num_mel_bins) float32, with the log energy as an extra first column if `use_energy`; T is 0 if the wave is too
    short.
    """
    energies, log_energy = mel_energies(wave, options, rng, options.use_power)
    if options.use_log_fbank:
        energies = np.log(np.maximum(energies, FLOOR))
    return np.column_stack([log_energy, energies]) if options.use_energy else energies


def mel_energies(
    wave: np.ndarray, options: FrameOptions, rng: np.random.Generator | None = None, power: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the mel energies (T, num_mel_bins) and the floored log energy (T,) of each frame, float32.

    Dither is added once to each sample of the wave; Kaldi adds another draw in each of the frames that share a sample.
    """
    wave = np.asarray(wave, np.float32)
    if options.dither != 0:
        if rng is None:
            raise SerError(f"dither={options.dither} needs a random generator")
        wave = wave + np.float32(options.dither) * rng.standard_normal(len(wave), np.float32)
    count = num_frames(len(wave), options)
    padded = np.ascontiguousarray(_mirrored(wave, count, options))
    window, (weights, begins, ends) = _window(options), _filters(options)
    energies = np.empty((count, options.num_mel_bins), np.float32)
    energy = np.empty(count, np.float32)
    # (block, padded_length); the columns past the window stay zero, which pads the FFT.
    frames = np.zeros((min(BLOCK, count), options.padded_length), np.float32)
    emphasis = options.preemphasis_coefficient
    for start in range(0, count, BLOCK):
        block = slice(start, min(start + BLOCK, count))
        frames = frames[: block.stop - start]
        source = padded[start * options.shift :]
        window_frames(
            source, options.shift, window, emphasis, options.remove_dc_offset, options.raw_energy, frames, energy[block]
        )
        spectra = scipy.fft.rfft(frames, axis=1)
        filter_spectra(spectra, weights, begins, ends, power, energies[block])
    log_energy = np.log(np.maximum(energy, FLOOR))
    if options.energy_floor > 0:
        np.maximum(log_energy, np.log(np.float32(options.energy_floor)), out=log_energy)
    return energies, log_energy


def num_frames(num_samples: int, options: FrameOptions) -> int:
    """Count the frames of a wave of `num_samples`.

    >>> num_frames(16000, FrameOptions()), num_frames(16000, FrameOptions(snip_edges=False))
    (98, 100)
    """
    if options.snip_edges:
        return 0 if num_samples < options.length else 1 + (num_samples - options.length) // options.shift
    return (num_samples + options.shift // 2) // options.shift


def _mirrored(wave: np.ndarray, count: int, options: FrameOptions) -> np.ndarray:
    """Extend `wave` by mirroring at both ends as far as its `count` frames reach; unchanged if edges are snipped."""
    if options.snip_edges or count == 0:
        return wave
    left = options.length // 2 - options.shift // 2
    right = (count - 1) * options.shift + options.length - left - len(wave)
    if 0 <= left <= len(wave) and 0 <= right <= len(wave):
        return np.concatenate([wave[:left][::-1], wave, wave[len(wave) - right :][::-1]])
    return np.pad(wave[max(0, -left) :], (max(0, left), max(0, right)), mode="symmetric")


@lru_cache
def _window(options: FrameOptions) -> np.ndarray:
    angle = 2 * np.pi * np.arange(options.length) / (options.length - 1)
    raised = 0.5 - 0.5 * np.cos(angle)
    a = options.blackman_coeff
    shape = {
        "povey": raised**0.85,
        "hanning": raised,
        "hamming": 0.54 - 0.46 * np.cos(angle),
        "sine": np.sin(angle / 2),
        "rectangular": np.ones_like(angle),
        "blackman": a - 0.5 * np.cos(angle) + (0.5 - a) * np.cos(2 * angle),
    }
    return shape[options.window_type].astype(np.float32)


def mel(frequency: float | np.ndarray) -> float | np.ndarray:
    """Return the mel of a frequency in Hz, by Kaldi's formula."""
    return 1127.0 * np.log(1.0 + frequency / 700.0)


@lru_cache
def _filters(options: FrameOptions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangular filters, equally spaced in mel: weights (num_mel_bins, padded_length / 2), first FFT bins, ends."""
    edges = np.linspace(mel(options.low_freq), mel(options.highest), options.num_mel_bins + 2)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    step = options.sample_frequency / options.padded_length
    mels = mel(step * np.arange(options.padded_length // 2))
    weights = np.maximum(0, np.minimum((mels - left) / (centre - left), (right - mels) / (right - centre)))
    used = weights > 0
    if not used.any(axis=1).all():
        raise SerError(
            f"num-mel-bins={options.num_mel_bins}: filter {int(used.any(axis=1).argmin())} falls between two bins"
            f" of the transform, {step:g} Hz apart; ask for fewer filters or longer frames"
        )
    ends = weights.shape[1] - used[:, ::-1].argmax(axis=1)
    return weights.astype(np.float32), used.argmax(axis=1), ends
