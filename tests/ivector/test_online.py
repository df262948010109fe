import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.ivector.online import OnlineExtractor
from ser.ivector.online_cmvn import online_cmvn
from ser.kaldi import ark, tables


def differences(extractor: OnlineExtractor, folder: Path, expected: str, by_speaker: bool) -> np.ndarray:
    """Give the largest difference of each row from Kaldi's."""
    features, table = ark.load(f"ark:{folder}/feats.ark"), ark.load(f"ark:{folder}/{expected}.ark")
    speakers = tables.read_lists(folder / "spk2utt") if by_speaker else {utt: [utt] for utt in features}
    rows = []
    for utts in speakers.values():
        state = extractor.new_speaker()
        for utt in utts:
            found = extractor.extract(features[utt], state)
            assert found.shape == table[utt].shape
            rows.append(np.abs(found - table[utt]).max(axis=1))
    return np.concatenate(rows)


@pytest.mark.parametrize(("name", "by_speaker"), [("online_ivectors", True), ("online_ivectors_per_utt", False)])
def test_ivectors_are_kaldis_with_history_and_without(reference, name, by_speaker):
    folder = reference("ivector")
    assert differences(OnlineExtractor.load(folder / "online.conf"), folder, name, by_speaker).max() < 2e-5


@pytest.mark.parametrize(
    ("name", "by_speaker", "max_count"),
    [
        ("online_ivectors", True, 20.0),
        ("online_ivectors_per_utt", False, 20.0),
        ("online_ivectors_per_utt_max_count_0", False, 0.0),
    ],
)
def test_ivectors_of_many_gaussians_are_kaldis_as_far_as_its_iterations_converge(
    reference, name, by_speaker, max_count
):
    folder = reference("ivector_large")
    extractor = OnlineExtractor.load(folder / "online.conf")
    extractor.options = dataclasses.replace(extractor.options, max_count=max_count)
    rows = differences(extractor, folder, name, by_speaker)
    assert np.mean(rows < 5e-5) >= 0.99
    assert rows.max() < 3e-4


@pytest.fixture
def extractor(own) -> OnlineExtractor:
    return OnlineExtractor.load(own / "online.conf")


def noise(extractor: OnlineExtractor, frames: int, seed: int = 0) -> np.ndarray:
    """Features of a level like speech's."""
    stats = extractor.global_stats
    mean = stats[0, :-1] / stats[0, -1]
    scale = np.sqrt(stats[1, :-1] / stats[0, -1] - mean**2)
    return (np.random.default_rng(seed).normal(size=(frames, 13)) * scale + mean).astype(np.float32)


def by_definition(extractor: OnlineExtractor, features: np.ndarray, max_count: float) -> np.ndarray:
    """Compute each i-vector of one utterance by itself, by an exact solution."""
    normalised = extractor.splice(online_cmvn(features, extractor.global_stats, None, extractor.cmvn))
    found = extractor.ubm.posteriors(normalised, extractor.options.num_gselect, extractor.options.min_post)
    heard = extractor.splice(features).astype(float)
    arrays = extractor.extractor.arrays
    rows = []
    for last in range(0, len(features), 10):
        linear, quadratic, count = np.zeros(6), np.zeros((6, 6)), 0.0
        for t in range(last + 1):
            for g, post in zip(found.gaussians[t, : found.counts[t]], found.posts[t], strict=False):
                weighted = 0.1 * post * arrays.projections[g].T @ arrays.precisions[g]
                linear += weighted @ heard[t]
                quadratic += weighted @ arrays.projections[g]
                count += 0.1 * post
        prior = max(count, max_count) / max_count if max_count else 1.0
        linear[0] += prior * arrays.offset
        rows.append(np.linalg.solve(quadratic + prior * np.eye(6), linear))
        rows[-1][0] -= arrays.offset
    return np.array(rows)


