"""Log-mel energies, and patches of them, for nets that were trained on AudioSet: VGGish, YAMNet, TRILL.

Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017, section 3.1; the details are
those of the TensorFlow models' research/audioset (mel_features.py, yamnet/features.py). The filters are triangles over
mel, where other programs' HTK filters are triangles over Hz; the log-mel energies of the two differ by up to 0.07.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from ser.errors import SerError

SAMPLE_RATE = 16_000  # Hz
WINDOW, HOP, FFT = 400, 160, 512  # samples: 25 ms, 10 ms
NUM_BANDS = 64
LOW_HZ, HIGH_HZ = 125.0, 7500.0
PATCH_FRAMES = 96
# Samples of a patch, up to the end of the window of its last frame.
PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP + WINDOW

# Frames that are transformed at once, so that a recording of hours does not take gigabytes.
_BLOCK = 1024


@dataclass(frozen=True)
class AudioSetConfig:
    """Settings that differ between the nets."""

    log_offset: float  # added to a band's magnitude before the logarithm: 0.01 VGGish, 0.001 YAMNet and TRILL
    patch_hop: int  # frames from a patch to the next: 96 VGGish, 48 YAMNet


VGGISH = AudioSetConfig(log_offset=0.01, patch_hop=96)
YAMNET = AudioSetConfig(log_offset=0.001, patch_hop=48)


@cache
def mel_matrix() -> np.ndarray:
    """Weights of the FFT bins in each band: (257, 64) float32; the bin of 0 Hz has no weight.

    Band b rises from edge b to edge b + 1 and falls to edge b + 2, linearly in mel = 1127 ln(1 + f / 700), where the
    66 edges are equally spaced in mel.
    """

    def to_mel(hz: np.ndarray) -> np.ndarray:
        return 1127.0 * np.log1p(hz / 700.0)

    low, high = to_mel(np.array([LOW_HZ, HIGH_HZ]))
    edges = np.linspace(low, high, NUM_BANDS + 2)
    lines = to_mel(np.linspace(0.0, SAMPLE_RATE / 2, FFT // 2 + 1))[:, None]  # (257, 1)
    # (257, 64) each: the rising and the falling side of every triangle.
    rise = (lines - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - lines) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rise, fall))
    weights[0] = 0.0
    return weights.astype(np.float32)


def log_mel(samples: np.ndarray, log_offset: float) -> np.ndarray:
    """Compute log-mel energies of whole frames, from magnitudes, not powers.

    Parameters
    ----------
    samples : (N,) at 16 kHz, in [-1, 1).
    log_offset : see `AudioSetConfig`.

    Returns
    -------
    (T, 64) float32 natural logarithms, T = 1 + (N - 400) // 160; T = 0 if there are fewer than 400 samples.
    """
    from scipy.fft import rfft

    if len(samples) < WINDOW:
        return np.zeros((0, NUM_BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]  # (T, 400), a view
    # In float64: beside a loud tone, float32 would be wrong by 0.4 % in quiet bands.
    window = 0.5 - 0.5 * np.cos(2 * np.pi / WINDOW * np.arange(WINDOW))
    # FFT bins outside of all bands are skipped.
    used = np.flatnonzero(mel_matrix().any(axis=1))
    lines = slice(used[0], used[-1] + 1)
    bands = mel_matrix()[lines]
    energies = np.empty((len(frames), NUM_BANDS), np.float32)
    for start in range(0, len(frames), _BLOCK):
        spectrum = rfft(frames[start : start + _BLOCK] * window, FFT)[:, lines]
        # Faster than np.abs, which guards against an overflow that samples in [-1, 1) cannot cause.
        magnitude = np.sqrt(np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
        np.matmul(magnitude, bands, out=energies[start : start + _BLOCK])
    energies += np.float32(log_offset)
    return np.log(energies, out=energies)


def count_patches(num_samples: int, patch_hop: int) -> int:
    """Count the patches of a recording, which is padded to whole patches.

    >>> [count_patches(n, 48) for n in (1, 15_600, 15_601, 23_280, 48_000)]
    [1, 1, 2, 2, 6]
    """
    return 1 + math.ceil(max(0, num_samples - PATCH_SAMPLES) / (patch_hop * HOP))


def patches(samples: np.ndarray, config: AudioSetConfig) -> np.ndarray:
    """Cut a recording into patches of log-mel energies.

    As in YAMNet, a clip shorter than a patch is padded with zeros to one patch, and a longer one to a whole number of
    hops. So a clip of any length has at least one patch.

    Parameters
    ----------
    samples : (N,) float32 at 16 kHz, in [-1, 1), N > 0.
    config : of the net.

    Returns
    -------
    (P, 96, 64) float32, P as `count_patches` gives it.

    Raises
    ------
    SerError
        If there are no samples.
    """
    if not len(samples):
        raise SerError("a recording without samples has no patch")
    count = count_patches(len(samples), config.patch_hop)
    wanted = PATCH_SAMPLES + (count - 1) * config.patch_hop * HOP
    padded = np.pad(samples, (0, wanted - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(log_mel(padded, config.log_offset), PATCH_FRAMES, axis=0)
    return windows[:: config.patch_hop].transpose(0, 2, 1).copy()  # (P, 96, 64)
