import numpy as np
import pytest

from ser.errors import SerError
from ser.metrics import calibration
from ser.metrics.detection import ScoredTrials


@pytest.fixture(scope="module")
def gaussian():
    """Targets of N(2, 1.5), nontargets of N(-1, 1.5)."""
    rng = np.random.default_rng(0)
    return rng.normal(2.0, 1.5, 100_000), rng.normal(-1.0, 1.5, 200_000)


def cllr_by_definition(target, nontarget):
    return (np.mean(np.log2(1 + np.exp(-target))) + np.mean(np.log2(1 + np.exp(nontarget)))) / 2


@pytest.mark.parametrize("p_target", [0.05, 0.5])
def test_affine_finds_the_closed_form_of_two_gaussians_of_one_variance(gaussian, p_target):
    fitted = calibration.affine(*gaussian, p_target)
    assert fitted.scale == pytest.approx((2.0 + 1.0) / 1.5**2, rel=0.02)
    assert fitted.offset == pytest.approx((1.0 - 4.0) / (2 * 1.5**2), rel=0.05)


def test_scaled_and_shifted_scores_are_mended_by_both_calibrations(gaussian):
    right = tuple((3.0 * part - 1.5) / 1.5**2 for part in gaussian)
    wrong = tuple(2.5 * part + 3.0 for part in right)
    best = calibration.cllr(*right)
    assert calibration.cllr(*wrong) > 1.5 * best
    assert calibration.act_dcf(*wrong, 0.2) > 1.5 * calibration.act_dcf(*right, 0.2)
    for fitted in (calibration.affine(*wrong, 0.2), calibration.pav(*wrong)):
        mended = tuple(map(fitted.llrs, wrong))
        assert calibration.cllr(*mended) == pytest.approx(best, abs=1e-3)
        assert calibration.act_dcf(*mended, 0.2) == pytest.approx(calibration.act_dcf(*right, 0.2), abs=3e-3)


def test_calibration_of_other_trials_of_the_same_kind_improves_them(gaussian):
    rng = np.random.default_rng(1)
    fitted = calibration.affine(gaussian[0][:2000], gaussian[1][:4000], 0.2)
    others = rng.normal(2.0, 1.5, 5000), rng.normal(-1.0, 1.5, 10_000)
    mended = tuple(map(fitted.llrs, others))
    assert calibration.cllr(*mended) < calibration.cllr(*others)
    assert calibration.cllr(*mended) < calibration.min_cllr(*others) + 0.01


def test_neighbours_that_are_averaged_change_nothing_that_counts(gaussian, monkeypatch):
    few = calibration.affine(*(part[:20_000] for part in gaussian), 0.3)
    monkeypatch.setattr(calibration, "FITTED_ON", 1000)
    averaged = calibration.affine(*(part[:20_000] for part in gaussian), 0.3)
    assert averaged.scale == pytest.approx(few.scale, rel=2e-3)
    assert averaged.offset == pytest.approx(few.offset, rel=2e-3)


def test_scores_without_an_error_get_finite_ratios():
    apart = np.array([2.0, 3.0]), np.array([0.0, 1.0])
    fitted = calibration.affine(*apart, 0.5)
    assert 0 < fitted.scale < 100
    assert calibration.cllr(*map(fitted.llrs, apart)) < 0.01
    assert np.isfinite(calibration.pav(*apart).levels).all()


def test_cllr_is_its_definition_and_1_bit_where_nothing_is_said():
    rng = np.random.default_rng(0)
    llrs = rng.normal(1, 2, 300), rng.normal(-1, 2, 500)
    assert calibration.cllr(*llrs) == pytest.approx(cllr_by_definition(*llrs), rel=1e-12)
    assert calibration.cllr(np.zeros(3), np.zeros(7)) == 1.0


def test_cllr_of_large_ratios_does_not_overflow():
    assert calibration.cllr(np.array([-1e4]), np.array([-1e4])) == pytest.approx(1e4 / np.log(4))


