import numpy as np
import pytest

from ser.errors import SerError
from ser.features.pitch import PitchOptions, pitch
from ser.features.pitch_kernels import advance, trace_back
from ser.kaldi.options import read_options


def pulses(f0: np.ndarray, rate: float) -> np.ndarray:
    """A voice-like sum of ten harmonics with the fundamental `f0` (N,) Hz."""
    phase = 2 * np.pi * np.cumsum(f0) / rate
    return sum(2000 / k * np.sin(k * phase) for k in range(1, 11)).astype(np.float32)


@pytest.mark.parametrize("rate", [16000.0, 8000.0, 22050.0, 44100.0])
@pytest.mark.parametrize("f0", [75.0, 120.0, 200.0, 310.0])
def test_tone_is_tracked_within_half_a_percent(f0, rate):
    found = pitch(pulses(np.full(int(rate), f0), rate), PitchOptions(sample_frequency=rate, snip_edges=False))
    assert found.shape == (100, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found[5:-5, 1], f0, rtol=0.005)
    assert (found[5:-5, 0] > 0.99).all()


def test_tone_of_200_hz_is_tracked_within_1_hz():
    found = pitch(pulses(np.full(16000, 200.0), 16000), PitchOptions())
    assert np.abs(found[:, 1] - 200).max() < 1


def test_glide_is_followed():
    f0 = np.geomspace(100, 250, 32000)
    found = pitch(pulses(f0, 16000), PitchOptions(snip_edges=False))
    np.testing.assert_allclose(found[5:-5, 1], f0[80::160][5:-5], rtol=0.015)


def test_noise_has_a_low_nccf_and_its_pitch_does_not_jump():
    noise = np.random.default_rng(3).normal(scale=1000, size=32000)
    found = pitch(noise, PitchOptions())
    assert np.median(found[:, 0]) < 0.4
    assert np.abs(np.diff(np.log(found[:, 1]))).max() < np.log(8)


@pytest.mark.parametrize(("name", "snip"), [("pitch_raw", False), ("pitch_raw_snip", True)])
def test_pitch_is_that_of_kaldi(reference, name, snip):
    options = PitchOptions() if snip else read_options(PitchOptions, reference.conf("pitch"))
    same, frames = 0, 0
    for key, wave, expected in reference.with_waves(name):
        found = pitch(wave, options)
        assert found.shape == expected.shape, key
        close = np.abs(found[:, 1] - expected[:, 1]) < 0.01
        np.testing.assert_allclose(found[close, 0], expected[close, 0], atol=1e-3, err_msg=key)
        same, frames = same + close.sum(), frames + len(close)
    assert same >= 0.995 * frames


@pytest.mark.parametrize("smoothness", [0, 2, 20])
def test_search_is_that_over_all_pairs_of_lags_in_single_precision(smoothness):
    rng = np.random.default_rng(smoothness)
    kernel = np.exp(-np.square(np.arange(-60, 61) / max(smoothness, 0.1)) / 2)
    nccf = np.array([np.convolve(row, kernel / kernel.sum(), mode="same") for row in rng.uniform(-0.3, 1, (60, 417))])
    nccf[20:40] *= 1e-5  # a silence between
    nccf = nccf.astype(np.float32)
    lags, penalty = np.geomspace(1 / 400, 1 / 50, 417).astype(np.float32), np.float32(2.4875e-6)
    forward, back = np.zeros(417, np.float32), np.empty((60, 417), np.int16)
    advance(nccf, lags, 10.0, penalty, forward, back)

    squares = np.square(np.arange(417)[:, None] - np.arange(417)).astype(np.float32)
    expected, pointers = np.zeros(417, np.float32), []
    for value in nccf:
        costs = squares * penalty + expected
        pointers.append(costs.argmin(axis=1))
        expected = costs.min(axis=1) + ((np.float32(1) - value) + (np.float32(10) * value) * lags)
        expected = expected - expected.min()
    np.testing.assert_array_equal(forward, expected)
    assert (back == pointers).mean() > 0.998  # costs that tie over three lags and more may differ


def test_trace_back_follows_the_pointers():
    back = np.array([[0, 0, 1], [2, 1, 0], [1, 1, 2]], np.int16)
    assert trace_back(back, 1).tolist() == [1, 1, 1]
    assert trace_back(back, 2).tolist() == [0, 2, 2]


def test_silence_has_pitch_but_no_nccf():
    found = pitch(np.zeros(8000), PitchOptions(snip_edges=False))
    assert found.shape == (50, 2)
    assert np.isfinite(found).all() and not found[:, 0].any()


@pytest.mark.parametrize(("num_samples", "num_frames"), [(0, 0), (300, 0), (396, 0), (400, 3), (800, 5), (1600, 10)])
def test_wave_shorter_than_a_window_has_no_frames(num_samples, num_frames):
    assert pitch(np.ones(num_samples), PitchOptions(snip_edges=False)).shape == (num_frames, 2)


def test_long_wave_is_tracked_as_its_parts_are():
    wave = pulses(np.full(16000 * 12, 150.0), 16000)
    found = pitch(wave, PitchOptions())
    np.testing.assert_allclose(found[:, 1], 150, rtol=0.005)


def test_click_at_the_very_end_changes_the_ballast_of_the_frames_before():
    wave = np.random.default_rng(7).normal(scale=100, size=8000)
    wave[-4:] = 30000
    found = pitch(wave, PitchOptions(snip_edges=False))
    assert found.shape == (50, 2) and np.isfinite(found).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_samples_that_no_file_holds_are_refused(value):
    wave = np.zeros(8000, np.float32)
    wave[3000] = value
    with pytest.raises(SerError, match="the samples are not numbers, or far beyond the 32768 of 16 bits"):
        pitch(wave, PitchOptions())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_f0": 500.0}, "min-f0=500.0, max-f0=400.0"),
        (
            {"lowpass_cutoff": 3000.0},
            "lowpass-cutoff=3000.0 must be over 0 and at most half of resample-frequency=4000",
        ),
        ({"penalty_factor": 0.0}, "penalty-factor=0.0 must be over 0"),
        ({"max_f0": 3000.0}, "max-f0=3000.0 is too high for resample-frequency=4000.0"),
    ],
)
def test_impossible_options_are_named(settings, message):
    with pytest.raises(SerError, match=message):
        PitchOptions(**settings)


def test_too_fine_a_grid_of_lags_is_refused():
    with pytest.raises(SerError, match=r"delta-pitch=1e-05 gives \d+ lags"):
        pitch(np.zeros(8000), PitchOptions(delta_pitch=1e-5))
