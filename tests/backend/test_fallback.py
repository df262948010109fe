import numpy as np
import pytest

from ser.backend import chain
from ser.backend.fallback import fallback_trainer
from ser.backend.recognizer import trainer
from ser.errors import SerError
from ser.metrics import calibration

SETTINGS = chain.BackendConfig(0, 0.0, 1e-6, 0.0, 10, 0.0, True, True, "average")
TRAIN = trainer("plda", SETTINGS)


@pytest.fixture(scope="module")
def data():
    """Text (4 numbers) then speech (6) of 160 utterances, their labels and speakers."""
    rng = np.random.default_rng(0)
    labels = np.arange(160) % 4
    text = 3.0 * rng.standard_normal((4, 4))[labels] + rng.standard_normal((160, 4))
    speech = 1.0 * rng.standard_normal((4, 6))[labels] + rng.standard_normal((160, 6))
    return np.hstack([text, speech]).astype(np.float32), labels, np.arange(160) // 8


@pytest.fixture(scope="module")
def recognizer(data):
    return fallback_trainer(TRAIN, 4, 0.2, (), 4, 0)(*data)


def without_text(vectors, rows):
    vectors = vectors.copy()
    vectors[rows, :4] = np.nan
    return vectors


def test_utterances_without_text_get_the_scores_of_speech_on_its_scale(data, recognizer):
    vectors, labels, speakers = data
    rows = np.arange(0, 160, 3)
    speech = TRAIN(vectors[:, 4:], labels, speakers)
    expected = recognizer.speech.pairs.llrs(speech.pair_scores(vectors[:, 4:], vectors[:, 4:]))
    found = recognizer.pair_scores(*[without_text(vectors, rows)] * 2)
    lacks = np.isin(np.arange(160), rows)
    either = lacks[:, None] | lacks
    np.testing.assert_allclose(found[either], expected[either], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found[~either], recognizer.pair_scores(vectors, vectors)[~either])
    by_class = recognizer.speech.classes.posteriors(speech.class_scores(vectors[rows, 4:]))
    np.testing.assert_allclose(np.exp(recognizer.class_scores(without_text(vectors, rows))[rows]), by_class, atol=1e-9)


def test_utterances_with_text_get_the_scores_of_all_vectors(data, recognizer):
    vectors, labels, speakers = data
    main = TRAIN(vectors[:, :4], labels, speakers)
    expected = recognizer.main.pairs.llrs(main.pair_scores(vectors[:, :4], vectors[:, :4]))
    np.testing.assert_allclose(recognizer.pair_scores(vectors, vectors), expected, rtol=1e-5, atol=1e-5)


def test_both_scales_are_log_likelihood_ratios(data, recognizer):
    vectors, labels, _ = data
    same = labels[:, None] == labels
    others = ~np.eye(160, dtype=bool)
    for rows in ([], np.arange(160)):
        scores = recognizer.pair_scores(*[without_text(vectors, rows)] * 2)
        assert calibration.cllr(scores[same & others], scores[~same]) < 0.9


def test_a_class_enrolled_with_one_utterance_without_text_is_scored_by_speech(data, recognizer):
    vectors, _, _ = data
    holed = without_text(vectors, [0])
    average = holed[[0, 4, 8]].mean(axis=0, keepdims=True)
    expected = recognizer.speech.pair_scores(vectors[[0, 4, 8], 4:].mean(axis=0, keepdims=True), vectors[:, 4:], 3)
    np.testing.assert_allclose(recognizer.pair_scores(average, vectors, 3), expected, rtol=1e-4, atol=1e-4)


def test_training_utterances_without_text_train_the_speech_alone(data):
    vectors, labels, speakers = data
    found = fallback_trainer(TRAIN, 4, 0.2, (), 4, 0)(without_text(vectors, np.arange(80)), labels, speakers)
    assert len(found.main.recognizer.labels) == 80 and len(found.speech.recognizer.labels) == 160


def test_a_class_without_any_text_is_refused(data):
    vectors, labels, speakers = data
    with pytest.raises(SerError, match="no training utterance with a text"):
        fallback_trainer(TRAIN, 4, 0.2, (), 4, 0)(without_text(vectors, labels == 2), labels, speakers)


def test_both_back_ends_are_saved_with_their_scales(recognizer, tmp_path):
    recognizer.save(tmp_path, {name: 40 for name in "abcd"})
    for name in ("main", "speech"):
        assert (tmp_path / name / "plda").exists()
        assert "scale: " in (tmp_path / name / "calibration.yaml").read_text()
