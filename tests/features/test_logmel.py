import librosa
import numpy as np
import pytest

from ser.config import load_config
from ser.errors import SerError
from ser.features.logmel import LogMel, LogMelConfig

RATE = 22050
SETTINGS = {
    "sample_rate": RATE,
    "window": 1024,
    "hop": 256,
    "num_mels": 40,
    "low_hz": 20.0,
    "high_hz": 8000.0,
    "floor": 1e-10,
}


def make(**changes: float) -> LogMel:
    return LogMel(LogMelConfig(**(SETTINGS | changes)))


def test_numbers_are_those_of_librosa_above_the_floor():
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, RATE).astype(np.float32)
    mel = librosa.feature.melspectrogram(
        y=samples, sr=RATE, n_fft=1024, hop_length=256, n_mels=40, fmin=20.0, fmax=8000.0, pad_mode="constant"
    )
    expected = librosa.power_to_db(mel, ref=1e-10, amin=1e-10, top_db=None).T
    found = make()("utt", samples)
    assert found.dtype == np.float32 and found.shape == (1 + RATE // 256, 40)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_tone_is_in_its_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    centres = librosa.mel_frequencies(42, fmin=20.0, fmax=8000.0)[1:-1]
    band = make()("utt", tone).mean(axis=0).argmax()
    assert abs(centres[band] - 1000) < 50


def test_zeros_after_the_end_are_exactly_zero_in_the_features():
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 4096).astype(np.float32)
    features = make()("utt", np.pad(samples, (0, 8192)))
    assert (features[: 4096 // 256] > 0).all()
    assert (features[4096 // 256 + 4 :] == 0).all()


@pytest.mark.parametrize("length", [1, 300, 1023])
def test_a_clip_shorter_than_the_window_has_frames(length):
    features = make()("utt", np.full(length, 0.5, np.float32))
    assert features.shape == (1 + 1024 // 256, 40) and np.isfinite(features).all()


def test_bad_bands_are_refused():
    with pytest.raises(SerError, match="half of sample_rate; found 20 and 12000"):
        make(high_hz=12000.0)
    with pytest.raises(SerError, match="lie between the lines of an FFT of 128; lower num_mels"):
        make(window=128)


@pytest.mark.parametrize("conf", ["conf", "conf/toy", "conf/ravdess"])
def test_every_recipe_makes_its_features_at_22_khz(conf):
    assert LogMel(load_config(LogMelConfig, f"{conf}/vgg_bert/logmel.yaml")).sample_rate == RATE
