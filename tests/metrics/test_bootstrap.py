import logging

import numpy as np
import pytest
from scipy.special import ndtr

from ser.errors import SerError
from ser.metrics import bootstrap, classification, intervals
from ser.metrics.detection import ScoredTrials


def eer_of_repeated_trials(scores, labels, speakers, times, which):
    """The rate of the list in which each trial stands as often as its pair of speakers comes; NaN without a kind."""
    rows, columns = np.nonzero(which & ~np.eye(len(labels), dtype=bool))
    one, other = speakers[rows], speakers[columns]
    weights = np.where(one == other, times[one], times[one] * times[other])
    is_target = np.repeat(labels[rows] == labels[columns], weights)
    if is_target.all() or not is_target.any():
        return np.nan
    return ScoredTrials.of(np.repeat(scores[rows, columns], weights), is_target).eer()


def draw_corpus(rng, num_utts, num_speakers, decimals=None):
    """Scores of pairs with random separation, and the utterances' classes and speakers."""
    labels, speakers = rng.integers(0, 3, num_utts), rng.integers(0, num_speakers, num_utts)
    scores = rng.normal(size=(num_utts, num_utts)) + rng.uniform(-0.5, 3) * (labels[:, None] == labels)
    return (scores if decimals is None else np.round(scores, decimals)).astype(np.float32), labels, speakers


def test_draws_are_as_many_as_speakers_and_the_same_for_each_system():
    draws = bootstrap.draw_speakers(7, 1000, seed=3)
    assert draws.shape == (1000, 7)
    np.testing.assert_array_equal(draws.sum(axis=1), 7)
    np.testing.assert_array_equal(draws, bootstrap.draw_speakers(7, 1000, seed=3))
    np.testing.assert_array_equal(draws[:10], bootstrap.draw_speakers(7, 10, seed=3))
    assert (draws != bootstrap.draw_speakers(7, 1000, seed=4)).any()


def test_each_speaker_comes_once_on_average_and_stays_out_as_often_as_chance_says():
    draws = bootstrap.draw_speakers(10, 5000, seed=0)
    np.testing.assert_allclose(draws.mean(axis=0), 1.0, atol=0.05)
    assert np.mean(draws == 0) == pytest.approx(0.9**10, abs=0.01)


@pytest.mark.parametrize("decimals", [None, 0, 1])
@pytest.mark.parametrize("seed", range(8))
def test_pair_eer_is_that_of_the_list_of_repeated_trials(seed, decimals):
    rng = np.random.default_rng(seed)
    scores, labels, speakers = draw_corpus(rng, rng.integers(4, 80), 6, decimals)
    which = rng.random(scores.shape) < 0.7
    draws = bootstrap.draw_speakers(6, 20, seed)
    for kept in (None, which):
        expected = [
            eer_of_repeated_trials(scores, labels, speakers, times, np.ones_like(which) if kept is None else kept)
            for times in draws
        ]
        np.testing.assert_array_equal(bootstrap.pair_eer(scores, labels, speakers, draws, kept), expected)


@pytest.mark.parametrize(
    "change", [lambda x: x, lambda x: np.round(x, 1), np.ones_like, lambda x: np.where(x > 3, 1e30, x), np.exp]
)
def test_pair_eer_of_each_speaker_once_is_the_exact_eer(change):
    rng = np.random.default_rng(0)
    scores, labels, speakers = draw_corpus(rng, 700, 9)
    scores = change(scores).astype(np.float32)
    found = bootstrap.pair_eer(scores, labels, speakers, np.ones((1, 9), dtype=np.int64))
    assert found[0] == ScoredTrials.of_pairs(scores, labels, labels, np.arange(700)).eer()


def test_constant_scores_tell_nothing_in_any_resample():
    _, labels, speakers = draw_corpus(np.random.default_rng(3), 60, 5)
    found = bootstrap.pair_eer(np.zeros((60, 60), np.float32), labels, speakers, bootstrap.draw_speakers(5, 50, seed=1))
    assert (found[~np.isnan(found)] == 0.5).all() and np.isnan(found).sum() < 10


