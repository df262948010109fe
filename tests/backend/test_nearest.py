from pathlib import Path

import numpy as np

from ser.backend import nearest
from ser.backend.chain import BackendConfig
from ser.backend.recognizer import adapted, train_plda
from ser.backend.yardsticks import train_cosine
from ser.config import load_config
from ser.results.cell import write_nearest

CONFIG = Path(__file__).parents[2] / "conf" / "backend.yaml"


def test_nearest_are_those_of_the_highest_scores_whatever_the_block(monkeypatch):
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(30, 6)), rng.normal(size=(17, 6))
    recognizer = train_cosine(train, np.arange(30) % 3, load_config(BackendConfig, CONFIG))
    pairs = recognizer.pair_scores(train, test)
    which, scores = nearest.nearest(recognizer, train, test, 4)
    assert which.shape == scores.shape == (17, 4)
    for row in range(17):
        assert sorted(pairs[:, row])[-4:] == list(scores[row][::-1])
        np.testing.assert_array_equal(pairs[which[row], row], scores[row])
    monkeypatch.setattr(nearest, "SCORES_AT_ONCE", 31)
    np.testing.assert_array_equal(nearest.nearest(recognizer, train, test, 4)[0], which)
    assert nearest.nearest(recognizer, train[:2], test, 4)[0].shape == (17, 2)


def test_nearest_are_written_with_their_scores(tmp_path):
    write_nearest(tmp_path, ["u2", "u1"], ["t1", "t2"], np.array([[1, 0], [0, 1]]), np.array([[2.5, 1.0], [0.5, -1.0]]))
    assert (tmp_path / "nearest.txt").read_text() == "u1 t1 0.5000 t2 -1.0000\nu2 t2 2.5000 t1 1.0000\n"


def test_adapted_plda_takes_the_mean_of_the_new_vectors_and_keeps_the_classes():
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 3
    train = rng.normal(size=(60, 8)) + 3 * np.eye(3, 8)[labels]
    new = rng.normal(size=(40, 8)) + 3 * np.eye(3, 8)[np.arange(40) % 3] + 1.5
    recognizer = train_plda(train, labels, load_config(BackendConfig, CONFIG))
    changed = adapted(recognizer, train, new)
    np.testing.assert_allclose(changed.backend.plda.mean, recognizer.backend.reduce(new).mean(axis=0), atol=1e-9)
    np.testing.assert_array_equal(changed.labels, labels)
    right = (changed.class_scores(new).argmax(axis=1) == np.arange(40) % 3).mean()
    assert right >= (recognizer.class_scores(new).argmax(axis=1) == np.arange(40) % 3).mean()
    assert right > 0.8
