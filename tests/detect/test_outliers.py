import numpy as np
import pytest

from ser.detect.outliers import FILE, Outliers, farthest, input_statistics
from ser.errors import SerError
from ser.kaldi import ark


@pytest.fixture
def vectors() -> np.ndarray:
    """4,000 draws of a known normal distribution in 6 dimensions."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(4000, 6)) @ np.diag([2.0, 1.5, 1, 1, 0.7, 0.5]) + 7


def test_score_is_the_mahalanobis_distance_over_the_dimensions(vectors):
    outliers = Outliers.fit(vectors)
    assert outliers.scores(vectors).mean() == pytest.approx(1, abs=0.02)
    step = np.array([[0, 0, 2.0, 0, 0, 0]]) + 7  # two deviations in one of six dimensions
    assert outliers.scores(step)[0] == pytest.approx(4 / 6, rel=0.1)


def test_few_utterances_of_many_dimensions_have_finite_scores():
    vectors = np.random.default_rng(0).normal(size=(10, 40))
    scores = Outliers.fit(vectors).scores(np.vstack([vectors, 100 * vectors[:1]]))
    assert np.isfinite(scores).all() and scores[-1] > 10 * scores[:-1].max()


def test_equal_vectors_are_near_and_all_others_far():
    scores = Outliers.fit(np.ones((5, 3))).scores(np.array([[1.0, 1, 1], [1, 1, 1.1]]))
    assert scores[0] < 1e-6 and scores[1] > 1e6


def test_what_is_like_an_added_class_is_near_and_the_rest_stays_far(vectors):
    outliers = Outliers.fit(vectors)
    away = np.array([[30.0, 0, 0, 0, 0, 0]])
    added = outliers.add(vectors[:5] + away)
    assert added.scores(vectors[5:50] + away).mean() < 2 < 10 < outliers.scores(vectors[5:50] + away).mean()
    np.testing.assert_allclose(added.scores(vectors[:50] - away), outliers.scores(vectors[:50] - away))


def test_saved_model_gives_the_same_scores_and_a_damaged_one_is_refused(vectors, tmp_path):
    outliers = Outliers.fit(vectors)
    outliers.save(tmp_path)
    loaded = Outliers.load(tmp_path, 6)
    np.testing.assert_allclose(loaded.scores(vectors), outliers.scores(vectors), rtol=1e-4)
    with pytest.raises(SerError, match=r"outliers.ark: expected finite numbers, centres of 5 and a whitening"):
        Outliers.load(tmp_path, 5)
    with ark.Writer(f"ark:{tmp_path / FILE}") as writer:
        writer.write("centres", np.full((1, 6), np.nan, np.float32))
        writer.write("whitening", np.eye(6, dtype=np.float32))
    with pytest.raises(SerError, match=r"outliers.ark: expected finite numbers"):
        Outliers.load(tmp_path, 6)


def test_input_statistics_are_the_logarithms_of_spread_and_change():
    slow, fast = np.repeat([3.0, -3.0], 500), np.tile([1.0, -1.0], 500)
    found = np.exp(input_statistics(np.stack([slow, fast, np.ones(1000)], axis=1) + 40))
    # The slow one changes once, by 6, in 999 steps; the fast one by 2 in each.
    np.testing.assert_allclose(found, [3.001, 1.001, 0.001, 6 / np.sqrt(999) + 0.001, 2.001, 0.001], rtol=1e-3)


def test_threshold_is_exceeded_by_the_asked_share_of_parts_that_were_left_out(vectors):
    part = np.arange(len(vectors)) % 4
    part[:100] = -1
    limit = farthest(vectors, part, 0.05)
    assert np.mean(Outliers.fit(vectors).scores(vectors[100:]) > limit) == pytest.approx(0.05, abs=0.003)
    far = vectors.copy()
    far[:100] += 1000  # these are trained on, never scored
    assert farthest(far, part, 0.05) < limit
    np.testing.assert_allclose(
        Outliers.fit(vectors).over(limit).scores(vectors), Outliers.fit(vectors).scores(vectors) / limit
    )
