import numpy as np
import pytest

from ser.errors import SerError
from ser.features import audioset
from ser.features.audioset import VGGISH, YAMNET, log_mel, mel_matrix, patches

TIME = np.arange(48_000) / 16_000


def tone(hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * TIME)


def test_matrix_is_that_of_the_formula():
    matrix = mel_matrix()
    lines = np.flatnonzero(matrix.any(axis=1))
    assert matrix.shape == (257, 64) and (lines[0], lines[-1]) == (5, 239)
    assert matrix.sum(dtype=np.float64) == pytest.approx(230.9136, abs=1e-4)
    assert matrix.max() == pytest.approx(0.996191, abs=1e-6)
    edges = 700 * np.expm1(np.linspace(*1127 * np.log1p(np.array([125, 7500]) / 700), 66) / 1127)
    np.testing.assert_allclose(edges[[0, 1, 2, 3, -1]], [125, 154.669, 185.405, 217.246, 7500], atol=1e-3)
    # Each line between two edges counts there alone, and the triangles' flanks sum to 1.
    hz = np.linspace(0, 8000, 257)
    inside = (hz > edges[1]) & (hz < edges[-2])
    np.testing.assert_allclose(matrix[inside].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("hz", "config", "mean", "stddev", "band", "value"),
    [(440, YAMNET, -4.560518, 3.067113, 8, 4.782152), (1000, VGGISH, -3.429619, 2.126577, 19, 4.811118)],
)
def test_tone_has_the_energies_of_the_original_program(hz, config, mean, stddev, band, value):
    energies = log_mel(tone(hz), config.log_offset)
    assert energies.shape == (298, 64) and energies.dtype == np.float32
    assert energies.mean(dtype=np.float64) == pytest.approx(mean, abs=2e-6)
    assert energies.std(dtype=np.float64) == pytest.approx(stddev, abs=2e-6)
    assert energies[0, band] == pytest.approx(value, abs=2e-6)


def test_low_bands_of_a_tone_are_those_of_the_original_program():
    np.testing.assert_allclose(log_mel(tone(440), 0.001)[0, :3], [-3.551416, -2.210386, -1.601642], atol=2e-6)


def test_noise_and_silence():
    noise = np.random.RandomState(51773).uniform(-1, 1, 48_000)
    energies = log_mel(noise, 0.001)
    assert energies.mean(dtype=np.float64) == pytest.approx(2.841200, abs=2e-6)
    assert energies.std(dtype=np.float64) == pytest.approx(0.796315, abs=2e-6)
    for config, floor in ((YAMNET, -6.907755), (VGGISH, -4.605170)):
        np.testing.assert_allclose(log_mel(np.zeros(4_000), config.log_offset), floor, atol=1e-6)


def test_triangles_over_hz_which_other_programs_have_are_not_these():
    edges = 700 * np.expm1(np.linspace(*1127 * np.log1p(np.array([125, 7500]) / 700), 66) / 1127)
    hz = np.linspace(0, 8000, 257)[:, None]
    rise = (hz - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - hz) / np.diff(edges)[1:]
    over_hz = np.maximum(0, np.minimum(rise, fall))
    assert np.abs(over_hz - mel_matrix()).max() == pytest.approx(0.0044, abs=1e-4)


def test_blocks_change_nothing(monkeypatch):
    noise = np.random.default_rng(0).uniform(-1, 1, 20_000).astype(np.float32)
    whole = log_mel(noise, 0.001)
    monkeypatch.setattr(audioset, "_BLOCK", 7)
    np.testing.assert_allclose(log_mel(noise, 0.001), whole, atol=1e-6)


@pytest.mark.parametrize(("samples", "count"), [(1, 1), (15_600, 1), (15_601, 2), (23_280, 2), (48_000, 6)])
def test_recording_is_padded_to_whole_patches(samples, count):
    found = patches(np.full(samples, 0.1, np.float32), YAMNET)
    assert found.shape == (count, 96, 64) and found.dtype == np.float32
    assert found.flags.c_contiguous


def test_patches_are_cut_every_hop():
    noise = np.random.default_rng(0).uniform(-1, 1, 15_600 + 2 * 7_680).astype(np.float32)
    energies, found = log_mel(noise, 0.001), patches(noise, YAMNET)
    for index in range(3):
        np.testing.assert_array_equal(found[index], energies[48 * index :][:96])
    whole = patches(noise, VGGISH)  # 192 frames, of which the last lack some samples
    np.testing.assert_array_equal(whole[0], log_mel(noise, 0.01)[:96])
    assert len(whole) == 2


def test_too_few_samples_are_no_frame_and_none_is_an_error():
    assert log_mel(np.zeros(399), 0.001).shape == (0, 64)
    with pytest.raises(SerError, match="without samples"):
        patches(np.zeros(0, np.float32), YAMNET)
