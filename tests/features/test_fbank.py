import numpy as np
import pytest

from ser.errors import SerError
from ser.features.fbank import FbankOptions, fbank, num_frames
from ser.kaldi.options import read_options


def sine(frequency: float, seconds: float = 0.5, rate: float = 16000.0) -> np.ndarray:
    return (1000 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def test_sine_peaks_in_the_filter_centred_at_its_frequency():
    options = FbankOptions(num_mel_bins=40, preemphasis_coefficient=0.0)
    mels = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700), 42)[1:-1]
    centres = 700 * np.expm1(mels / 1127)
    for number in (10, 20, 30, 39):
        peaks = fbank(sine(centres[number]), options).argmax(axis=1)
        assert set(peaks) == {number}


def test_power_of_white_noise_is_its_variance_times_window_and_filter():
    rng = np.random.default_rng(1)
    wave = rng.normal(scale=100, size=160_000).astype(np.float32)
    options = FbankOptions(use_log_fbank=False, preemphasis_coefficient=0.0, window_type="rectangular", num_mel_bins=5)
    # A filter sums over its bins, each with the expected power 400 * 100**2.
    step, edges = 16000 / 512, np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700), 7)
    mels = 1127 * np.log(1 + step * np.arange(256) / 700)
    area = np.array([np.interp(mels, edges[m : m + 3], [0, 1, 0]).sum() for m in range(5)])
    assert fbank(wave, options).mean(axis=0) == pytest.approx(area * 400 * 100**2, rel=0.03)


def test_fbank_is_that_of_kaldi(reference):
    options = read_options(FbankOptions, reference.conf("fbank"))
    for key, wave, expected in reference.with_waves("fbank"):
        found = fbank(wave, options)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=0.02, err_msg=key)
        for column in np.flatnonzero(expected.std(axis=0) > 0.001):  # all frames of silence are the same
            assert np.corrcoef(found[:, column], expected[:, column])[0, 1] > 0.99999, (key, column)


@pytest.mark.parametrize("num_samples", [1, 50, 100, 239, 240, 400, 401, 16000, 16079, 16080])
def test_frames_cover_the_wave_once_the_edges_are_not_snipped(num_samples):
    options = FbankOptions(snip_edges=False)
    frames = fbank(np.ones(num_samples, np.float32), options)
    assert frames.shape == ((num_samples + 80) // 160, 23)
    assert num_frames(num_samples, options) == len(frames)


def test_short_wave_is_mirrored_as_often_as_a_frame_needs():
    wave = np.random.default_rng(2).normal(size=90).astype(np.float32)
    period = np.concatenate([wave, wave[::-1]])
    # The frame begins 120 samples before the wave.
    long = np.tile(period, 5)[(-120) % 180 :][:400]
    expected = fbank(long, FbankOptions(window_type="hamming"))
    found = fbank(wave, FbankOptions(window_type="hamming", snip_edges=False))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_wave_under_one_frame_has_no_frames_when_the_edges_are_snipped():
    assert fbank(np.zeros(399), FbankOptions()).shape == (0, 23)
    assert fbank(np.zeros(400), FbankOptions()).shape == (1, 23)


def test_energy_comes_first_and_is_floored():
    wave = np.random.default_rng(3).normal(size=4000).astype(np.float32)
    raw = fbank(wave, FbankOptions(use_energy=True, remove_dc_offset=False))
    frames = np.lib.stride_tricks.sliding_window_view(wave, 400)[::160]
    np.testing.assert_allclose(raw[:, 0], np.log(np.square(frames).sum(axis=1)), rtol=1e-5)
    assert raw.shape == (23, 24)
    windowed = fbank(wave, FbankOptions(use_energy=True, raw_energy=False))
    assert (windowed[:, 0] < raw[:, 0]).all()
    floored = fbank(np.zeros(800), FbankOptions(use_energy=True, energy_floor=2.0))
    np.testing.assert_allclose(floored[:, 0], np.log(2))


def test_magnitude_is_the_root_of_power_in_a_filter_of_one_bin():
    power = FbankOptions(use_log_fbank=False, frame_length=2, frame_shift=2, num_mel_bins=3)
    magnitude = FbankOptions(use_log_fbank=False, frame_length=2, frame_shift=2, num_mel_bins=3, use_power=False)
    wave = sine(1000)
    assert (fbank(wave, magnitude) < fbank(wave, power)).all()
    np.testing.assert_allclose(fbank(3 * wave, magnitude), 3 * fbank(wave, magnitude), rtol=1e-4)


def test_dither_repeats_with_its_seed_and_needs_one():
    options = FbankOptions(dither=1.0)
    first = fbank(np.zeros(1600), options, np.random.default_rng(5))
    np.testing.assert_array_equal(first, fbank(np.zeros(1600), options, np.random.default_rng(5)))
    assert (first != fbank(np.zeros(1600), options, np.random.default_rng(6))).any()
    with pytest.raises(SerError, match=r"dither=1\.0 needs a random generator"):
        fbank(np.zeros(1600), options)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window_type": "kaiser"}, "window-type=kaiser is unknown; choose from povey, hamming"),
        ({"num_mel_bins": 2}, "num-mel-bins=2"),
        ({"high_freq": 9000.0}, "high-freq=9000.0 must be in order between 0 and 8000.0 Hz"),
        ({"low_freq": 5000.0, "high_freq": 4000.0}, "low-freq=5000.0 and high-freq=4000.0"),
        ({"frame_shift": 0.0}, "frame-shift=0.0"),
    ],
)
def test_impossible_options_are_named(settings, message):
    with pytest.raises(SerError, match=message):
        FbankOptions(**settings)


def test_filter_without_a_bin_is_named():
    with pytest.raises(SerError, match=r"num-mel-bins=200: filter 2 falls between two bins .* 31.25 Hz apart"):
        fbank(np.zeros(400), FbankOptions(num_mel_bins=200))
