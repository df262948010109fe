import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from ser.errors import SerError
from ser.metrics import classification


def test_figures_by_hand():
    # Recalls 2/3, 0/1, 1/1; precisions 2/2, 0/1, 1/2.
    counts = classification.confusion(np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 2, 2]), 3)
    assert classification.uar(counts) == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert classification.accuracy(counts) == pytest.approx(3 / 5)
    assert classification.macro_f1(counts) == pytest.approx((0.8 + 0 + 2 / 3) / 3)


def test_figures_are_scikit_learns():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 300)
    predicted = np.where(rng.random(300) < 0.6, truth, rng.integers(0, 5, 300))
    counts = classification.confusion(truth, predicted, 5)
    assert classification.uar(counts) == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert classification.macro_f1(counts) == pytest.approx(f1_score(truth, predicted, average="macro"))


def test_a_class_that_the_test_set_lacks_does_not_count():
    counts = classification.confusion(np.array([0, 0, 1]), np.array([0, 2, 1]), 3)
    assert classification.uar(counts) == pytest.approx(0.75)
    assert classification.macro_f1(counts) == pytest.approx((2 / 3 + 1) / 2)


def test_lists_of_two_lengths_are_refused():
    with pytest.raises(SerError, match="2 true and 1 predicted"):
        classification.confusion(np.array([0, 1]), np.array([0]), 2)
