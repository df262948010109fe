import numpy as np
import pytest

from ser.errors import SerError
from ser.features.pitch_process import ProcessPitchOptions, process_pitch


def track(pitch: np.ndarray, nccf: float = 0.9) -> np.ndarray:
    return np.stack([np.full(len(pitch), nccf), pitch], axis=1).astype(np.float32)


def test_level_pitch_has_no_deviation_and_no_slope():
    found = process_pitch(track(np.full(200, 150.0)), ProcessPitchOptions())
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-5)
    np.testing.assert_allclose(found[:, 0], 2 * (0.1001**0.15 - 1), rtol=1e-5)


def test_slope_is_the_rise_of_log_pitch_per_frame_times_ten():
    found = process_pitch(track(100 * np.exp(0.01 * np.arange(100))), ProcessPitchOptions())
    np.testing.assert_allclose(found[2:-2, 2], 0.1, rtol=1e-3)


def test_mean_is_weighted_by_voicing():
    raw = np.concatenate([track(np.full(50, 100.0), nccf=1.0), track(np.full(50, 200.0), nccf=0.0)])
    found = process_pitch(raw, ProcessPitchOptions())
    # The unvoiced half hardly counts in frame 50, which sees all of both.
    assert found[49, 1] == pytest.approx(0, abs=0.01)
    assert found[50, 1] == pytest.approx(2 * np.log(2), abs=0.01)


@pytest.mark.parametrize(("name", "add_raw"), [("pitch_processed", False), ("pitch_processed_all", True)])
def test_features_are_those_of_kaldi(reference, name, add_raw):
    raw, options = reference.feats("pitch_raw"), ProcessPitchOptions(add_raw_log_pitch=add_raw)
    for key, expected in reference.feats(name).items():
        found = process_pitch(raw[key], options)
        assert found.shape == expected.shape and found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=key)


def test_noise_repeats_with_its_seed_and_needs_one():
    options = ProcessPitchOptions(delta_pitch_noise_stddev=0.005)
    raw = track(np.full(20, 150.0))
    first = process_pitch(raw, options, np.random.default_rng(1))
    np.testing.assert_array_equal(first, process_pitch(raw, options, np.random.default_rng(1)))
    assert 0.01 < first[:, 2].std() < 0.1
    with pytest.raises(SerError, match=r"delta-pitch-noise-stddev=0\.005 needs a random generator"):
        process_pitch(raw, options)


def test_columns_are_those_turned_on():
    options = ProcessPitchOptions(add_pov_feature=False, add_normalized_log_pitch=False, add_raw_log_pitch=True)
    found = process_pitch(track(np.full(5, 150.0)), options)
    assert found.shape == (5, 2)
    np.testing.assert_allclose(found[:, 1], np.log(150), rtol=1e-6)


def test_no_column_at_all_is_refused():
    with pytest.raises(SerError, match="every pitch feature is turned off"):
        ProcessPitchOptions(add_pov_feature=False, add_normalized_log_pitch=False, add_delta_pitch=False)


def test_negative_context_is_refused():
    with pytest.raises(SerError, match="normalization-left-context=-1"):
        ProcessPitchOptions(normalization_left_context=-1)
