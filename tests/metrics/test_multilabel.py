import numpy as np
from sklearn.metrics import f1_score

from ser.metrics.multilabel import best_thresholds, f1_by_class


def test_f1_by_hand_and_as_scikit_learn_has_it():
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
    answers = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 1, 0]], bool)
    # Class 1: 1 hit, 2 there, 2 said; class 2: 2 hits, 2 there, 3 said; class 3: neither.
    np.testing.assert_allclose(f1_by_class(truth, answers), [0.5, 0.8, 0.0])
    rng = np.random.default_rng(0)
    truth, answers = rng.random((2, 200, 5)) < 0.3
    np.testing.assert_allclose(f1_by_class(truth, answers), f1_score(truth, answers, average=None))


def test_the_best_threshold_is_the_best_of_all_that_could_be():
    rng = np.random.default_rng(1)
    truth = rng.random((60, 4)) < 0.3
    scores = (0.3 * truth + rng.random((60, 4))).round(1)  # with ties
    truth[:, 3] = False
    thresholds = best_thresholds(truth, scores)
    assert thresholds[3] == 1.0
    for number in range(3):
        tried = [f1_by_class(truth, scores >= threshold)[number] for threshold in np.unique(scores[:, number])]
        assert f1_by_class(truth, scores >= thresholds)[number] == max(tried)


def test_saying_nothing_is_worth_nothing():
    truth = np.eye(28, dtype=bool)
    assert (truth == np.zeros_like(truth)).mean() > 0.96
    assert f1_by_class(truth, np.zeros_like(truth)).mean() == 0
