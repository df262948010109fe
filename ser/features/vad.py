"""Voice activity detection by energy, equal to Kaldi's ``compute-vad``."""

from dataclasses import dataclass

import numpy as np

from ser.errors import SerError


@dataclass(frozen=True)
class VadOptions:
    """Options of ``compute-vad``, with Kaldi's defaults; the context is in frames."""

    vad_energy_threshold: float = 5.0
    vad_energy_mean_scale: float = 0.5
    vad_proportion_threshold: float = 0.6
    vad_frames_context: int = 0

    def __post_init__(self) -> None:
        if self.vad_energy_mean_scale < 0 or not 0 < self.vad_proportion_threshold < 1 or self.vad_frames_context < 0:
            raise SerError(
                f"vad-energy-mean-scale={self.vad_energy_mean_scale}, vad-proportion-threshold="
                f"{self.vad_proportion_threshold}, vad-frames-context={self.vad_frames_context}: expected at least 0,"
                " between 0 and 1, and at least 0"
            )


def voiced_frames(log_energy: np.ndarray, options: VadOptions) -> np.ndarray:
    """Decide which frames are speech.

    A frame is speech if, in a large enough share of the frames around it, the log energy exceeds a threshold. The
    threshold depends on the mean log energy of the utterance.

    Parameters
    ----------
    log_energy : (T,) log energy, which is column 0 of Kaldi's MFCC.
    options : the thresholds.

    Returns
    -------
    (T,) bool.
    """
    if len(log_energy) == 0:
        return np.zeros(0, bool)
    threshold = options.vad_energy_threshold + options.vad_energy_mean_scale * log_energy.mean(dtype=np.float64)
    loud = np.concatenate([[0], np.cumsum(log_energy > np.float32(threshold))])
    frames = np.arange(len(log_energy))
    begin = np.maximum(frames - options.vad_frames_context, 0)
    end = np.minimum(frames + options.vad_frames_context + 1, len(log_energy))
    # Compare in single precision, as Kaldi does: there 0.6 of 5 frames is just over 3.
    return loud[end] - loud[begin] >= (end - begin).astype(np.float32) * np.float32(options.vad_proportion_threshold)