def test_neither_bins_nor_blocks_change_the_result(monkeypatch):
    scores, labels, speakers = draw_corpus(np.random.default_rng(1), 300, 4)
    draws = bootstrap.draw_speakers(4, 50, seed=0)
    expected = bootstrap.pair_eer(scores, labels, speakers, draws)
    for name, value in (("ROWS_PER_BLOCK", 7), ("SAMPLE_PER_BIN", 3), ("SAMPLE", 1000), ("COUNTS", 1)):
        monkeypatch.setattr(bootstrap, name, value)
        np.testing.assert_array_equal(bootstrap.pair_eer(scores, labels, speakers, draws), expected)


def test_speakers_of_other_folds_take_no_part():
    scores, labels, speakers = draw_corpus(np.random.default_rng(2), 60, 4)
    draws = bootstrap.draw_speakers(9, 30, seed=0)
    np.testing.assert_array_equal(
        bootstrap.pair_eer(scores, labels, speakers + 3, draws),
        bootstrap.pair_eer(scores, labels, speakers, draws[:, 3:7]),
    )


def test_resamples_without_a_kind_of_trials_are_nan():
    # Speaker 1 alone has class 1: without it there are no nontargets, without either no trials.
    labels = speakers = np.array([0, 0, 1, 1])
    draws = np.array([[1, 1, 0], [2, 0, 1], [0, 0, 3]])
    np.testing.assert_array_equal(np.isnan(bootstrap.pair_eer(np.eye(4), labels, speakers, draws)), [False, True, True])


def test_speaker_drawn_twice_makes_no_pairs_of_one_speaker_that_pass_for_two():
    """Within speakers the classes are apart, between speakers they are not: the rates must not sink with the draws."""
    rng = np.random.default_rng(0)
    labels, speakers = np.tile([0, 1], 60), np.repeat(np.arange(10), 12)
    same = speakers[:, None] == speakers
    scores = (rng.normal(size=same.shape) + 6.0 * same * (labels[:, None] == labels)).astype(np.float32)
    found = bootstrap.pair_eer(scores, labels, speakers, bootstrap.draw_speakers(10, 1000, seed=0))
    exact = ScoredTrials.of_pairs(scores, labels, labels, np.arange(120)).eer()
    assert np.mean(found) == pytest.approx(exact, abs=0.01)


def test_class_metrics_are_those_of_the_repeated_utterances():
    rng = np.random.default_rng(0)
    truth, predicted, speakers = rng.integers(0, 4, 50), rng.integers(0, 4, 50), rng.integers(0, 5, 50)
    draws = bootstrap.draw_speakers(5, 20, seed=0)
    found = bootstrap.class_metrics(truth, predicted, speakers, draws, 4)
    for r, times in enumerate(draws):
        counts = classification.confusion(*(np.repeat(part, times[speakers]) for part in (truth, predicted)), 4)
        assert found["uar"][r] == classification.uar(counts)
        assert found["wa"][r] == classification.accuracy(counts)
        assert found["f1"][r] == classification.macro_f1(counts)


def test_class_metrics_of_no_utterance_are_nan():
    found = bootstrap.class_metrics(np.array([0]), np.array([0]), np.array([1]), np.array([[2, 0], [1, 1]]), 2)
    np.testing.assert_array_equal(found["wa"], [np.nan, 1.0])


def simulate_answers(rng, num_speakers, num_utts):
    """Two systems that are right about 60 % of each speaker's utterances, a share that differs with the speaker."""
    speakers = np.repeat(np.arange(num_speakers), num_utts)
    chance = rng.beta(6, 4, num_speakers)[speakers]
    truth = rng.integers(0, 3, len(speakers))
    answers = [np.where(rng.random(len(truth)) < chance, truth, (truth + 1) % 3) for _ in range(2)]
    return truth, answers, speakers


def test_intervals_of_ua_and_wa_cover_the_truth_and_equal_systems_seldom_differ():
    covered, differ = [], []
    for seed in range(200):
        truth, answers, speakers = simulate_answers(np.random.default_rng(seed), num_speakers=50, num_utts=15)
        draws = bootstrap.draw_speakers(50, 200, seed)
        one, other = (bootstrap.class_metrics(truth, answer, speakers, draws, 3) for answer in answers)
        bounds = [intervals.interval(one[name]) for name in ("uar", "wa")]
        covered.append([low <= 0.6 <= high for low, high in bounds])
        differ.append(intervals.compare(one["wa"] - other["wa"]).p < 0.05)
    # Of 200 at 95 %, 97.7 % of counts are 184 or more; intervals of percentiles are a little narrow.
    assert (np.mean(covered, axis=0) >= 0.91).all() and (np.mean(covered, axis=0) <= 0.99).all()
    assert 0.01 <= np.mean(differ) <= 0.10


