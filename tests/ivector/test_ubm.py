import numpy as np
import pytest

from ser.errors import SerError
from ser.ivector import ubm_training
from ser.ivector.ubm import Ubm
from ser.kaldi.ivector_files import UbmArrays, read_ubm


@pytest.mark.parametrize(("name", "num_gselect"), [("ivector", 8), ("ivector_large", 16)])
def test_passes_are_kaldis(reference, normalised, name, num_gselect):
    folder = reference(name)
    features = normalised(folder)
    arrays = read_ubm(folder / "0.dubm")
    for iteration in range(1, 5):
        stats = ubm_training.UbmStats.zeros(ubm := Ubm(arrays))
        for matrix in features.values():
            ubm_training.accumulate(stats, ubm, matrix, num_gselect)
        arrays = ubm_training.update(stats, arrays, 1e-5, remove_low=iteration == 4)
        path = folder / ("final.dubm" if iteration == 4 else f"{iteration}.dubm")
        if path.exists():
            expected = read_ubm(path)
            np.testing.assert_allclose(arrays.weights, expected.weights, rtol=1e-4)
            np.testing.assert_allclose(arrays.variances, expected.variances, rtol=1e-4)
            # A mean near 0 has no relative size of its own.
            away = np.abs(arrays.means - expected.means)
            assert (away < 1e-4 * np.maximum(np.abs(expected.means), np.sqrt(expected.variances))).all()


def test_posteriors_are_kaldis(reference, normalised):
    folder = reference("ivector")
    ubm, features = Ubm(read_ubm(folder / "final.dubm")), normalised(folder)
    for line in (folder / "post_scaled.txt").read_text().splitlines():
        utt, *frames = line.split("[ ")
        found = ubm.posteriors(features[utt.strip()], 5, 0.025)
        assert len(found.counts) == len(frames)
        for t, frame in enumerate(frames):
            words = frame.replace("]", "").split()
            expected = dict(zip(map(int, words[::2]), map(float, words[1::2]), strict=True))
            count = found.counts[t]
            mine = dict(zip(found.gaussians[t, :count].tolist(), 0.1 * found.posts[t, :count], strict=True))
            assert mine.keys() == expected.keys()
            assert all(abs(mine[g] - expected[g]) < 1e-5 for g in mine)


@pytest.fixture
def mixture() -> Ubm:
    """12 Gaussians that overlap."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(12, 5.0))
    return Ubm(UbmArrays(weights, rng.normal(size=(12, 3)), rng.uniform(0.5, 2, (12, 3))))


def test_likelihoods_are_those_of_the_definition(mixture):
    x = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    weights, means, variances = mixture.arrays
    away = (x[:, None].astype(float) - means) ** 2 / variances
    expected = np.log(weights) - 0.5 * (away + np.log(2 * np.pi * variances)).sum(axis=2)
    np.testing.assert_allclose(mixture.log_likelihoods(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("most", "least"), [(5, 0.025), (3, 0.1), (12, 0.0), (20, 0.01), (1, 0.3)])
def test_posteriors_are_the_best_above_the_share_that_is_asked_for(mixture, most, least):
    x = np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32)
    found = mixture.posteriors(x, most, least)
    for t, row in enumerate(mixture.log_likelihoods(x).astype(float)):
        near = [g for g in np.argsort(-row) if least == 0 or row[g] > row.max() + np.log(least)][:most]
        shares = np.exp(row[near] - row.max())
        kept = [g for g, share in zip(near, shares, strict=True) if share >= least * shares.sum()] or near[:1]
        expected = np.exp(row[kept] - row.max())
        assert found.gaussians[t, : found.counts[t]].tolist() == kept
        np.testing.assert_allclose(found.posts[t, : found.counts[t]], expected / expected.sum(), rtol=1e-4)


def test_training_finds_the_clusters_that_the_data_have():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [8, 0], [0, 8], [8, 8]])
    x = (centres[rng.integers(4, size=4000)] + rng.normal(size=(4000, 2))).astype(np.float32)
    arrays = ubm_training.initialise(x, 4, 4, 20, 1e-4, seed=2)
    arrays = ubm_training.train(arrays, lambda: [x[:2000], x[2000:]], 4, 3, 1e-4)
    order = np.lexsort(np.round(arrays.means / 8).T[::-1])
    np.testing.assert_allclose(arrays.means[order], centres[np.lexsort(centres.T[::-1])], atol=0.2)
    np.testing.assert_allclose(arrays.variances, 1, atol=0.2)
    np.testing.assert_allclose(arrays.weights, 0.25, atol=0.05)


def test_split_keeps_the_weight_and_the_mean_of_what_it_halves():
    arrays = UbmArrays(np.array([0.6, 0.3, 0.1]), np.arange(6.0).reshape(3, 2), np.ones((3, 2)))
    found = ubm_training.split(arrays, 5, np.random.default_rng(0))
    assert found.weights.tolist() == pytest.approx([0.15, 0.3, 0.1, 0.3, 0.15])
    np.testing.assert_allclose(found.weights @ found.means, arrays.weights @ arrays.means, atol=0.2)


def test_gaussian_of_few_frames_stays_and_leaves_at_the_end():
    arrays = UbmArrays(np.array([0.5, 0.5]), np.array([[0.0], [1000.0]]), np.ones((2, 1)))
    stats = ubm_training.UbmStats.zeros(ubm := Ubm(arrays))
    ubm_training.accumulate(stats, ubm, np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32), None)
    kept = ubm_training.update(stats, arrays, 1e-4, remove_low=False)
    assert kept.means[1, 0] == 1000
    assert kept.weights.tolist() == [1.0, 1e-4]
    assert ubm_training.update(stats, arrays, 1e-4, remove_low=True).weights.tolist() == [1.0]


def test_too_few_frames_and_another_size_are_refused(mixture):
    with pytest.raises(SerError, match="100 frames are too few for 12 Gaussians; give 120 or more"):
        ubm_training.initialise(np.zeros((100, 3), np.float32), 12, 6, 4, 1e-4, 0)
    with pytest.raises(SerError, match="the UBM takes 3 features per frame, but these have 4"):
        mixture.log_likelihoods(np.zeros((5, 4), np.float32))