def test_min_cllr_by_hand():
    # Scores 1 n, 2 t, 3 n, 4 t, 5 t: 2 and 3 are pooled, with as many of each, and a ratio of (1/3) / (1/2).
    target, nontarget = np.array([2.0, 4.0, 5.0]), np.array([1.0, 3.0])
    expected = (np.log2(1 + 3 / 2) / 3 + np.log2(1 + 2 / 3) / 2) / 2
    assert calibration.min_cllr(target, nontarget) == pytest.approx(expected)


def test_pav_by_hand():
    # In the order of scores, a target and a nontarget added at either end: t n n | t n | t t t n (1 | 2 3 | 4 5).
    fitted = calibration.pav(np.array([2.0, 4.0, 5.0]), np.array([1.0, 3.0]))
    np.testing.assert_array_equal(fitted.thresholds, [-np.inf, 2.0, 4.0])
    np.testing.assert_allclose(np.exp(fitted.levels), np.array([1 / 2, 1 / 1, 3 / 1]) / (3 / 2))
    scores = np.array([[-9.0, 1.9], [2.0, 3.9], [4.0, 99.0]])
    np.testing.assert_array_equal(fitted.llrs(scores), fitted.levels[[[0, 0], [1, 1], [2, 2]]])


def pav_by_stack(outcomes):
    """Pool adjacent violators one by one: blocks of (targets, nontargets)."""
    blocks = []
    for targets, nontargets in outcomes:
        blocks.append([targets, nontargets])
        while len(blocks) > 1 and blocks[-2][0] * sum(blocks[-1]) >= blocks[-1][0] * sum(blocks[-2]):
            targets, nontargets = blocks.pop()
            blocks[-1][0] += targets
            blocks[-1][1] += nontargets
    return blocks


@pytest.mark.parametrize("seed", range(10))
def test_min_cllr_is_that_of_pooling_score_by_score(seed):
    rng = np.random.default_rng(seed)
    # Rounding makes ties.
    target = np.round(rng.normal(rng.uniform(-1, 3), 1, rng.integers(1, 200)), seed % 3)
    nontarget = np.round(rng.normal(0, 1, rng.integers(1, 200)), seed % 3)
    scores = np.unique(np.concatenate([target, nontarget]))
    blocks = pav_by_stack([(np.sum(target == score), np.sum(nontarget == score)) for score in scores])
    llrs = [np.log((t / n) / (len(target) / len(nontarget))) if n else np.inf for t, n in blocks if t]
    expected = sum(t / len(target) * np.log2(1 + np.exp(-llr)) for (t, _), llr in zip(
        [block for block in blocks if block[0]], llrs, strict=True
    ))  # fmt: skip
    expected += sum(n / len(nontarget) * np.log2(1 + t / n / (len(target) / len(nontarget))) for t, n in blocks if n)
    assert calibration.min_cllr(target, nontarget) == pytest.approx(expected / 2, abs=1e-12)


@pytest.mark.parametrize("change", [lambda x: x**3, lambda x: 5 * x - 7, np.arctan])
def test_min_cllr_stays_under_maps_that_keep_the_order(gaussian, change):
    few = tuple(part[:5000] for part in gaussian)
    assert calibration.min_cllr(*map(change, few)) == calibration.min_cllr(*few)