@pytest.mark.parametrize("max_count", [0.0, 3.0])
def test_ivectors_are_those_of_the_definition(extractor, max_count):
    extractor.options = dataclasses.replace(extractor.options, max_count=max_count)
    features = noise(extractor, 95)
    found = extractor.extract(features, extractor.new_speaker())
    np.testing.assert_allclose(found, by_definition(extractor, features, max_count), rtol=0, atol=2e-5)


def test_frames_after_the_last_ivector_have_no_part_in_the_statistics(extractor):
    first = noise(extractor, 91)
    states = []
    for more in (3, 9, 10):
        states.append(extractor.new_speaker())
        extractor.extract(np.vstack([first, noise(extractor, more, seed=2)]), states[-1])
    one, another, with_a_part = (state.linear for state in states)
    # Not bit by bit: a matrix product of 100 frames may add in another order than one of 94.
    assert np.abs(one - another).max() < 1e-5 * np.abs(another - with_a_part).max()
    # CMVN remembers them.
    assert [state.cmvn[0, -1] for state in states] == [94, 100, 101]


def test_long_history_counts_for_no_more_than_what_is_remembered(extractor):
    state = extractor.new_speaker()
    for seed in range(4):
        extractor.extract(noise(extractor, 500, seed), state)
    assert state.num_frames == pytest.approx(100.0)
    assert state.cmvn[0, -1] == pytest.approx(1000.0)


def test_short_utterance_has_one_ivector(extractor):
    assert extractor.extract(noise(extractor, 1), extractor.new_speaker()).shape == (1, 6)


def test_features_that_do_not_fit_are_refused_with_their_size(extractor):
    with pytest.raises(SerError, match=r"features of shape \(20, 40\); expected 13 a frame"):
        extractor.extract(np.zeros((20, 40), np.float32), extractor.new_speaker())
    with pytest.raises(SerError, match=r"features of shape \(0, 13\)"):
        extractor.extract(np.zeros((0, 13), np.float32), extractor.new_speaker())
    features = noise(extractor, 20)
    features[4, 2] = np.inf
    with pytest.raises(SerError, match="hold NaN or infinity, first in frame 4"):
        extractor.extract(features, extractor.new_speaker())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("--splice-config=splice.conf", "--splice-config=no.conf"),
            "--splice-config=no.conf: no such file, here or in",
        ),
        (("--diag-ubm=final.dubm", ""), "online.conf: no --diag-ubm; it names a file"),
        (("--num-gselect=5", "--num-gselect=0"), "num-gselect and num-cg-iters must be at least 1"),
        (("--min-post=0.025", "--min-posts=1"), "unknown option --min-posts"),
    ],
)
def test_config_that_does_not_hold_is_refused(own, tmp_path, change, message):
    shutil.copytree(own, tmp_path / "x")
    config = tmp_path / "x/online.conf"
    config.write_text(config.read_text().replace(*change))
    with pytest.raises(SerError, match=message):
        OnlineExtractor.load(config)


@pytest.mark.parametrize(
    ("frames", "message"),
    [(3, "a transform of 40 columns does not fit 7 spliced"), (6, r"shape \(2, 14\) do not fit a transform of 3")],
)
def test_files_that_are_not_of_one_training_are_refused(own, tmp_path, frames, message):
    shutil.copytree(own, tmp_path / "x")
    (tmp_path / "x/splice.conf").write_text(f"--left-context={frames}\n--right-context={frames}\n")
    with pytest.raises(SerError, match=message):
        OnlineExtractor.load(tmp_path / "x/online.conf")


def test_files_are_looked_up_in_the_working_directory_first(own, tmp_path, monkeypatch):
    for name in "xy":
        shutil.copytree(own, tmp_path / name)
    (tmp_path / "y/splice.conf").write_text("--left-context=3\n--right-context=3\n")
    OnlineExtractor.load(tmp_path / "x/online.conf")
    monkeypatch.chdir(tmp_path / "y")
    with pytest.raises(SerError, match="7 spliced frames"):
        OnlineExtractor.load(tmp_path / "x/online.conf")
