import numpy as np
import pytest

from ser.backend import chain
from ser.backend.ensemble import ensemble_trainer
from ser.backend.recognizer import trainer
from ser.errors import SerError
from ser.metrics.detection import ScoredTrials

SETTINGS = chain.BackendConfig(0, 0.0, 1e-6, 0.0, 10, 0.0, True, True, "average")


def vectors_of(seed, labels, noise=3.0):
    """Vectors (N, 6) of a net of this seed: its own directions for the classes, and noise of its own."""
    rng = np.random.default_rng(seed)
    return noise * rng.standard_normal((len(labels), 6)) + 3.0 * rng.standard_normal((4, 6))[labels]


@pytest.fixture
def labels():
    return np.arange(240) % 4


def test_scores_are_the_mean_of_the_members_on_their_parts(labels):
    parts = [vectors_of(seed, labels)[:, : 6 - seed] for seed in range(2)]
    speakers = np.arange(240) // 12
    both = ensemble_trainer(trainer("plda", SETTINGS), (6, 5))(np.hstack(parts), labels, speakers)
    members = [trainer("plda", SETTINGS)(part, labels, speakers) for part in parts]
    each = [member.pair_scores(part[:7], part, 3) for member, part in zip(members, parts, strict=True)]
    np.testing.assert_array_equal(both.pair_scores(np.hstack(parts)[:7], np.hstack(parts), 3), np.mean(each, axis=0))
    by_class = np.mean([member.class_scores(part) for member, part in zip(members, parts, strict=True)], axis=0)
    np.testing.assert_array_equal(both.class_scores(np.hstack(parts)), by_class)
    assert both.lda_dim == 3


def test_the_errors_of_trainings_that_err_apart_are_fewer_in_their_mean(labels):
    seeds = [vectors_of(seed, labels) for seed in range(4)]
    half, speakers = np.arange(240) < 120, np.arange(240) // 12

    def eer(train, vectors):
        scores = train(vectors[half], labels[half], speakers[half]).pair_scores(vectors[~half], vectors[~half])
        return ScoredTrials.of_pairs(scores, labels[~half], labels[~half], np.arange(120)).eer()

    alone = [eer(trainer("plda", SETTINGS), vectors) for vectors in seeds]
    assert eer(ensemble_trainer(trainer("plda", SETTINGS), [6] * 4), np.hstack(seeds)) < min(alone)


def test_members_are_saved_each_in_its_folder(labels, tmp_path):
    both = np.hstack([vectors_of(seed, labels) for seed in range(2)])
    recognizer = ensemble_trainer(trainer("plda", SETTINGS), (6, 6))(both, labels, labels)
    recognizer.save(tmp_path, dict.fromkeys("abcd", 60))
    assert {path.name for path in tmp_path.iterdir()} == {"1", "2"} and (tmp_path / "2" / "plda").exists()


def test_vectors_of_another_size_are_refused(labels):
    with pytest.raises(SerError, match=r"vectors of dimension 6; its members take 6 \+ 6"):
        ensemble_trainer(trainer("plda", SETTINGS), (6, 6))(vectors_of(0, labels), labels, labels)
    with pytest.raises(SerError, match="vectors of dimension 6; give two or more vectors for each utterance"):
        ensemble_trainer(trainer("plda", SETTINGS), (6,))