def test_min_cllr_is_no_more_than_cllr_and_0_without_errors(gaussian):
    assert calibration.min_cllr(*gaussian) <= calibration.cllr(*map(calibration.affine(*gaussian, 0.5).llrs, gaussian))
    assert calibration.min_cllr(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 0.0
    assert calibration.min_cllr(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 1.0


def test_act_dcf_is_min_dcf_of_calibrated_ratios_and_not_of_others(gaussian):
    llrs = tuple(((3.0 * part - 1.5) / 1.5**2).astype(np.float32) for part in gaussian)
    least = ScoredTrials(*map(np.sort, llrs)).min_dcf(0.2)
    assert least <= calibration.act_dcf(*llrs, 0.2) < 1.01 * least
    assert calibration.act_dcf(llrs[0] + 5, llrs[1] + 5, 0.2) > 1.5 * least


def test_act_dcf_by_hand():
    # The threshold is log((1 - 0.2) * 2 / (0.2 * 4)) = log 2: one target of two is under it, no nontarget over it.
    assert calibration.act_dcf(np.array([0.6, 0.8]), np.array([0.0, -1.0]), 0.2, 4.0, 2.0) == pytest.approx(0.5)


def test_expected_calibration_error_by_hand():
    # Two in the bin of 0.5 to 1 (confidence 0.8, half right), one in that of 0 to 0.5 (confidence 0.5, right).
    posteriors = np.array([[0.9, 0.1, 0.0], [0.1, 0.7, 0.2], [0.2, 0.3, 0.5]])
    error = calibration.expected_calibration_error(posteriors, np.array([0, 0, 2]), bins=2)
    assert error == pytest.approx((2 * 0.3 + 1 * 0.5) / 3)


def test_reliability_counts_choices_by_hand():
    posteriors = np.array([[0.9, 0.1], [0.8, 0.2], [0.45, 0.4]])
    utts, expected, right = calibration.reliability(posteriors, np.array([0, 1, 0]), bins=2)
    assert (utts.tolist(), right.tolist()) == ([1, 2], [1, 1])
    np.testing.assert_allclose(expected, [0.45, 1.7])


def test_expected_calibration_error_vanishes_for_true_posteriors():
    rng = np.random.default_rng(0)
    posteriors = rng.dirichlet(np.ones(4), 50_000)
    truth = (posteriors.cumsum(axis=1) < rng.random((50_000, 1))).sum(axis=1)
    assert calibration.expected_calibration_error(posteriors, truth) < 0.01


def test_a_class_that_the_posteriors_lack_counts_as_wrong():
    assert calibration.expected_calibration_error(np.array([[1.0, 0.0]]), np.array([2])) == 1.0


@pytest.mark.parametrize(
    ("target", "nontarget", "message"),
    [([], [1.0], "no target trials"), ([1.0], [np.nan, 2.0], "1 of 2 nontarget scores are NaN")],
)
@pytest.mark.parametrize("measure", [calibration.cllr, calibration.min_cllr, calibration.pav])
def test_missing_or_nan_trials_are_refused(measure, target, nontarget, message):
    with pytest.raises(SerError, match=message):
        measure(np.array(target), np.array(nontarget))


def test_infinite_scores_are_refused_by_a_fit():
    with pytest.raises(SerError, match="1 of 2 target scores are not finite"):
        calibration.affine(np.array([1.0, np.inf]), np.array([0.0]), 0.5)


@pytest.mark.parametrize("call", [calibration.affine, calibration.act_dcf])
def test_prior_outside_0_to_1_is_refused(call):
    with pytest.raises(SerError, match=r"found 1\.5"):
        call(np.array([1.0]), np.array([0.0]), 1.5)


def test_posteriors_without_their_truth_are_refused():
    with pytest.raises(SerError, match="posteriors of 1 utterances and 2 true classes"):
        calibration.expected_calibration_error(np.ones((1, 1)), np.array([0, 0]))


def test_tied_scores_say_what_their_shares_say():
    constant = np.zeros(20), np.zeros(50)
    assert calibration.min_cllr(*constant) == pytest.approx(1.0)
    np.testing.assert_allclose(
        calibration.pav(*constant).llrs(np.zeros(1)), np.log(21 / 51) - np.log(20 / 50), atol=0.05
    )
    assert calibration.cllr(*(calibration.affine(*constant, 0.2).llrs(part) for part in constant)) == pytest.approx(1.0)
    # Yes of 30 % of targets and 10 % of nontargets: two log likelihood ratios, log 3 and log 7/9.
    target, nontarget = (np.arange(100) < count for count in (30, 10))
    scores = target.astype(np.float32), nontarget.astype(np.float32)
    llrs = [np.where(part == 1.0, np.log(3), np.log(7 / 9)) for part in scores]
    assert calibration.min_cllr(*scores) == pytest.approx(calibration.cllr(*llrs), abs=1e-12)
    fitted = calibration.affine(*scores, 0.2)
    np.testing.assert_allclose(fitted.llrs(np.array([0.0, 1.0])), [np.log(7 / 9), np.log(3)], atol=1e-3)
