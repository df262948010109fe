"""The inner loops of `ser.features.fbank`, compiled by numba."""

import numpy as np

from ser.features.compiled import FREE_ORDER, compiled


@compiled("void(float32[::1], int64, float32[::1], float32, b1, b1, float32[:, ::1], float32[::1])", FREE_ORDER)
def window_frames(
    wave: np.ndarray,
    shift: int,
    window: np.ndarray,
    preemphasis: float,
    remove_mean: bool,
    raw_energy: bool,
    frames: np.ndarray,
    energy: np.ndarray,
) -> None:
    """Cut `wave` into frames, frame t from sample t * shift, then apply pre-emphasis and window to each.

    `frames` (T, padded length) receives the frames, at the start of its rows. `energy` (T,) receives the sums of
    squares, taken before pre-emphasis and window if `raw_energy`, else after.
    """
    length = len(window)
    for t in range(len(frames)):
        source = wave[t * shift : t * shift + length]
        frame = frames[t]
        mean = np.float32(0)
        if remove_mean:
            for i in range(length):
                mean += source[i]
            mean /= np.float32(length)
        total = np.float32(0)
        for i in range(length):
            total += (source[i] - mean) * (source[i] - mean)
        before = source[0] - mean
        frame[0] = (before - preemphasis * before) * window[0]
        for i in range(1, length):
            frame[i] = ((source[i] - mean) - preemphasis * (source[i - 1] - mean)) * window[i]
        if not raw_energy:
            total = np.float32(0)
            for i in range(length):
                total += frame[i] * frame[i]
        energy[t] = total


@compiled("void(complex64[:, ::1], float32[:, ::1], int64[::1], int64[::1], b1, float32[:, ::1])", FREE_ORDER)
def filter_spectra(
    spectra: np.ndarray, weights: np.ndarray, begins: np.ndarray, ends: np.ndarray, power: bool, energies: np.ndarray
) -> None:
    """Sum the power (or the magnitude, if not `power`) of `spectra` (T, bins) in each filter: `energies` (T, filters).

    Row m of `weights` (filters, bins) is filter m; it is zero outside of the bins begins[m] to ends[m] - 1.
    """
    spectrum = np.empty(weights.shape[1], np.float32)
    for t in range(len(spectra)):
        row = spectra[t]
        for k in range(len(spectrum)):
            spectrum[k] = row[k].real * row[k].real + row[k].imag * row[k].imag
        if not power:
            spectrum[:] = np.sqrt(spectrum)
        for m in range(len(begins)):
            total = np.float32(0)
            filter_ = weights[m]
            for k in range(begins[m], ends[m]):
                total += filter_[k] * spectrum[k]
            energies[t, m] = total
