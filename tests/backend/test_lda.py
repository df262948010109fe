import numpy as np
import pytest

from ser.backend import lda
from ser.backend.moments import moments_of
from ser.errors import SerError

KALDI = {"total_covariance_factor": 0.0, "covariance_floor": 1e-6, "shrinkage": 0.0}


def train_lda(vectors, labels, dim, **settings):
    return lda.train_lda(moments_of(vectors, labels), dim, **settings)


def mean_by_class(vectors, labels):
    return moments_of(vectors, labels).class_means


def make_vectors(num=400, size=6, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % classes
    mixing = rng.standard_normal((size, size))
    return rng.standard_normal((num, size)) @ mixing + 2.0 * rng.standard_normal((classes, size))[labels], labels


def test_two_classes_give_fishers_closed_form():
    vectors, labels = make_vectors()
    means = np.array([vectors[labels == k].mean(axis=0) for k in (0, 1)])
    offsets = vectors - means[labels]
    fisher = np.linalg.solve(offsets.T @ offsets, means[1] - means[0])
    row = train_lda(vectors, labels, 1, **KALDI)[0, :-1]
    assert abs(row @ fisher) / np.linalg.norm(row) / np.linalg.norm(fisher) == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("dim", [3, 5])
def test_within_class_covariance_becomes_unit_and_the_mean_zero(dim):
    vectors, labels = make_vectors(classes=4)
    matrix = train_lda(vectors, labels, dim, **KALDI)
    reduced = vectors @ matrix[:, :-1].T + matrix[:, -1]
    offsets = reduced - mean_by_class(reduced, labels)[labels]
    np.testing.assert_allclose(offsets.T @ offsets / len(offsets), np.eye(dim), atol=1e-9)
    np.testing.assert_allclose(reduced.mean(axis=0), 0.0, atol=1e-9)
    between = np.cov(mean_by_class(reduced, labels).T, bias=True)
    np.testing.assert_allclose(between, np.diag(np.diag(between)), atol=1e-9)


def test_total_covariance_becomes_unit_at_a_factor_of_one():
    vectors, labels = make_vectors(classes=4)
    matrix = train_lda(vectors, labels, 3, **{**KALDI, "total_covariance_factor": 1.0})
    np.testing.assert_allclose(np.cov((vectors @ matrix[:, :-1].T).T, bias=True), np.eye(3), atol=1e-9)


def test_eigenvalues_under_the_floor_are_floored(caplog):
    vectors, labels = make_vectors()
    vectors[:, 0] *= 1e-6
    matrix = train_lda(vectors, labels, 1, **{**KALDI, "covariance_floor": 1e-4})
    assert "floored 1 of 6 eigenvalues" in caplog.text
    means = np.array([vectors[labels == k].mean(axis=0) for k in (0, 1)])
    offsets = vectors - means[labels]
    values, columns = np.linalg.eigh(offsets.T @ offsets / len(vectors))
    values = np.maximum(values, 1e-4 * values[-1])
    expected = columns / values @ columns.T @ (means[1] - means[0])
    row = matrix[0, :-1]
    assert abs(row @ expected) / np.linalg.norm(row) / np.linalg.norm(expected) == pytest.approx(1.0, abs=1e-8)


def test_full_shrinkage_points_along_the_difference_of_the_means():
    vectors, labels = make_vectors()
    difference = np.subtract(*mean_by_class(vectors, labels))
    row = train_lda(vectors, labels, 1, **{**KALDI, "shrinkage": 1.0})[0, :-1]
    assert abs(row @ difference) / np.linalg.norm(row) / np.linalg.norm(difference) == pytest.approx(1.0, abs=1e-10)


def test_more_rows_than_classes_determine_is_said_once(caplog):
    vectors, labels = make_vectors(classes=3)
    matrix = train_lda(vectors, labels, 5, **KALDI)
    assert matrix.shape == (5, 7)
    assert caplog.text.count("arbitrary basis") == 1
    np.testing.assert_allclose(np.abs(matrix[:2]), np.abs(train_lda(vectors, labels, 2, **KALDI)), atol=1e-9)


def test_fewer_vectors_than_numbers_is_survived_and_said(caplog):
    vectors, labels = make_vectors(num=20, size=30)
    assert np.isfinite(train_lda(vectors, labels, 1, **KALDI)).all()
    assert "only 20 vectors of dimension 30" in caplog.text


@pytest.mark.parametrize(
    ("labels", "dim", "message"),
    [
        ([0, 0, 0], 1, "1 classes of"),
        ([0, 1, 2], 1, "it needs 2 classes and 2 vectors"),
        ([0, 0, 1], 4, "4 rows for vectors"),
    ],
)
def test_impossible_demands_are_refused(labels, dim, message):
    with pytest.raises(SerError, match=message):
        train_lda(np.random.default_rng(0).standard_normal((3, 3)), np.array(labels), dim, **KALDI)


def test_classes_without_spread_are_refused():
    with pytest.raises(SerError, match="vectors of each class are all the same"):
        train_lda(np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), np.array([0, 0, 1]), 1, **KALDI)


def test_singular_covariance_without_a_floor_is_refused():
    vectors, labels = make_vectors()
    vectors[:, 0] = 0.0
    with pytest.raises(SerError, match="set covariance_floor over 0"):
        train_lda(vectors, labels, 1, **{**KALDI, "covariance_floor": 0.0})
