import numpy as np
import pytest
from scipy.special import logsumexp

from ser.backend.chain import BackendConfig
from ser.backend.linear import KINDS, fit_gaussian, fit_svm, train_linear
from ser.config import load_config


@pytest.fixture(scope="module")
def config() -> BackendConfig:
    return load_config(BackendConfig, "conf/ravdess/backend.yaml")


def planted(num: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three classes of unequal size, apart in the first two of `size` numbers; six speakers."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, num, p=[0.5, 0.3, 0.2])
    centres = np.zeros((3, size))
    centres[[0, 1, 2], [0, 1, 1]] = 2.0, 2.0, -2.0
    return centres[labels] + rng.normal(size=(num, size)), labels, rng.integers(6, size=num)


@pytest.mark.parametrize(("num", "size"), [(120, 5), (40, 90)])
def test_gaussian_classes_are_those_of_scikit_learn(num, size):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    vectors, labels, _ = planted(num, size)
    other = planted(50, size, seed=1)[0]
    for share, (weights, offset) in zip((0.3, 0.9), fit_gaussian(vectors, labels, (0.3, 0.9)), strict=True):
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=share, priors=np.ones(3) / 3).fit(vectors, labels)
        expected = model.decision_function(other)
        found = other @ weights.T + offset
        # Both up to a number that is added to all classes of an utterance.
        np.testing.assert_allclose(found - found[:, :1], expected - expected[:, :1], atol=1e-8)


def test_machines_are_those_of_scikit_learn():
    from sklearn.svm import SVC

    vectors, labels, _ = planted(60, 80)
    ((weights, offset),) = fit_svm(vectors, labels, [1e-2])
    for label in range(3):
        machine = SVC(C=1e-2, kernel="linear", class_weight="balanced").fit(vectors, labels == label)
        np.testing.assert_allclose(
            vectors @ weights[label] + offset[label], machine.decision_function(vectors), atol=1e-3
        )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_posteriors_of_new_speakers_are_right_as_often_as_they_say(kind, config):
    train, labels, speakers = planted(400, 30)
    other, truth, _ = planted(2000, 30, seed=2)
    recognizer = train_linear(kind, train, labels, speakers, config, parts=3, seed=0)
    posteriors = np.exp(recognizer.class_scores(other))
    np.testing.assert_allclose(posteriors.sum(axis=1), 1.0)
    right = posteriors.argmax(axis=1) == truth
    assert right.mean() > 0.8
    assert abs(posteriors.max(axis=1).mean() - right.mean()) < 0.04


def test_a_pair_scores_the_log_of_the_chance_that_both_are_of_one_class(config):
    train, labels, speakers = planted(200, 10)
    recognizer = train_linear("gaussian", train, labels, speakers, config, parts=3, seed=0)
    logs = recognizer.class_scores(train[:5])
    expected = logsumexp(logs[:, None] + logs[None], axis=2)
    np.testing.assert_allclose(recognizer.pair_scores(train[:5], train[:5]), expected, atol=1e-5)


def test_strength_is_chosen_by_other_speakers(config):
    """One of 400 numbers tells the two classes apart: strengths differ by tens of points in accuracy."""
    rng = np.random.default_rng(3)
    labels, speakers = np.tile([0, 1], 90), np.repeat(np.arange(6), 30)
    vectors = rng.normal(size=(180, 400))
    vectors[:, 0] += 1.5 * labels
    chosen = train_linear("gaussian", vectors, labels, speakers, config, parts=3, seed=0)
    other = rng.normal(size=(500, 400))
    truth = rng.integers(2, size=500)
    other[:, 0] += 1.5 * truth
    accuracies = []
    standard = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    for weights, offset in fit_gaussian(standard, labels, KINDS["gaussian"].strengths):
        scores = ((other - vectors.mean(axis=0)) / vectors.std(axis=0)) @ weights.T + offset
        accuracies.append(np.mean(scores.argmax(axis=1) == truth))
    assert np.mean(chosen.class_scores(other).argmax(axis=1) == truth) >= max(accuracies) - 0.03
