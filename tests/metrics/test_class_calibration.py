import numpy as np
import pytest

from ser.errors import SerError
from ser.metrics import class_calibration
from ser.metrics.calibration import expected_calibration_error

BIAS = np.array([0.5, -0.5, 0.3, -0.3])


@pytest.fixture(scope="module")
def drawn():
    """Scores whose softmax, with BIAS added, are the chances of the classes; and classes drawn by them."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (20_000, 4))
    chances = np.exp(scores + BIAS)
    chances /= chances.sum(axis=1, keepdims=True)
    return scores, (chances.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)


def test_known_temperature_and_bias_are_recovered(drawn):
    scores, truth = drawn
    fitted = class_calibration.fit(7.0 * scores + 100.0, truth, with_bias=True)
    assert fitted.temperature == pytest.approx(7.0, rel=0.03)
    np.testing.assert_allclose(fitted.bias, BIAS, atol=0.06)


def test_temperature_alone_keeps_the_chosen_class_and_mends_the_posteriors(drawn):
    scores, truth = drawn
    overconfident = 5.0 * scores
    fitted = class_calibration.fit(overconfident, truth, with_bias=False)
    posteriors = fitted.posteriors(overconfident)
    np.testing.assert_array_equal(posteriors.argmax(axis=1), scores.argmax(axis=1))
    np.testing.assert_array_equal(fitted.bias, np.zeros(4))
    np.testing.assert_allclose(posteriors.sum(axis=1), 1.0)
    before = expected_calibration_error(
        class_calibration.ClassCalibration(1.0, np.zeros(4)).posteriors(overconfident), truth
    )
    assert expected_calibration_error(posteriors, truth) < 0.03 < 0.1 < before


def test_scores_without_an_error_get_a_finite_temperature():
    fitted = class_calibration.fit(np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 0]), with_bias=True)
    assert 0.01 < fitted.temperature < 1.0
    assert np.isfinite(fitted.bias).all()


def test_scores_that_mislead_or_say_nothing_get_flat_posteriors(drawn):
    scores, truth = drawn
    for useless in (-scores, np.zeros_like(scores)):
        posteriors = class_calibration.fit(useless, truth, with_bias=False).posteriors(useless)
        np.testing.assert_allclose(posteriors, 0.25, atol=0.01)


def test_a_class_without_utterances_gets_a_small_finite_posterior(drawn):
    scores, truth = drawn
    rest = truth != 3
    posteriors = class_calibration.fit(scores[rest], truth[rest], with_bias=True).posteriors(scores)
    assert 0.0 < posteriors[:, 3].mean() < 0.01


@pytest.mark.parametrize(
    ("scores", "truth", "message"),
    [
        (np.zeros((2, 3)), [0], "scores of 2 utterances and 1 true classes"),
        (np.zeros((2, 3)), [0, 3], "true classes 0 to 3, but scores of 3"),
        (np.array([[0.0, np.nan]]), [0], "not finite"),
    ],
)
def test_bad_input_is_refused(scores, truth, message):
    with pytest.raises(SerError, match=message):
        class_calibration.fit(scores, np.array(truth), with_bias=True)


def test_costs_of_classes_weigh_each_class_alike_and_are_1_without_scores():
    truth = np.array([0, 0, 0, 1, 2])
    posteriors = np.array([[0.5, 0.3, 0.2], [0.25, 0.5, 0.25], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.2, 0.2]])
    costs = -np.log([0.5, 0.25, 0.8, 0.7, 0.2]) / np.log(3)
    wanted = (costs[:3].mean() + costs[3] + costs[4]) / 3
    assert class_calibration.class_cllr(posteriors, truth) == pytest.approx(wanted)
    # Recalls 2/3, 1 and 0, where guessing has 1/3.
    assert class_calibration.class_cost(posteriors, truth) == pytest.approx((1 - 5 / 9) / (2 / 3))
    assert class_calibration.class_cllr(np.full((5, 3), 1 / 3), truth) == pytest.approx(1)
    assert class_calibration.class_cost(np.full((5, 3), 1 / 3), truth) == pytest.approx(1)


def test_cost_of_a_true_class_that_was_ruled_out_is_finite_and_far_above_1():
    assert 100 < class_calibration.class_cllr(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0, 1])) < np.inf
