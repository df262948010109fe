import numpy as np
import pytest

from ser.backend import chain
from ser.backend.moments import moments, moments_of

SETTINGS = chain.BackendConfig(3, 0.0, 1e-6, 0.0, 5, 0.0, True, True, "average")


def make_vectors(num=400, size=6, classes=9, offset=0.0):
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.arange(num) % classes)
    return (offset + rng.normal(size=(classes, size))[labels] + rng.normal(size=(num, size))).astype(np.float32), labels


def parts(vectors, labels, size):
    return [(vectors[at : at + size], labels[at : at + size]) for at in range(0, len(labels), size)]


# Far from zero a sum of raw squares would have lost half of its digits.
@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("size", [1, 60, 399, 400])
def test_moments_are_those_of_the_definition_whatever_the_blocks(size, offset):
    vectors, labels = make_vectors(offset=offset)
    found = moments(parts(vectors, labels, size), 9)
    exact = vectors.astype(np.float64)
    means = np.array([exact[labels == k].mean(axis=0) for k in range(9)])
    offsets = exact - means[labels]
    np.testing.assert_array_equal(found.counts, np.bincount(labels))
    np.testing.assert_allclose(found.class_means, means, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.scatter, offsets.T @ offsets, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), rtol=1e-12, atol=1e-12)


def test_moving_the_vectors_moves_the_means_alone():
    vectors, labels = make_vectors()
    shift = np.arange(6.0)
    for found, expected in zip(
        moments_of(vectors, labels).moved(shift), moments_of(vectors - shift, labels), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("size", [1, 60])
def test_a_back_end_trained_in_blocks_scores_as_one_trained_at_once(size):
    vectors, labels = make_vectors()
    whole = chain.train(vectors, labels, SETTINGS)
    other = chain.train_in_blocks(parts(vectors, labels, size), 9, SETTINGS)
    np.testing.assert_allclose(other.plda.psi, whole.plda.psi, rtol=1e-9)
    np.testing.assert_allclose(np.abs(other.project(vectors)), np.abs(whole.project(vectors)), atol=1e-8)
