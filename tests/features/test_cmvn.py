import numpy as np
import pytest

from ser.errors import SerError
from ser.features.cmvn import SlidingCmvnOptions, apply_cmvn, cmvn_stats, sliding_cmvn


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cmvn_sliding", SlidingCmvnOptions(cmn_window=300, center=True)),
        ("cmvn_sliding_w150", SlidingCmvnOptions(cmn_window=150, center=True)),
        ("cmvn_sliding_w150_vars", SlidingCmvnOptions(cmn_window=150, center=True, norm_vars=True)),
    ],
)
def test_sliding_cmvn_is_that_of_kaldi(reference, name, options):
    feats = reference.feats("mfcc_pitch")
    for key, expected in reference.feats(name).items():
        found = sliding_cmvn(feats[key], options)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=key)


def test_stats_are_those_of_kaldi(reference):
    feats = reference.feats("mfcc_pitch")
    for key, expected in reference.feats("cmvn_stats_per_utt").items():
        np.testing.assert_allclose(cmvn_stats(feats[key]), expected, atol=1e-4, err_msg=key)


def test_voiced_frames_are_those_of_kaldi(reference):
    feats, vad = reference.feats("cmvn_sliding"), reference.feats("vad")
    for key, expected in reference.feats("voiced").items():
        np.testing.assert_array_equal(feats[key][vad[key] != 0], expected, err_msg=key)


def test_window_as_long_as_the_utterance_leaves_mean_0_and_variance_1():
    feats = np.random.default_rng(0).normal(5, 3, (80, 4))
    found = sliding_cmvn(feats, SlidingCmvnOptions(cmn_window=200, center=True, norm_vars=True))
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-6)


def test_window_that_is_not_centred_looks_back_but_for_its_first_frames():
    feats = np.arange(12.0)[:, None]
    found = sliding_cmvn(feats, SlidingCmvnOptions(cmn_window=5, min_cmn_window=3))
    # Frames 0 to 2 share the first three frames; from then on a frame sees the five before it as well.
    means = [1, 1, 1, 1.5, 2, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5]
    np.testing.assert_allclose(found[:, 0], feats[:, 0] - means)


def test_loud_offset_costs_no_precision():
    feats = np.random.default_rng(1).normal(size=(1000, 2)).astype(np.float32)
    options = SlidingCmvnOptions(cmn_window=100, center=True)
    np.testing.assert_allclose(sliding_cmvn(feats + 1024, options), sliding_cmvn(feats, options), atol=2e-4)


def test_single_frame_and_constant_frames_become_zero():
    options = SlidingCmvnOptions(cmn_window=10, center=True, norm_vars=True)
    assert not sliding_cmvn(np.full((1, 3), 7.0), options).any()
    assert not sliding_cmvn(np.full((30, 3), 7.0), options).any()


def test_impossible_windows_are_refused():
    with pytest.raises(SerError, match="cmn-window=0"):
        SlidingCmvnOptions(cmn_window=0)
    with pytest.raises(SerError, match="cmn-window=50, min-cmn-window=100"):
        SlidingCmvnOptions(cmn_window=50)


def test_a_speakers_features_have_mean_0_and_variance_1_over_all_of_them():
    rng = np.random.default_rng(2)
    utts = [rng.normal([5, -40, 0], [3, 0.1, 200], (frames, 3)).astype(np.float32) for frames in (40, 7, 160)]
    stats = sum(map(cmvn_stats, utts))
    found = np.concatenate([apply_cmvn(feats, stats) for feats in utts])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-3)
    whole = np.concatenate(utts).astype(np.float64)
    np.testing.assert_allclose(found, (whole - whole.mean(axis=0)) / whole.std(axis=0), atol=2e-3)
    # Without the variance it is the mean alone, and each utterance keeps its place.
    np.testing.assert_allclose(apply_cmvn(utts[0], stats, False), utts[0] - whole.mean(axis=0), atol=1e-4)


def test_kaldis_statistics_normalise_kaldis_features(reference):
    feats, stats = reference.feats("mfcc_pitch"), reference.feats("cmvn_stats_per_utt")
    for key, of_utt in stats.items():
        found, spread = apply_cmvn(feats[key], of_utt).astype(np.float64), feats[key].std(axis=0) > 0.01
        np.testing.assert_allclose(found.mean(axis=0)[spread], 0, atol=1e-3, err_msg=key)
        np.testing.assert_allclose(found.std(axis=0)[spread], 1, atol=1e-2, err_msg=key)


@pytest.mark.parametrize("stats", [np.zeros((2, 4)), np.ones((2, 5)), np.ones((1, 4))])
def test_statistics_of_no_frame_or_of_other_features_are_refused(stats):
    with pytest.raises(SerError, match=r"cmvn: statistics of shape \(\d, \d\) for features of dimension 3"):
        apply_cmvn(np.ones((2, 3), np.float32), stats)
