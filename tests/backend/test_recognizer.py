import dataclasses
import logging

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from ser.backend import backend_dir, chain, scoring
from ser.backend.recognizer import TRAINERS, trainer
from ser.errors import SerError
from ser.kaldi import ark
from ser.metrics.detection import ScoredTrials

SETTINGS = chain.BackendConfig(0, 0.0, 1e-6, 0.0, 10, 0.0, True, True, "average")


@pytest.fixture
def data():
    """Vectors (120, 8) of 4 classes, their labels and speakers; planted, so that back ends have an answer to find."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 4
    vectors = rng.standard_normal((120, 8)) + 4.0 * rng.standard_normal((4, 8))[labels] + 5.0
    return vectors.astype(np.float32), labels, np.arange(120) // 12


@pytest.mark.parametrize("kind", TRAINERS)
def test_planted_classes_are_recognised_and_their_pairs_told_apart(kind, data):
    vectors, labels, speakers = data
    half = speakers < 5
    recognizer = trainer(kind, SETTINGS)(vectors[half], labels[half], speakers[half])
    scores = recognizer.class_scores(vectors[~half])
    assert scores.shape == (60, 4)
    assert np.mean(scores.argmax(axis=1) == labels[~half]) > 0.95
    pairs = recognizer.pair_scores(vectors[~half], vectors[~half])
    assert pairs.shape == (60, 60) and pairs.dtype == np.float32
    assert ScoredTrials.of_pairs(pairs, labels[~half], labels[~half], np.arange(60)).eer() < 0.05


def test_plda_scores_are_those_of_the_chain(data):
    vectors, labels, speakers = data
    backend = chain.train(vectors, labels, SETTINGS)
    recognizer = trainer("plda", SETTINGS)(vectors, labels, speakers)
    projected = backend.project(vectors)
    expected = scoring.score_matrix(*scoring.factor_ratios(backend.plda, projected, projected))
    np.testing.assert_array_equal(recognizer.pair_scores(vectors, vectors), expected)
    many = scoring.factor_ratios(backend.plda, backend.project(vectors[:3], 5), projected, 5)
    np.testing.assert_array_equal(recognizer.pair_scores(vectors[:3], vectors, 5), scoring.score_matrix(*many))
    assert recognizer.lda_dim == 3


def test_cosine_is_that_of_the_angle_between_lda_vectors(data):
    vectors, labels, speakers = data
    recognizer = trainer("cosine", SETTINGS)(vectors, labels, speakers)
    reduced = chain.apply_lda(vectors - vectors.mean(axis=0, dtype=np.float64), recognizer.lda, False)
    expected = [[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in reduced] for a in reduced[:3]]
    np.testing.assert_allclose(recognizer.pair_scores(vectors[:3], vectors), expected, atol=1e-5)
    by_class = [[np.mean(row[labels == label]) for label in range(4)] for row in np.array(expected)]
    np.testing.assert_allclose(recognizer.class_scores(vectors[:3]), by_class, atol=1e-5)
    assert recognizer.lda_dim == 3


def test_logistic_needs_two_classes():
    with pytest.raises(SerError, match="logistic: 5 vectors of 1 class; it needs 2 classes or more"):
        trainer("logistic", SETTINGS)(np.eye(5), np.zeros(5, int), np.arange(5))


@pytest.mark.parametrize("num_classes", [2, 4])
def test_logistic_scores_are_scikit_learns_log_posteriors(data, num_classes):
    vectors, labels, speakers = data
    kept = labels < num_classes
    vectors, labels = vectors[kept], labels[kept]
    recognizer = trainer("logistic", SETTINGS)(vectors, labels, speakers[kept])
    standard = (vectors - vectors.mean(axis=0, dtype=np.float64)) / vectors.std(axis=0, dtype=np.float64)
    expected = LogisticRegression(max_iter=1000).fit(standard, labels).predict_log_proba(standard)
    np.testing.assert_allclose(recognizer.class_scores(vectors), expected, atol=1e-5)
    same = np.log(np.exp(expected[0]) @ np.exp(expected[1]))
    assert recognizer.pair_scores(vectors[:1], vectors[1:2])[0, 0] == pytest.approx(same, abs=1e-4)
    assert recognizer.lda_dim is None


def test_yardsticks_are_written_in_kaldis_formats(data, tmp_path):
    vectors, labels, speakers = data
    num_utts = {name: 30 for name in "abcd"}
    cosine = trainer("cosine", SETTINGS)(vectors, labels, speakers)
    cosine.save(tmp_path / "cosine", num_utts)
    np.testing.assert_allclose(ark.read_matrix_file(tmp_path / "cosine/lda.mat"), cosine.lda, rtol=1e-5)
    np.testing.assert_allclose(ark.read_vector_file(tmp_path / "cosine/mean.vec"), cosine.mean, rtol=1e-5)
    logistic = trainer("logistic", SETTINGS)(vectors, labels, speakers)
    logistic.save(tmp_path / "logistic", num_utts)
    table = ark.load(f"ark:{tmp_path}/logistic/weights.ark")
    assert list(table) == list("abcd")
    rows = np.array(list(table.values()))
    scores = log_softmax(vectors @ rows[:, 1:].T + rows[:, 0], axis=1)
    np.testing.assert_allclose(scores, logistic.class_scores(vectors), atol=1e-3)
    assert (tmp_path / "logistic/classes.txt").read_text() == "a\nb\nc\nd\n"


@pytest.mark.parametrize("distance", [1.5, 3.0])
def test_two_classes_have_the_error_rate_of_their_distances_and_not_of_a_sign(distance, caplog):
    """Planted in one direction: the EER of a PLDA of one number, without any scaling to a length."""
    caplog.set_level(logging.INFO)
    rng = np.random.default_rng(1)
    labels = np.arange(400) % 2
    vectors = rng.standard_normal((400, 6))
    vectors[:, 0] += distance * labels
    half = np.arange(400) < 200
    recognizer = trainer("plda", SETTINGS)(vectors[half], labels[half], half[half])
    assert "an LDA of one row: no length normalisation" in caplog.text
    pairs = recognizer.pair_scores(vectors[~half], vectors[~half])
    trials = ScoredTrials.of_pairs(pairs, labels[~half], labels[~half], np.arange(200))
    assert trials.ties_at_eer() == 0
    assert len(np.unique(pairs)) > 10_000
    plain = dataclasses.replace(SETTINGS, normalize_vectors=False, normalize_length=False)
    np.testing.assert_array_equal(
        trainer("plda", plain)(vectors[half], labels[half], half[half]).pair_scores(vectors[~half], vectors[~half]),
        pairs,
    )
    # Two utterances on the two sides of the middle, as often as they truly are: what no system can do better than.
    wrong = norm.sf(distance / 2)
    assert trials.eer() < 0.5 - 0.3 * (1 - 2 * wrong) ** 2
    assert np.mean(recognizer.class_scores(vectors[~half]).argmax(axis=1) == labels[~half]) == pytest.approx(
        1 - wrong, abs=0.06
    )


def test_saved_two_class_back_end_scores_as_it_did(tmp_path):
    rng = np.random.default_rng(2)
    labels = np.arange(60) % 2
    vectors = (rng.standard_normal((60, 5)) + 3.0 * labels[:, None]).astype(np.float32)
    backend = chain.train(vectors, labels, SETTINGS)
    assert (backend.config.normalize_vectors, backend.config.normalize_length) == (False, False)
    backend_dir.save_backend(tmp_path, backend, {"a": 30, "b": 30})
    again = backend_dir.load_backend(tmp_path, "conf/backend.yaml")
    np.testing.assert_allclose(again.project(vectors), backend.project(vectors), atol=1e-4)
