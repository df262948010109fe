import numpy as np
import pytest

from ser.errors import SerError
from ser.features.fbank import FbankOptions, fbank
from ser.features.mfcc import MfccOptions, mfcc
from ser.kaldi.options import read_options


def speech_like(num_samples: int) -> np.ndarray:
    """Integers as a WAV file has them, of uneven loudness and spectrum."""
    rng = np.random.default_rng(4)
    noise = np.convolve(rng.normal(size=num_samples), np.exp(-np.arange(30) / 5), mode="same")
    return np.round(3000 * noise * (1 + np.sin(np.arange(num_samples) / 2000))).astype(np.float32)


def test_mfcc_is_the_cosine_transform_of_the_log_mel_energies():
    wave = speech_like(8000)
    log_mel = fbank(wave, FbankOptions(num_mel_bins=20))
    found = mfcc(wave, MfccOptions(num_mel_bins=20, num_ceps=20, cepstral_lifter=0.0, use_energy=False))
    k, n = np.arange(20)[:, None], np.arange(20)
    cosines = np.sqrt(2 / 20) * np.cos(np.pi / 20 * (n + 0.5) * k)
    cosines[0] /= np.sqrt(2)
    np.testing.assert_allclose(found, log_mel @ cosines.T, atol=1e-4)


@pytest.mark.parametrize("name", ["mfcc", "mfcc_snip", "mfcc_hires"])
def test_mfcc_is_that_of_kaldi(reference, name):
    options = read_options(MfccOptions, reference.conf(name))
    for key, wave, expected in reference.with_waves(name):
        found = mfcc(wave, options)
        assert found.shape == expected.shape and found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=0.02, err_msg=key)
        for column in range(found.shape[1]):
            if expected[:, column].std() > 0.001:  # all frames of silence are the same
                assert np.corrcoef(found[:, column], expected[:, column])[0, 1] > 0.99999, (key, column)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"sample_frequency": 8000.0, "num_mel_bins": 15},
        {"window_type": "hamming", "preemphasis_coefficient": 0.5},
        {"window_type": "blackman", "remove_dc_offset": False, "raw_energy": False},
        {"frame_length": 32.0, "frame_shift": 8.0, "snip_edges": False},
        {"sample_frequency": 22050.0, "high_freq": -500.0, "cepstral_lifter": 0.0},
    ],
)
def test_mfcc_is_that_of_kaldi_native_fbank(settings):
    knf = pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")
    options = MfccOptions(**settings)
    theirs = knf.MfccOptions()
    frame, mel = theirs.frame_opts, theirs.mel_opts
    frame.samp_freq, frame.dither, frame.snip_edges = options.sample_frequency, 0.0, options.snip_edges
    frame.frame_length_ms, frame.frame_shift_ms = options.frame_length, options.frame_shift
    frame.preemph_coeff, frame.remove_dc_offset = options.preemphasis_coefficient, options.remove_dc_offset
    frame.window_type = options.window_type
    mel.num_bins, mel.low_freq, mel.high_freq = options.num_mel_bins, options.low_freq, options.high_freq
    theirs.num_ceps, theirs.cepstral_lifter = options.num_ceps, options.cepstral_lifter
    theirs.use_energy, theirs.raw_energy = True, options.raw_energy
    wave = speech_like(12000)
    extractor = knf.OnlineMfcc(theirs)
    extractor.accept_waveform(options.sample_frequency, wave.tolist())
    extractor.input_finished()
    expected = np.stack([extractor.get_frame(t) for t in range(extractor.num_frames_ready)])
    np.testing.assert_allclose(mfcc(wave, options), expected, atol=0.01)


def test_silence_gives_the_floor_and_no_infinity():
    features = mfcc(np.zeros(1600), MfccOptions(num_mel_bins=30, num_ceps=30))
    assert np.isfinite(features).all()
    np.testing.assert_allclose(features[:, 0], np.log(np.finfo(np.float32).eps), rtol=1e-6)


def test_wave_under_one_frame_has_no_frames():
    assert mfcc(np.zeros(100), MfccOptions()).shape == (0, 13)


def test_more_coefficients_than_filters_are_refused():
    with pytest.raises(SerError, match="num-ceps=31 must be from 1 to num-mel-bins=30"):
        MfccOptions(num_mel_bins=30, num_ceps=31)
