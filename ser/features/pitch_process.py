"""Features from tracked pitch, equal to those of Kaldi's ``process-kaldi-pitch-feats``.

Ghahremani et al., "A pitch extraction algorithm tuned for automatic speech recognition", ICASSP 2014, section 3.
"""

from dataclasses import dataclass

import numpy as np

from ser.errors import SerError


@dataclass(frozen=True)
class ProcessPitchOptions:
    """Options of ``process-kaldi-pitch-feats`` with Kaldi's defaults, except for the noise.

    Kaldi adds noise of standard deviation 0.005 to the delta, different in each run; here it is off by default.
    Contexts and windows are in frames.
    """

    pitch_scale: float = 2.0
    pov_scale: float = 2.0
    pov_offset: float = 0.0
    delta_pitch_scale: float = 10.0
    delta_pitch_noise_stddev: float = 0.0
    normalization_left_context: int = 75
    normalization_right_context: int = 75
    delta_window: int = 2
    add_pov_feature: bool = True
    add_normalized_log_pitch: bool = True
    add_delta_pitch: bool = True
    add_raw_log_pitch: bool = False

    def __post_init__(self) -> None:
        if min(self.normalization_left_context, self.normalization_right_context) < 0 or self.delta_window < 1:
            raise SerError(
                f"normalization-left-context={self.normalization_left_context}, normalization-right-context="
                f"{self.normalization_right_context}, delta-window={self.delta_window}: the contexts must be at least"
                " 0, the window at least 1"
            )
        if not (
            self.add_pov_feature or self.add_normalized_log_pitch or self.add_delta_pitch or self.add_raw_log_pitch
        ):
            raise SerError("every pitch feature is turned off; set one of the add-... options to true")


def process_pitch(raw: np.ndarray, options: ProcessPitchOptions, rng: np.random.Generator | None = None) -> np.ndarray:
    """Compute features from the output of `ser.features.pitch.pitch`.

    Parameters
    ----------
    raw : (T, 2) NCCF and pitch in Hz, T > 0.
    options : what to compute.
    rng : source of the noise; needed only where `options.delta_pitch_noise_stddev` is not 0.

    Returns
    -------
    (T, F) float32, those of these columns that are turned on, in this order: a function of the NCCF with a nearly
    Gaussian distribution; the log pitch minus its mean over a window, weighted by the probability of voicing; the slope
    of the log pitch; the log pitch.
    """
    nccf, log_pitch = raw[:, 0].astype(np.float64), np.log(raw[:, 1])
    columns = []
    if options.add_pov_feature:
        columns.append(options.pov_scale * ((1.0001 - np.clip(nccf, -1, 1)) ** 0.15 - 1) + options.pov_offset)
    if options.add_normalized_log_pitch:
        columns.append(options.pitch_scale * (log_pitch - _weighted_mean(log_pitch, _voicing(nccf), options)))
    if options.add_delta_pitch:
        delta = _slope(log_pitch, options.delta_window)
        if options.delta_pitch_noise_stddev != 0:
            if rng is None:
                raise SerError(f"delta-pitch-noise-stddev={options.delta_pitch_noise_stddev} needs a random generator")
            delta = delta + options.delta_pitch_noise_stddev * rng.standard_normal(len(delta))
        columns.append(options.delta_pitch_scale * delta)
    if options.add_raw_log_pitch:
        columns.append(log_pitch)
    return np.stack(columns, axis=1).astype(np.float32)


def _voicing(nccf: np.ndarray) -> np.ndarray:
    """Return the probability of voicing given the NCCF, as fitted on the Keele database."""
    n = np.minimum(np.abs(nccf), 1)
    log_odds = -5.2 + 5.4 * np.exp(7.5 * (n - 1)) + 4.8 * n - 2 * np.exp(-10 * n) + 4.2 * np.exp(20 * (n - 1))
    return 1 / (1 + np.exp(-log_odds))


def _weighted_mean(values: np.ndarray, weights: np.ndarray, options: ProcessPitchOptions) -> np.ndarray:
    frames = np.arange(len(values))
    begin = np.maximum(frames - options.normalization_left_context, 0)
    end = np.minimum(frames + options.normalization_right_context + 1, len(values))
    sums = np.zeros((2, len(values) + 1))
    np.cumsum([weights * values, weights], axis=1, out=sums[:, 1:])
    weighted, total = sums[:, end] - sums[:, begin]
    return weighted / total


def _slope(values: np.ndarray, window: int) -> np.ndarray:
    """Return the least-squares slope over `window` frames on either side; the end values are repeated past the ends."""
    offsets = np.arange(-window, window + 1)
    return np.convolve(np.pad(values, window, mode="edge"), -offsets / np.square(offsets).sum(), mode="valid")
