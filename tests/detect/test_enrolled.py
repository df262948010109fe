import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ser.backend.chain import BackendConfig
from ser.config import load_config
from ser.detect.decision import UNKNOWN, Calibration, Decider
from ser.detect.enrolled import EnrolledClasses
from ser.detect.outliers import Outliers
from ser.errors import SerError

ROOT = Path(__file__).parent.parent.parent
NAMES = ("anger", "fear", "joy", "neutral")


@pytest.fixture
def config() -> BackendConfig:
    return load_config(BackendConfig, ROOT / "conf" / "backend.yaml")


def draw(centre: np.ndarray, count: int, seed: int) -> np.ndarray:
    return (centre + np.random.default_rng(seed).standard_normal((count, len(centre)))).astype(np.float32)


@pytest.fixture
def centres() -> np.ndarray:
    """Of four classes and, in the plane of these, of a fifth that nothing is trained on."""
    corners = 4 * np.eye(4, 10)
    return np.vstack([corners, corners[0] + corners[1] - corners[2]])


@pytest.fixture
def classes(centres, config) -> EnrolledClasses:
    vectors = np.vstack([draw(centre, 40, seed) for seed, centre in enumerate(centres[:4])])
    return EnrolledClasses.train(vectors, np.repeat(np.arange(4), 40), NAMES, config)


def decider(classes: EnrolledClasses, threshold: float = 0.0) -> Decider:
    return Decider(classes, Calibration(1.0, dict.fromkeys(classes.names, 0.0), threshold, 1e9, 160), anywhere(10))


def anywhere(dim: int) -> Outliers:
    return Outliers(np.zeros((1, dim)), np.eye(dim))


@pytest.mark.parametrize("examples", [1, 3])
def test_a_class_added_by_examples_is_found_and_costs_the_others_little(classes, centres, examples):
    added = decider(classes).add("boredom", draw(centres[4], examples, 20))
    assert {emotion for emotion, *_ in added.decide(draw(centres[4], 20, 30))} == {"boredom"}
    for name, centre in zip(NAMES, centres, strict=False):
        assert [emotion for emotion, *_ in added.decide(draw(centre, 20, 40))].count(name) >= 18


def test_posteriors_sum_to_one_and_name_the_emotion(classes, centres):
    for emotion, posteriors, _ in decider(classes).decide(draw(centres[1], 20, 50)):
        assert sum(posteriors.values()) == pytest.approx(1) and max(posteriors, key=posteriors.get) == emotion


def test_a_model_whose_numbers_are_none_is_refused(classes, centres):
    damaged = dataclasses.replace(classes, averages=classes.averages * np.nan)
    with pytest.raises(SerError, match="a posterior is NaN"):
        decider(damaged).decide(centres[:1])


def test_what_is_between_classes_is_unknown(classes, centres):
    between = ((centres[0] + centres[1]) / 2)[None].astype(np.float32)
    ((emotion, posteriors, _),) = decider(classes, threshold=0.9).decide(between)
    assert emotion == UNKNOWN and max(posteriors.values()) < 0.9
    assert decider(classes, threshold=0.9).decide(centres[:1])[0][0] == "anger"


def test_temperature_and_bias_move_the_posteriors(classes, centres):
    between = ((centres[0] + centres[1]) / 2)[None]
    bias = dict.fromkeys(NAMES, 0.0) | {"fear": 50.0}
    assert Decider(classes, Calibration(1.0, bias, 0.0, 1e9, 1), anywhere(10)).decide(between)[0][0] == "fear"
    flat = Decider(classes, Calibration(1e9, dict.fromkeys(NAMES, 0.0), 0.0, 1e9, 1), anywhere(10)).decide(between)[0][
        1
    ]
    assert list(flat.values()) == pytest.approx([0.25] * 4)


def test_saved_classes_score_the_same(classes, centres, tmp_path: Path):
    test = draw(centres[2], 10, 60)
    decider(classes, 0.3).save(tmp_path)
    loaded = Decider.load(tmp_path)
    assert loaded.classes.names == NAMES and loaded.calibration.threshold == 0.3
    np.testing.assert_allclose(loaded.classes.class_scores(test), classes.class_scores(test), atol=1e-4)


def test_files_of_different_classes_are_refused(classes, tmp_path: Path):
    decider(classes).save(tmp_path)
    (tmp_path / "num_utts").write_text("anger 40\n")
    with pytest.raises(SerError, match="name different classes"):
        Decider.load(tmp_path)


def test_what_is_far_from_training_is_unknown_also_beside_an_added_class(classes, centres):
    vectors = np.vstack([draw(centre, 40, seed) for seed, centre in enumerate(centres[:4])])
    calibration = Calibration(1.0, dict.fromkeys(NAMES, 0.0), 0.0, 3.0, 160)
    away = 100 * np.eye(10)[9]
    with_outliers = Decider(classes, calibration, Outliers.fit(vectors))
    for decider_ in (with_outliers, with_outliers.add("boredom", draw(centres[4] - away, 3, 20))):
        for far in decider_.decide(vectors[:20] + away):
            assert far.emotion == UNKNOWN and far.distance > 1
            assert sum(far.posteriors.values()) == pytest.approx(1)
        assert all(near.emotion != UNKNOWN and near.distance <= 1 for near in decider_.decide(vectors))
    added = with_outliers.add("boredom", draw(centres[4] - away, 3, 20))
    assert all(found.distance <= 1 for found in added.decide(draw(centres[4] - away, 20, 30)))
