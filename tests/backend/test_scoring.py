import numpy as np
import pytest

from ser.backend import scoring
from ser.backend.plda import Plda


@pytest.fixture
def factors():
    rng = np.random.default_rng(0)
    plda = Plda(np.zeros(4), np.eye(4), np.array([5.0, 2.0, 0.5, 0.0]))
    return scoring.factor_ratios(plda, rng.standard_normal((7, 4)), rng.standard_normal((5, 4)))


def test_pairs_of_one_class_score_higher():
    rng = np.random.default_rng(1)
    psi = np.full(20, 30.0)
    plda = Plda(np.zeros(20), np.eye(20), psi)
    labels = np.arange(60) % 3
    vectors = (rng.standard_normal((3, 20)) * np.sqrt(psi))[labels] + rng.standard_normal((60, 20))
    scores = scoring.score_matrix(*scoring.factor_ratios(plda, vectors, vectors))
    same = labels[:, None] == labels
    assert scores[same].min() > scores[~same].max()


def test_blocks_give_the_whole_matrix(factors, monkeypatch):
    whole = scoring.score_matrix(*factors)
    monkeypatch.setattr(scoring, "ROWS_PER_BLOCK", 3)
    np.testing.assert_array_equal(scoring.score_matrix(*factors), whole)
    assert [start for start, _ in scoring.score_blocks(*factors)] == [0, 3, 6]


def test_one_count_for_all_equals_the_same_count_for_each(factors):
    rng = np.random.default_rng(0)
    plda = Plda(np.zeros(4), np.eye(4), np.array([5.0, 2.0, 0.5, 0.0]))
    enrol, test = rng.standard_normal((7, 4)), rng.standard_normal((5, 4))
    one = scoring.score_matrix(*scoring.factor_ratios(plda, enrol, test, np.full(7, 3)))
    mixed = scoring.score_matrix(*scoring.factor_ratios(plda, enrol, test, np.array([3] * 6 + [1])))
    np.testing.assert_allclose(one[:6], mixed[:6], atol=1e-5)


@pytest.mark.parametrize(("rule", "of"), [("average", np.mean), ("best", np.max)])
def test_class_score_is_the_rule_over_the_training_utterances(factors, rule, of, monkeypatch):
    monkeypatch.setattr(scoring, "ROWS_PER_BLOCK", 2)
    labels = np.array([2, 0, 1, 1, 0, 2, 2])
    matrix = factors[0] @ factors[1].T
    expected = np.stack([of(matrix[labels == k], axis=0) for k in range(3)], axis=1)
    np.testing.assert_allclose(scoring.class_scores(*factors, labels, rule), expected)
