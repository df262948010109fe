import numpy as np
import pytest

from ser.errors import SerError
from ser.ivector.online_cmvn import OnlineCmvnOptions, cmvn_stats, online_cmvn
from ser.kaldi import ark, tables


def test_features_are_kaldis(reference):
    folder = reference("ivector")
    stats = ark.read_matrix_file(folder / "global_cmvn.stats")
    features, expected = (ark.load(f"ark:{folder}/{name}.ark") for name in ("feats", "online_cmvn_feats"))
    for utts in tables.read_lists(folder / "spk2utt").values():
        history = None
        for utt in utts:
            found = online_cmvn(features[utt], stats, history, OnlineCmvnOptions())
            np.testing.assert_allclose(found, expected[utt], rtol=0, atol=1e-5)
            history = cmvn_stats(features[utt]) if history is None else history + cmvn_stats(features[utt])


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (OnlineCmvnOptions(10, 4, 3), 40.0),
        (OnlineCmvnOptions(10, 100, 3), 5.0),
        (OnlineCmvnOptions(10, 100, 3), 0.0),
        (OnlineCmvnOptions(10, 4, 3, norm_vars=True), 40.0),
        (OnlineCmvnOptions(10, 4, 3, skip_dims="0:2"), 40.0),
    ],
)
def test_each_frame_is_normalised_by_what_came_before(options, count):
    rng = np.random.default_rng(0)
    features, everyone = rng.normal(3, 2, (30, 3)).astype(np.float32), cmvn_stats(rng.normal(1, 1, (50, 3)))
    speaker = cmvn_stats(rng.normal(2, 1, (40, 3))) * count / 40
    found = online_cmvn(features, everyone, speaker, options)
    for t, frame in enumerate(features):
        window = cmvn_stats(features[max(0, t - 9) : t + 1])
        if (missing := min(10 - window[0, -1], options.speaker_frames, count)) > 0:
            window += missing / count * speaker
        if (missing := min(10 - window[0, -1], options.global_frames)) > 0:
            window += missing / 50 * everyone
        mean = window[0, :-1] / window[0, -1]
        scale = 1 / np.sqrt(window[1, :-1] / window[0, -1] - mean**2) if options.norm_vars else np.ones(3)
        expected = (frame - mean) * scale
        if options.skip_dims:
            expected[[0, 2]] = frame[[0, 2]]
        np.testing.assert_allclose(found[t], expected, rtol=1e-5, atol=1e-5)


def test_impossible_options_and_statistics_are_refused():
    with pytest.raises(SerError, match="cmn-window must be at least 1"):
        OnlineCmvnOptions(cmn_window=0)
    with pytest.raises(SerError, match="skip-dims=a"):
        OnlineCmvnOptions(skip_dims="a")
    with pytest.raises(SerError, match=r"shape \(2, 4\) over 50 frames; features of 5 need \(2, 6\)"):
        online_cmvn(np.zeros((3, 5), np.float32), cmvn_stats(np.ones((50, 3))), None, OnlineCmvnOptions())
