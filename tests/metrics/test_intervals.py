import numpy as np
import pytest
from scipy import stats

from ser.errors import SerError
from ser.metrics import intervals


def test_few_units_spread_their_resamples_to_the_t_interval_of_their_mean():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 6)
    drawn = values[rng.integers(6, size=(200_000, 6))].mean(axis=1)
    low, high = intervals.interval(drawn, 0.95, units=6)
    half = stats.t.ppf(0.975, 5) * values.std(ddof=1) / np.sqrt(6)
    assert (high - low) / 2 == pytest.approx(half, rel=0.05)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.1)


def test_draws_over_seeds_alone_are_the_t_interval_of_their_mean():
    figures = [30.0, 34.0, 31.0]
    values = intervals.spread(np.full(400_000, 31.0), 0.95, 10, [figures])
    low, high = np.quantile(values, [0.025, 0.975])
    half = stats.t.ppf(0.975, 2) * np.std(figures, ddof=1) / np.sqrt(3)
    assert high - 31.0 == pytest.approx(half, rel=0.02) and low - 31.0 == pytest.approx(-half, rel=0.02)
    np.testing.assert_array_equal(intervals.spread(np.full(5, 31.0), 0.95, 10, [[30.0]]), np.full(5, 31.0))


def test_speakers_and_seeds_add_up_at_the_degrees_of_freedom_of_welch():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 2.0 * np.sqrt(9 / 10), 400_000)  # resamples of 10 speakers, whose mean varies by 2
    figures = [-1.5, 1.5, 0.0]  # a standard error of 1.5 / sqrt(3)
    low, high = np.quantile(intervals.spread(values, 0.95, 10, [figures]), [0.025, 0.975])
    parts = 4.0, 0.75
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 9 + parts[1] ** 2 / 2)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(sum(parts)), rel=0.02)


def test_all_systems_of_as_many_folds_have_the_same_draws():
    one, other = (intervals.resample_folds(figures, 50, 3) for figures in ([1.0, 2.0, 4.0], [2.0, 3.0, 5.0]))
    np.testing.assert_allclose(other - one, 1.0)
    assert set(np.round(3 * one).astype(int)) <= set(range(3, 13))


def test_holms_correction_is_that_of_the_sorted_list():
    # Four comparisons: times 4, 3, 2, 1 in rising order, never under the one before, at most 1.
    assert intervals.holm([0.02, 0.001, 0.9, 0.02]) == [0.06, 0.004, 0.9, 0.06]
    assert intervals.holm([0.6, 0.7]) == [1.0, 1.0]
    assert intervals.holm([]) == []


def test_a_resample_of_one_unit_is_refused_and_no_value_stays_none():
    with pytest.raises(SerError, match="resamples of 1 speakers or folds; it takes 2"):
        intervals.interval(np.arange(3.0), 0.9, units=1)
    assert np.isnan(intervals.interval(np.full(3, np.nan), 0.9, units=5)).all()
