import numpy as np
import pytest

from ser.errors import SerError
from ser.metrics.detection import ScoredTrials


def trials_of(target, nontarget):
    scores = np.array([*target, *nontarget], dtype=np.float32)
    return ScoredTrials.of(scores, np.arange(len(scores)) < len(target))


def eer_by_kaldis_loop(target, nontarget):
    """Kaldi's search, place by place."""
    target, nontarget = sorted(target), sorted(nontarget)
    place = 0
    while place + 1 < len(target):
        if nontarget[max(len(nontarget) - 1 - len(nontarget) * place // len(target), 0)] < target[place]:
            break
        place += 1
    return place / len(target)


def test_eer_of_a_hand_made_list():
    # At a threshold of 3: one target of four is under it, one nontarget of four is not.
    assert trials_of([1, 3, 4, 5], [0, 0.5, 2, 3.5]).eer() == 0.25


@pytest.mark.parametrize(("target", "nontarget", "eer"), [([2, 3], [0, 1], 0.0), ([0, 1], [2, 3], 0.5)])
def test_eer_of_extremes_is_kaldis(target, nontarget, eer):
    assert trials_of(target, nontarget).eer() == eer == eer_by_kaldis_loop(target, nontarget)


@pytest.mark.parametrize("seed", range(20))
def test_bisection_finds_what_kaldis_loop_finds(seed):
    rng = np.random.default_rng(seed)
    # Scores tie, but no target with a nontarget.
    target = np.round(rng.normal(rng.uniform(-1, 3), 1, rng.integers(1, 200)), 1 + seed % 3)
    nontarget = np.round(rng.normal(0, 1, rng.integers(1, 200)), 1 + seed % 3) + 0.0005
    trials = trials_of(target, nontarget)
    assert trials.eer() == eer_by_kaldis_loop(target, nontarget)
    assert trials.ties_at_eer() == 0


def eer_by_the_lines_of_the_roc(target, nontarget):
    """Cross the line from each distinct threshold's operating point to the next with equal rates."""
    thresholds = np.append(np.unique(np.concatenate([target, nontarget])), np.inf)
    miss = np.array([np.mean(target < threshold) for threshold in thresholds])
    alarm = np.array([np.mean(nontarget >= threshold) for threshold in thresholds])
    at = np.argmax(miss >= alarm)
    share = (alarm[at - 1] - miss[at - 1]) / (miss[at] - miss[at - 1] + alarm[at - 1] - alarm[at])
    return miss[at - 1] + share * (miss[at] - miss[at - 1])


@pytest.mark.parametrize(
    ("yes_of_targets", "yes_of_nontargets", "eer", "ties"),
    [(0.3, 0.1, 0.4375, 970), (0.9, 0.3, 0.25, 390), (0.5, 0.5, 0.5, 0)],
)
def test_yes_and_no_are_two_points_and_the_line_between_them(yes_of_targets, yes_of_nontargets, eer, ties):
    trials = trials_of(np.arange(100) < 100 * yes_of_targets, np.arange(1000) < 1000 * yes_of_nontargets)
    assert trials.eer() == pytest.approx(eer, abs=1e-12)
    assert trials.ties_at_eer() == ties


def test_constant_scores_tell_nothing():
    trials = trials_of(np.zeros(7), np.zeros(300))
    assert (trials.eer(), trials.ties_at_eer(), trials.min_dcf(0.1)) == (0.5, 307, 1.0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("decimals", [0, 1])
def test_rounded_scores_and_a_scale_of_five_points_cross_on_the_lines_of_the_roc(seed, decimals):
    rng = np.random.default_rng(seed)
    target, nontarget = (np.clip(np.round(rng.normal(mean, 1, 150), decimals), -2, 2) for mean in (0.8, 0))
    trials = trials_of(target, nontarget)
    if trials.ties_at_eer():
        assert trials.eer() == pytest.approx(eer_by_the_lines_of_the_roc(target, nontarget), abs=1e-12)
    assert trials.eer() == pytest.approx(eer_by_the_lines_of_the_roc(target, nontarget), abs=1 / 150)
    # Telling the kinds apart the other way round makes the same errors.
    assert trials_of(-nontarget, -target).eer() == pytest.approx(trials.eer(), abs=1 / 150)


def test_all_pairs_are_the_trials_list_without_the_pairs_of_one_utterance():
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((700, 700)).astype(np.float32)
    labels = rng.integers(0, 5, 700)
    pairs = [(i, j) for i in range(700) for j in range(700) if i != j]
    rows, columns = np.array(pairs).T
    listed = ScoredTrials.of(scores[rows, columns], labels[rows] == labels[columns])
    found = ScoredTrials.of_pairs(scores, labels, labels, np.arange(700))
    assert len(found) == 700 * 699
    np.testing.assert_array_equal(found.target, listed.target)
    np.testing.assert_array_equal(found.nontarget, listed.nontarget)
    assert found.eer() == listed.eer()


def test_pairs_of_other_utterances_are_all_trials():
    found = ScoredTrials.of_pairs(np.zeros((2, 3), np.float32), np.array([0, 1]), np.array([0, 1, 1]))
    assert (len(found.target), len(found.nontarget)) == (3, 3)


def test_det_points_fall_from_all_missed_to_all_accepted():
    rng = np.random.default_rng(0)
    trials = trials_of(rng.normal(2, 1, 3000), rng.normal(0, 1, 9000))
    thresholds, miss, false_alarm = trials.det(200)
    assert (np.diff(thresholds) > 0).all() and (np.diff(miss) >= 0).all() and (np.diff(false_alarm) <= 0).all()
    assert len(thresholds) > 150 and miss[0] == 0.0 and false_alarm[-1] <= 1 / 9000
    nearest = np.argmin(np.abs(miss - false_alarm))
    assert miss[nearest] == pytest.approx(trials.eer(), abs=0.02)


def test_min_dcf_by_hand():
    # Best is a threshold of 3: one of two targets missed, no false alarm: 0.01 * 0.5 over 0.01.
    assert trials_of([1, 3], [0, 2]).min_dcf(0.01) == pytest.approx(0.5)
    assert trials_of([0, 1], [2, 3]).min_dcf(0.01) == pytest.approx(1.0)


def test_nan_scores_are_refused():
    with pytest.raises(SerError, match="1 of 2 nontarget scores are NaN"):
        trials_of([1, 2], [0, np.nan])


def test_one_kind_of_trials_is_refused():
    with pytest.raises(SerError, match="no nontarget trials"):
        trials_of([1, 2], [])


def test_prior_outside_0_to_1_is_refused():
    with pytest.raises(SerError, match=r"found 1\.5"):
        trials_of([1], [0]).min_dcf(1.5)
