"""Feature extraction for an utterance: MFCC or log-mel energies, with or without pitch."""

from dataclasses import dataclass

import numpy as np

from ser.errors import SerError
from ser.features.fbank import FbankOptions, fbank
from ser.features.mfcc import MfccOptions, mfcc
from ser.features.pitch import FULL_SCALE, PitchOptions, pitch
from ser.features.pitch_process import ProcessPitchOptions, process_pitch

# As paste-feats --length-tolerance=2: if the numbers of frames differ by at most this, both are cut to the shorter.
LENGTH_TOLERANCE = 2


@dataclass(frozen=True)
class Extractor:
    """Computes features from samples; without pitch features `pitch` is None."""

    spectral: MfccOptions | FbankOptions
    pitch: PitchOptions | None = None
    process: ProcessPitchOptions = ProcessPitchOptions()  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        for name in ("sample_frequency", "frame_shift"):
            ours, theirs = getattr(self.spectral, name), getattr(self.pitch or self.spectral, name)
            if ours != theirs:
                option = name.replace("_", "-")
                raise SerError(f"{option}={ours} of the spectral features, {theirs} of the pitch; make them equal")

    @property
    def sample_rate(self) -> int:
        """Sampling rate, in Hz, of the samples that it takes."""
        return int(self.spectral.sample_frequency)

    def __call__(self, utt: str, samples: np.ndarray) -> np.ndarray:
        """Make the features of an utterance.

        Parameters
        ----------
        utt : its name, which seeds the noise of dither or delta pitch, if any: an utterance has the same noise in each
            run, whatever other utterances are processed.
        samples : (N,) in [-1, 1).

        Returns
        -------
        (T, F) float32, T > 0.

        Raises
        ------
        SerError
            If the utterance is too short for one frame, or its samples are not finite or out of range.
        """
        noisy = self.spectral.dither != 0 or self.process.delta_pitch_noise_stddev != 0
        rng = np.random.default_rng(list(utt.encode())) if noisy else None
        wave = samples * np.float32(FULL_SCALE)
        if isinstance(self.spectral, MfccOptions):
            features = mfcc(wave, self.spectral, rng)
        else:
            features = fbank(wave, self.spectral, rng)
        if self.pitch is not None:
            features = self._with_pitch(features, pitch(wave, self.pitch), rng)
        if not len(features):
            raise SerError(f"too short for one frame: {len(samples)} samples")
        if not np.isfinite(features).all():
            raise SerError("its samples are not numbers, or out of all range")
        return features

    def _with_pitch(self, features: np.ndarray, tracked: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        if abs(len(features) - len(tracked)) > LENGTH_TOLERANCE:
            raise SerError(f"{len(features)} frames of spectrum but {len(tracked)} of pitch")
        length = min(len(features), len(tracked))
        if length == 0:
            return features[:0]
        return np.hstack([features[:length], process_pitch(tracked, self.process, rng)[:length]])