def test_intervals_of_the_eer_cover_the_truth():
    """Targets of N(d + u_a + u_b, 1), u of variance v a speaker: the rate is Phi(-d / (1 + sqrt(1 + 2 v)))."""
    distance, variance, covered = 2.0, 0.25, []
    truth = ndtr(-distance / (1 + np.sqrt(1 + 2 * variance)))
    labels, speakers = np.tile([0, 1, 2, 3], 30), np.repeat(np.arange(30), 4)
    same = speakers[:, None] == speakers
    for seed in range(100):
        rng = np.random.default_rng(seed)
        effect = np.sqrt(variance) * rng.normal(size=30)[speakers]
        # Within a speaker too the variance of the sum is 2 v.
        shift = np.where(same, np.sqrt(2) * effect, effect[:, None] + effect)
        scores = rng.normal(size=same.shape) + (labels[:, None] == labels) * (distance + shift)
        draws = bootstrap.draw_speakers(30, 200, seed)
        low, high = intervals.interval(bootstrap.pair_eer(scores.astype(np.float32), labels, speakers, draws))
        covered.append(low <= truth <= high)
    assert 0.90 <= np.mean(covered) <= 0.99


def test_interval_is_of_percentiles_and_says_what_it_left_out(caplog):
    values = np.append(np.random.default_rng(0).permutation(np.arange(1001.0)), [np.nan, np.nan])
    with caplog.at_level(logging.DEBUG):
        assert intervals.interval(values) == pytest.approx((25.0, 975.0))
    assert "left out 2 of 1003 resamples" in caplog.text
    assert np.isnan(intervals.interval(np.full(3, np.nan))).all()


def test_identical_systems_do_not_differ():
    values = np.append(np.random.default_rng(0).normal(size=100), np.nan)
    found = intervals.compare(values - values)
    assert (found.low, found.high, found.p) == (0.0, 0.0, 1.0)


def test_better_system_is_found_where_the_intervals_of_the_two_overlap():
    rng = np.random.default_rng(0)
    truth, (answer, _), speakers = simulate_answers(rng, num_speakers=40, num_utts=20)
    better = np.where(rng.random(len(truth)) < 0.15, truth, answer)
    draws = bootstrap.draw_speakers(40, 999, seed=0)
    one, other = (bootstrap.class_metrics(truth, given, speakers, draws, 3)["uar"] for given in (better, answer))
    assert intervals.interval(one)[0] < intervals.interval(other)[1]
    found = intervals.compare(one - other)
    assert 0.0 < found.low < found.high and found.p == 2 / 1000
    swapped = intervals.compare(other - one)
    assert (swapped.low, swapped.high, swapped.p) == pytest.approx((-found.high, -found.low, found.p))


def test_mean_over_folds_takes_those_that_have_the_figure():
    means = intervals.fold_mean([np.array([1.0, np.nan, np.nan]), np.array([3.0, 5.0, np.nan])])
    np.testing.assert_array_equal(means, [2.0, 5.0, np.nan])


@pytest.mark.parametrize(
    ("scores", "speakers", "message"),
    [
        (np.zeros((2, 3)), [0, 1], r"scores of shape \(2, 3\) for 2 utterances"),
        (np.zeros((2, 2)), [0], "2 utterances, and speakers of 1"),
        (np.zeros((2, 2)), [0, 2], "speakers 0 to 2, but the resamples are of 2"),
        (np.array([[0.0, np.nan], [0.0, 0.0]]), [0, 1], "1 of 4 scores are NaN"),
    ],
)
def test_bad_input_is_refused(scores, speakers, message):
    with pytest.raises(SerError, match=message):
        bootstrap.pair_eer(scores.astype(np.float32), np.array([0, 1]), np.array(speakers), np.ones((3, 2), dtype=int))


def test_impossible_settings_are_refused():
    with pytest.raises(SerError, match="10 resamples of 1 speakers"):
        bootstrap.draw_speakers(1, 10, seed=0)
    with pytest.raises(SerError, match=r"found 95"):
        intervals.interval(np.zeros(3), level=95)
