from dataclasses import dataclass

import numpy as np
import pytest

from ser.backend.held_out import assign_parts, held_out_scores


@dataclass
class Witness:
    """Scores a pair by the rows that are scored, and remembers what it was trained on."""

    seen: list

    def pair_scores(self, enrol, test, num_utts=1):
        assert not set(enrol[:, 0]) & set(self.seen) and not set(test[:, 0]) & set(self.seen)
        return (enrol[:, :1] + test[:, 0] / 1000).astype(np.float32)

    def class_scores(self, test):
        return np.column_stack([test[:, 0], -test[:, 0]])


@pytest.fixture
def data():
    """40 utterances whose vector is their number, of 2 classes and 8 speakers."""
    return np.arange(40.0)[:, None], np.arange(40) % 2, np.array([f"s{n // 5}" for n in range(40)])


def run(vectors, labels, speakers, parts=3):
    trained_on = []

    def train(vectors, labels, speakers):
        trained_on.append(set(speakers))
        assert set(labels) == {0, 1}
        return Witness(vectors[:, 0].tolist())

    return held_out_scores(train, vectors, labels, speakers, parts, seed=0), trained_on


def test_no_speaker_is_scored_by_a_back_end_that_saw_it(data):
    vectors, labels, speakers = data
    found, trained_on = run(*data)
    everyone = set(speakers)
    held_out = [everyone - seen for seen in trained_on]
    assert len(held_out) == 3 and all(held_out)
    assert sorted(spk for part in held_out for spk in part) == sorted(everyone)
    assert sorted(found.rows) == list(range(40))
    np.testing.assert_array_equal(found.labels, labels[found.rows])
    np.testing.assert_array_equal(found.classes[:, 0], vectors[found.rows, 0])


def test_pairs_are_those_within_a_part_without_an_utterance_with_itself(data):
    _, labels, speakers = data
    found, trained_on = run(*data)
    parts = [np.flatnonzero(~np.isin(speakers, list(seen))) for seen in trained_on]
    pairs = [(i, j) for part in parts for i in part for j in part if i != j]
    for same, scores in ((True, found.target), (False, found.nontarget)):
        expected = sorted(i + j / 1000 for i, j in pairs if (labels[i] == labels[j]) == same)
        np.testing.assert_allclose(np.sort(scores), expected, atol=1e-4)


def test_one_speaker_is_parted_by_utterances(data, caplog):
    caplog.set_level("INFO")
    vectors, labels, _ = data
    found, trained_on = run(vectors, labels, np.full(40, "s"))
    assert len(trained_on) == 3 and sorted(found.rows) == list(range(40))
    assert "utterances are split instead" in caplog.text


def test_a_class_of_one_speaker_is_never_unknown_to_a_back_end(data):
    vectors, _, speakers = data
    run(vectors, (speakers == "s3").astype(int), speakers)  # `train` checks the classes


def test_an_utterance_alone_in_its_class_is_trained_on_and_not_scored():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2])
    part = assign_parts(labels, np.arange(9), 3, seed=0)
    assert part[8] == -1 and (part[:8] >= 0).all()


def test_parts_depend_on_the_seed_alone(data):
    _, labels, speakers = data
    parts = [assign_parts(labels, speakers, 3, seed).tolist() for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]
