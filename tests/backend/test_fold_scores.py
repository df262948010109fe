import dataclasses

import numpy as np
import pytest
from scipy.special import softmax

from ser.backend.chain import BackendConfig
from ser.backend.fold_scores import Corpus, FoldScores, average, measure, measure_folds, score_fold
from ser.config import load_config
from ser.errors import SerError


@pytest.fixture(scope="module")
def config() -> BackendConfig:
    return load_config(BackendConfig, "conf/ravdess/backend.yaml")


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, Corpus]:
    """Three classes far apart in two of eight numbers, which have sizes from 1 to 1000; six speakers, two a fold."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 60)
    centres = 5.0 * np.eye(3, 8)
    vectors = (centres[labels] + rng.normal(size=(180, 8))) * np.logspace(0, 3, 8)
    speakers = np.repeat([f"s{n}" for n in range(6)], 30)
    folds = np.repeat(["1", "2", "3"], 60)
    return vectors.astype(np.float32), Corpus([f"u{n}" for n in range(180)], labels, ["a", "b", "c"], speakers, folds)


KINDS = ("plda", "gaussian", "svm")


@pytest.mark.parametrize("kind", KINDS)
def test_planted_classes_are_told_apart_with_llrs_that_cost_little(planted, config, kind):
    vectors, corpus = planted
    scores = {fold: score_fold(vectors, corpus, fold, kind, config, 2, 0, 0.2) for fold in ("1", "2")}
    for figures in measure_folds(scores, corpus).values():
        assert figures.uar > 95.0 and figures.wa > 95.0
        assert figures.eer < 5.0 and figures.eer_two < 5.0
        assert figures.cllr < 0.25 and figures.ece < 5.0


@pytest.mark.parametrize("kind", KINDS)
def test_shuffled_labels_are_at_chance_and_say_so(planted, config, kind):
    vectors, corpus = planted
    labels = np.random.default_rng(1).permutation(corpus.labels)
    corpus = dataclasses.replace(corpus, labels=labels)
    figures = measure_folds({"1": score_fold(vectors, corpus, "1", kind, config, 2, 0, 0.2)}, corpus)["1"]
    assert 15.0 < figures.uar < 55.0 and 40.0 < figures.eer < 60.0
    assert 0.95 < figures.cllr < 1.1


def test_the_fold_itself_and_speakers_that_may_not_train_do_not(planted, config):
    vectors, corpus = planted
    changed = vectors.copy()
    kept = np.isin(corpus.speakers, ["s2", "s3", "s4"])
    changed[~kept & (corpus.folds != "1")] += 1e3
    one, other = (score_fold(v, corpus, "1", "gaussian", config, 2, 0, 0.2, kept) for v in (vectors, changed))
    np.testing.assert_array_equal(one.classes, other.classes)
    shifted = vectors.copy()
    shifted[corpus.folds == "1"] = 0.0
    found = score_fold(shifted, corpus, "1", "gaussian", config, 2, 0, 0.2)
    np.testing.assert_allclose(found.classes, found.classes[:1].repeat(60, axis=0))


def test_average_is_the_geometric_mean_of_posteriors_and_the_mean_of_llrs():
    shares = np.array([[[0.9, 0.1]], [[0.5, 0.5]]])
    found = average([FoldScores(np.array([[float(n)]]), np.log(one)) for n, one in enumerate(shares)])
    assert found.pairs.tolist() == [[0.5]]
    np.testing.assert_allclose(np.exp(found.classes), [[0.75, 0.25]])  # sqrt(0.45) : sqrt(0.05) is 3 : 1


def test_figures_of_four_utterances_by_hand():
    """The pairs 0-1 and 2-3 are of one class; 0-1 scores below one of the four others, and is of one speaker."""
    pairs = np.zeros((4, 4))
    for (a, b), llr in {(0, 1): 0.0, (2, 3): 3.0, (0, 2): -2, (0, 3): 1.0, (1, 2): -3, (1, 3): -4}.items():
        pairs[a, b] = pairs[b, a] = llr
    classes = np.log(softmax([[2.0, 0], [2, 0], [2, 0], [0, 2]], axis=1))
    labels, speakers = np.array([0, 0, 1, 1]), np.array(["x", "x", "x", "y"])
    figures = measure(FoldScores(pairs, classes), labels, speakers)
    assert figures.uar == pytest.approx(75.0) and figures.wa == pytest.approx(75.0)
    assert figures.eer == pytest.approx(50.0)  # the lowest target is missed where one of four nontargets is accepted
    assert figures.eer_two == pytest.approx(0.0)  # 2-3 alone is a target, above both 0-3 and 1-3
    bits = [np.log2(2), np.log2(1 + np.exp(-3)), *np.log2(1 + np.exp([-2.0, 1.0, -3.0, -4.0]))]
    assert figures.cllr == pytest.approx((np.mean(bits[:2]) + np.mean(bits[2:])) / 2)


def test_a_class_without_training_utterances_is_named(planted, config):
    vectors, corpus = planted
    corpus = dataclasses.replace(corpus, labels=np.where(corpus.folds == "1", 2, corpus.labels % 2))
    with pytest.raises(SerError, match="fold 1: no training utterance of class c"):
        score_fold(vectors, corpus, "1", "svm", config, 2, 0, 0.2)
