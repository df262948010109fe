import numpy as np
import pytest
from scipy.stats import multivariate_normal

from ser.backend import scoring
from ser.backend.moments import moments_of
from ser.backend.plda import Plda, adapt_plda, train_plda
from ser.errors import SerError

MEAN = np.array([1.0, -2.0, 0.5])
WITHIN = np.array([[2.0, 0.6, 0.1], [0.6, 1.0, -0.2], [0.1, -0.2, 0.5]])
BETWEEN = np.array([[3.0, -0.5, 0.3], [-0.5, 1.5, 0.2], [0.3, 0.2, 0.8]])


def draw(num_classes, per_class, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(num_classes), per_class)
    centres = rng.multivariate_normal(MEAN, BETWEEN, num_classes)
    return centres[labels] + rng.multivariate_normal(np.zeros(3), WITHIN, len(labels)), labels


def covariances(plda):
    inverse = np.linalg.inv(plda.transform)
    return inverse @ inverse.T, inverse @ np.diag(plda.psi) @ inverse.T


def test_known_covariances_are_recovered():
    plda = train_plda(moments_of(*draw(20_000, 6)), iterations=20)
    within, between = covariances(plda)
    np.testing.assert_allclose(plda.mean, MEAN, atol=0.05)
    np.testing.assert_allclose(within, WITHIN, atol=0.02)
    np.testing.assert_allclose(between, BETWEEN, atol=0.1)


def test_em_of_uneven_classes_follows_the_textbook_updates():
    """The same EM by explicit inverses, a class at a time."""
    vectors, labels = draw(12, 5)
    keep = np.random.default_rng(1).random(len(labels)) < 0.7
    vectors, labels = vectors[keep], np.unique(labels[keep], return_inverse=True)[1]
    groups = [vectors[labels == k] for k in range(labels.max() + 1)]
    mean = np.mean([group.mean(axis=0) for group in groups], axis=0)
    within, between = np.eye(3), np.eye(3)
    for _ in range(4):
        new_within, new_between = np.zeros((3, 3)), np.zeros((3, 3))
        for group in groups:
            n, m = len(group), group.mean(axis=0) - mean
            variance = np.linalg.inv(np.linalg.inv(between) + n * np.linalg.inv(within))
            w = variance @ (n * np.linalg.inv(within) @ m)
            offsets = group - group.mean(axis=0)
            new_between += variance + np.outer(w, w)
            new_within += offsets.T @ offsets + n * (variance + np.outer(m - w, m - w))
        within, between = new_within / len(vectors), new_between / len(groups)
    found = covariances(train_plda(moments_of(vectors, labels), iterations=4))
    np.testing.assert_allclose(found[0], within, atol=1e-9)
    np.testing.assert_allclose(found[1], between, atol=1e-9)


@pytest.mark.parametrize("counts", [1, np.array([1, 4, 2, 7])])
def test_score_is_the_ratio_of_the_gaussian_densities(counts):
    plda = train_plda(moments_of(*draw(50, 5)), iterations=5)
    within, between = covariances(plda)
    rng = np.random.default_rng(2)
    enrol, test = rng.standard_normal((4, 3)), rng.standard_normal((6, 3))
    left, right = scoring.factor_ratios(
        plda, plda.project(enrol, normalize_length=False), plda.project(test, normalize_length=False), counts
    )
    found = scoring.score_matrix(left, right)
    assert found.dtype == np.float32
    mean = np.concatenate([plda.mean, plda.mean])
    for i, n in enumerate(np.broadcast_to(counts, 4)):
        blocks = [[between + within / n, between], [between, between + within]]
        apart = [[between + within / n, np.zeros((3, 3))], [np.zeros((3, 3)), between + within]]
        for j in range(6):
            both = np.concatenate([enrol[i], test[j]])
            expected = multivariate_normal.logpdf(both, mean, np.block(blocks))
            expected -= multivariate_normal.logpdf(both, mean, np.block(apart))
            assert found[i, j] == pytest.approx(expected, abs=1e-4)


def test_normalised_vectors_have_the_length_that_the_model_expects():
    plda = train_plda(moments_of(*draw(50, 5)), iterations=5)
    vectors = np.random.default_rng(0).standard_normal((9, 3))
    projected = plda.project(vectors, 4, normalize_length=True)
    np.testing.assert_allclose(np.sum(projected**2 / (plda.psi + 0.25), axis=1), 3.0)


def test_smoothing_adds_a_share_of_between_to_within():
    plda = train_plda(moments_of(*draw(50, 5)), iterations=5)
    within, between = covariances(plda)
    smoothed = covariances(plda.smoothed(0.3))
    np.testing.assert_allclose(smoothed[0], within + 0.3 * between)
    np.testing.assert_allclose(smoothed[1], between)


def test_adaptation_to_vectors_of_less_spread_changes_the_mean_alone():
    plda = train_plda(moments_of(*draw(50, 5)), iterations=5)
    vectors = plda.mean + 1e-3 * np.random.default_rng(0).standard_normal((30, 3))
    adapted = adapt_plda(plda, vectors, within_scale=0.75, between_scale=0.25, mean_diff_scale=1.0)
    np.testing.assert_allclose(adapted.mean, vectors.mean(axis=0))
    for found, expected in zip(covariances(adapted), covariances(plda), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_adaptation_shares_the_excess_of_a_wider_domain():
    plda = train_plda(moments_of(*draw(50, 5)), iterations=5)
    within, between = covariances(plda)
    rng = np.random.default_rng(0)
    vectors = rng.multivariate_normal(plda.mean, 4.0 * (within + between), 5000)
    adapted = covariances(adapt_plda(plda, vectors, within_scale=0.75, between_scale=0.25, mean_diff_scale=0.0))
    np.testing.assert_allclose(sum(adapted), np.cov(vectors.T, bias=True), atol=1e-9)


def test_a_class_of_one_vector_each_is_refused():
    with pytest.raises(SerError, match="each of the 3 classes has one vector"):
        train_plda(moments_of(np.eye(3), np.arange(3)), 10)


def test_vectors_of_another_size_are_refused():
    with pytest.raises(SerError, match="has dimension 3, the vectors have 2"):
        Plda(np.zeros(3), np.eye(3), np.ones(3)).project(np.zeros((1, 2)), normalize_length=True)
