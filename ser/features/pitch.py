"""Pitch tracking, equal to Kaldi's ``compute-kaldi-pitch-feats``.

Ghahremani, BabaAli, Povey, Riedhammer, Trmal, Khudanpur: "A pitch extraction algorithm tuned for automatic speech
recognition", ICASSP 2014. The normalised cross-correlation (NCCF) of the signal at 4 kHz is interpolated at lags in
geometric progression, and the Viterbi algorithm finds the best sequence of lags.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ser.errors import SerError
from ser.features.pitch_kernels import advance, correlate, resample, trace_back

# If the first piece of a wave has fewer frames than RECOMPUTE_FRAME, and the last piece changes the mean square of the
# signal by more than the share RECOMPUTE_THRESHOLD, Kaldi corrects the frames of the first piece, see `Ballast`.
RECOMPUTE_FRAME = 500
RECOMPUTE_THRESHOLD = 0.01

# Frames in a block, and lags in a band of the interpolation; both fit in the processor's cache.
BLOCK = 256
BAND = 64
TINY = np.finfo(np.float32).tiny

# Products of energies of louder signals overflow single precision.
LOUDEST = 1e7
FULL_SCALE = 32768


@dataclass(frozen=True)
class PitchOptions:
    """Options of ``compute-kaldi-pitch-feats`` with Kaldi's defaults; those of its online mode are left out.

    Frequencies are in Hz, times in milliseconds, filter widths in zero crossings. Each lag is 1 + `delta_pitch` times
    the lag before.
    """

    sample_frequency: float = 16000.0
    frame_length: float = 25.0
    frame_shift: float = 10.0
    min_f0: float = 50.0
    max_f0: float = 400.0
    soft_min_f0: float = 10.0
    penalty_factor: float = 0.1
    lowpass_cutoff: float = 1000.0
    lowpass_filter_width: int = 1
    resample_frequency: float = 4000.0
    upsample_filter_width: int = 5
    delta_pitch: float = 0.005
    nccf_ballast: float = 7000.0
    snip_edges: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.min_f0 < self.max_f0 or self.shift < 1 or self.length < 1:
            raise SerError(
                f"min-f0={self.min_f0}, max-f0={self.max_f0}, frame-shift={self.frame_shift}, frame-length="
                f"{self.frame_length}: all must be over 0, and min-f0 under max-f0"
            )
        if self.delta_pitch <= 0 or self.penalty_factor <= 0 or self.nccf_ballast < 0:
            raise SerError(
                f"delta-pitch={self.delta_pitch} and penalty-factor={self.penalty_factor} must be over 0, nccf-ballast="
                f"{self.nccf_ballast} at least 0"
            )
        if not 0 < 2 * self.lowpass_cutoff <= min(self.sample_frequency, self.resample_frequency):
            raise SerError(
                f"lowpass-cutoff={self.lowpass_cutoff} must be over 0 and at most half of resample-frequency="
                f"{self.resample_frequency} and of sample-frequency={self.sample_frequency}"
            )
        if self.lag_range[0] < 1:
            raise SerError(f"max-f0={self.max_f0} is too high for resample-frequency={self.resample_frequency}")

    @property
    def length(self) -> int:
        """Samples in a window, at `resample_frequency`."""
        return int(self.resample_frequency * self.frame_length / 1000)

    @property
    def shift(self) -> int:
        """Samples from one frame to the next, at `resample_frequency`."""
        return int(self.resample_frequency * self.frame_shift / 1000)

    @property
    def lag_range(self) -> tuple[int, int]:
        """First and last lag, in samples at `resample_frequency`, at which the NCCF is computed."""
        margin = self.upsample_filter_width / (2 * self.resample_frequency)
        first = math.ceil(self.resample_frequency * (1 / self.max_f0 - margin))
        return first, math.floor(self.resample_frequency * (1 / self.min_f0 + margin))


class Tables(NamedTuple):
    """Lags and filters, which depend only on the options."""

    lags: np.ndarray  # (K,) float32, in seconds
    interpolation: np.ndarray  # (L, K) float32: matrix from the NCCF at whole samples of lag to the NCCF at `lags`
    bands: list[tuple[slice, slice]]  # the blocks of `interpolation` that are not all zero
    filters: np.ndarray  # (phases, taps) float32: the low-pass filter for each output sample of a period
    firsts: np.ndarray  # (phases,) the input sample at which each filter begins
    unit: int  # input samples in a period, after which input and output instants coincide again


class Ballast(NamedTuple):
    """Ballast of the NCCF: a constant added to the product of two windows' energies, which lowers it in quiet frames.

    Kaldi processes a wave in two pieces: most of it, then the last samples, which the low-pass filter held back. The
    ballast of the frames of the first piece is computed from the mean square of that piece alone. If the last samples
    change the mean square by much, Kaldi scales the NCCF of these frames by the ratio of the two normalisations at the
    frame's mean energy.
    """

    num_early: int  # frames of the first piece
    early: np.float32  # ballast of these frames
    late: np.float32  # ballast of the other frames
    changed: bool  # whether the early frames are rescaled

    @classmethod
    def of(cls, signal: np.ndarray, num_early_samples: int, num_early: int, options: PitchOptions) -> "Ballast":
        """Compute the ballast of `signal`, (n,) at `resample_frequency`."""
        early, late = _mean_square(signal[:num_early_samples]), _mean_square(signal)
        changed = num_early < RECOMPUTE_FRAME and abs(early - late) > RECOMPUTE_THRESHOLD * (early + late)
        scale = options.nccf_ballast * options.length**2
        return cls(num_early, np.float32(scale * early**2), np.float32(scale * late**2), changed)

    def nccf(self, inner: np.ndarray, norm: np.ndarray, start: int) -> np.ndarray:
        """Compute the NCCF (t, L) of frames from `start` on, from inner products and products of energies (t, L)."""
        rows = max(0, self.num_early - start)
        ballast = np.full((len(inner), 1), self.late)
        ballast[:rows] = self.early
        nccf = inner / np.sqrt(np.maximum(norm + ballast, TINY))
        if self.changed:
            mean = norm[:rows].mean(axis=1, keepdims=True)
            nccf[:rows] *= np.sqrt((mean + self.early) / np.maximum(mean + self.late, TINY))
        return nccf


def pitch(wave: np.ndarray, options: PitchOptions) -> np.ndarray:
    """Track the pitch of a wave.

    Parameters
    ----------
    wave : (N,) samples on the scale of 16-bit integers.
    options : what to compute.

    Returns
    -------
    (T, 2) float32: the NCCF at the chosen lag, without ballast, and the pitch in Hz, for voiced and unvoiced frames.
    T is 0 if the wave is too short.
    """
    tables = _tables(options)
    num_early_samples, num_samples = _num_resampled(len(wave), options)
    num_early, num_frames = _num_frames(num_early_samples, num_samples, options)
    if num_frames == 0:
        return np.empty((0, 2), np.float32)
    signal = _low_rate(wave, num_samples, tables)
    if not np.abs(signal).max() < LOUDEST:  # also true of NaN
        raise SerError(f"the samples are not numbers, or far beyond the {FULL_SCALE} of 16 bits")
    ballast = Ballast.of(signal, num_early_samples, num_early, options)
    first_lag, last_lag = options.lag_range
    span = options.length + last_lag
    before = 0 if options.snip_edges else span // 2 - options.shift // 2
    padded = np.zeros(max(before + num_samples, (num_frames - 1) * options.shift + span), np.float32)
    padded[before : before + num_samples] = signal

    penalty = np.float32(math.log(1 + np.float32(options.delta_pitch)) ** 2) * np.float32(options.penalty_factor)
    forward = np.zeros(len(tables.lags), np.float32)  # (K,) costs of the best paths
    back = np.empty((num_frames, len(tables.lags)), np.int16)  # (T, K) the previous lag on these paths
    plain = np.empty((num_frames, last_lag + 1 - first_lag), np.float32)  # (T, L) the NCCF without ballast
    norm = np.empty_like(plain[:BLOCK])  # (block, L) products of energies
    at_lags = np.empty((len(norm), len(tables.lags)), np.float32)  # (block, K) the interpolated NCCF
    for start in range(0, num_frames, BLOCK):
        inner = plain[start : start + BLOCK]
        norm, at_lags = norm[: len(inner)], at_lags[: len(inner)]
        correlate(padded[start * options.shift :], options.shift, options.length, first_lag, inner, norm)
        nccf = ballast.nccf(inner, norm, start)
        # The interpolation matrix is a band: multiply only the blocks that are not zero.
        for whole, lags in tables.bands:
            np.matmul(nccf[:, whole], tables.interpolation[whole, lags], out=at_lags[:, lags])
        advance(at_lags, tables.lags, options.soft_min_f0, penalty, forward, back[start : start + BLOCK])
        # `inner` is a view of `plain`: divide in place.
        inner /= np.sqrt(np.maximum(norm, TINY, out=norm), out=norm)
    states = trace_back(back, int(forward.argmin()))
    chosen = np.einsum("tl,tl->t", plain, tables.interpolation.T[states])
    return np.stack([chosen, 1 / tables.lags[states]], axis=1)


def _low_rate(wave: np.ndarray, count: int, tables: Tables) -> np.ndarray:
    """Low-pass filter `wave` and resample it: (count,) float32 at `resample_frequency`."""
    before = max(0, -int(tables.firsts.min()))
    last = int(tables.firsts.max()) + count // len(tables.firsts) * tables.unit + tables.filters.shape[1]
    padded = np.zeros(before + max(last, len(wave)), np.float32)
    padded[before : before + len(wave)] = wave
    signal = np.empty(count, np.float32)
    resample(padded, tables.filters, tables.firsts + before, tables.unit, signal)
    return signal


def _mean_square(signal: np.ndarray) -> float:
    """Return the mean of the squares minus the square of the mean, in double precision."""
    double = signal.astype(np.float64)
    return float(double @ double / len(double) - double.mean() ** 2) if len(double) else 0.0


def _num_resampled(num_samples: int, options: PitchOptions) -> tuple[int, int]:
    """Count the samples at `resample_frequency` of the first piece of a wave and of the whole wave, see `Ballast`."""
    rate_in, rate_out = int(options.sample_frequency), int(options.resample_frequency)
    tick = math.lcm(rate_in, rate_out)
    held_back = math.floor(np.float32(options.lowpass_filter_width / (2 * options.lowpass_cutoff)) * np.float32(tick))
    ticks = num_samples * (tick // rate_in)
    # Output instants before the end of the piece, the first at 0: a division rounded up.
    early, total = (max(0, -(-length // (tick // rate_out))) for length in (ticks - held_back, ticks))
    return early, total


def _num_frames(early: int, total: int, options: PitchOptions) -> tuple[int, int]:
    """Count the frames of the first `early` samples, and of all `total` samples."""
    span = options.length + options.lag_range[1]

    def count(samples: int, needed: int, centres: int) -> int:
        if samples < needed:
            return 0
        return 1 + (samples - needed) // options.shift if options.snip_edges else int(centres / options.shift + 0.5)

    return count(early, span, early - span // 2), count(total, options.length, total)


@lru_cache
def _tables(options: PitchOptions) -> Tables:
    first_lag, last_lag = options.lag_range
    lags = _lags(options)
    whole = np.arange(first_lag, last_lag + 1) / options.resample_frequency
    delays = lags.astype(np.float64) - whole[:, None]  # (L, K)
    interpolation = _low_pass(delays, options.resample_frequency / 2, options.upsample_filter_width)
    bands = []
    for start in range(0, len(lags), BAND):
        used = np.flatnonzero(interpolation[:, start : start + BAND].any(axis=1))
        bands.append((slice(int(used[0]), int(used[-1]) + 1), slice(start, start + BAND)))

    rate_in, rate_out = int(options.sample_frequency), int(options.resample_frequency)
    divisor = math.gcd(rate_in, rate_out)
    half_width = options.lowpass_filter_width / (2 * options.lowpass_cutoff)
    instants = np.arange(rate_out // divisor) / rate_out
    firsts = np.floor((instants - half_width) * rate_in).astype(np.int64) + 1
    positions = firsts[:, None] + np.arange(math.ceil(2 * half_width * rate_in))  # (phases, taps)
    filters = _low_pass(positions / rate_in - instants[:, None], options.lowpass_cutoff, options.lowpass_filter_width)
    return Tables(
        lags,
        (interpolation / options.resample_frequency).astype(np.float32),
        bands,
        (filters / rate_in).astype(np.float32),
        firsts,
        rate_in // divisor,
    )


def _lags(options: PitchOptions) -> np.ndarray:
    """Return the lags in seconds, (K,); each is rounded to single precision before the next, as in Kaldi."""
    lags = []
    lag = np.float32(1 / options.max_f0)
    while lag <= np.float32(1 / options.min_f0):
        lags.append(lag)
        lag = np.float32(float(lag) * (1 + float(np.float32(options.delta_pitch))))
    if len(lags) > np.iinfo(np.int16).max:
        raise SerError(f"delta-pitch={options.delta_pitch} gives {len(lags)} lags; it is too small")
    return np.array(lags, np.float32)


def _low_pass(time: np.ndarray, cutoff: float, num_zeros: int) -> np.ndarray:
    """Return the impulse response at `time` seconds: a sinc under a raised cosine up to zero crossing `num_zeros`."""
    inside = np.abs(time) < num_zeros / (2 * cutoff)
    window = np.where(inside, 0.5 + 0.5 * np.cos(2 * np.pi * cutoff / num_zeros * time), 0)
    return 2 * cutoff * np.sinc(2 * cutoff * time) * window
