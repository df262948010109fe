import numpy as np
import pytest

from ser.backend.chain import BackendConfig
from ser.backend.layers import cross_validate
from ser.backend.speaker_normalisation import SpeakerNormalisation
from ser.config import load_config
from ser.errors import SerError


def normalise_speakers(vectors: np.ndarray, speakers: list[str]) -> np.ndarray:
    return SpeakerNormalisation.parse("all").apply(vectors, speakers, scale=True)


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Three classes far apart in 2 of 6 numbers; six speakers, two a fold, each shifted and scaled by its own."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 60)
    centres = 4.0 * np.array([[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [-1, -1, 0, 0, 0, 0]], float)
    speakers = [f"s{number // 30}" for number in range(180)]
    shifts = 20.0 * rng.normal(size=(6, 6))
    vectors = centres[labels] + rng.normal(size=(180, 6)) + shifts[np.repeat(np.arange(6), 30)]
    return vectors.astype(np.float32), labels, speakers, [str(number // 60) for number in range(180)]


@pytest.fixture(scope="module")
def config() -> BackendConfig:
    return load_config(BackendConfig, "conf/ravdess/backend.yaml")


@pytest.mark.parametrize("classifier", ["plda", "svm"])
def test_speakers_shifts_are_taken_off_and_the_classes_told_apart(planted, config, classifier):
    vectors, labels, speakers, folds = planted
    figures = cross_validate(normalise_speakers(vectors, speakers), labels, folds, classifier, config)
    assert figures.unweighted > 0.97 and figures.weighted > 0.97
    assert figures.eer is None if classifier == "svm" else figures.eer < 0.03
    assert cross_validate(vectors, labels, folds, classifier, config).unweighted < 0.9


def test_shuffled_labels_are_at_chance(planted, config):
    vectors, labels, speakers, folds = planted
    shuffled = np.random.default_rng(1).permutation(labels)
    figures = cross_validate(normalise_speakers(vectors, speakers), shuffled, folds, "plda", config)
    assert 0.2 < figures.unweighted < 0.47 and 0.4 < figures.eer < 0.6


def test_one_fold_and_a_class_of_one_fold_alone_are_named(planted, config):
    vectors, labels, _, _ = planted
    with pytest.raises(SerError, match=r"one fold alone \(1\)"):
        cross_validate(vectors, labels, ["1"] * 180, "svm", config)
    folds = np.where(labels == 2, "2", np.tile(["1", "3"], 90))
    with pytest.raises(SerError, match="fold 2: no training utterance of class 2"):
        cross_validate(vectors, labels, folds, "svm", config)
