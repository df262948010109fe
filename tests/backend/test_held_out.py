from dataclasses import dataclass

import numpy as np
import pytest

from ser.backend.chain import BackendConfig
from ser.backend.held_out import assign_parts, held_out_scores, train_and_score
from ser.backend.recognizer import trainer
from ser.metrics import calibration, class_calibration


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


def net_of(seen: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings of 36 speakers by a net that was trained on the first `seen`: these lie closer to their class."""
    speakers, labels = np.repeat(np.arange(36), 20), np.tile(np.arange(4), 180)
    spread = np.where(speakers < seen, 0.6, 2.0)[:, None]
    offsets = np.where(np.arange(36) < seen, 0.2, 1.0)[:, None] * rng.normal(size=(36, 10))
    vectors = 3.0 * np.eye(10)[labels] + spread * rng.normal(size=(720, 10)) + offsets[speakers]
    return vectors, labels, np.array([f"s{number:02d}" for number in speakers])


def test_a_calibration_on_speakers_that_the_net_saw_is_too_sure_of_new_ones_and_on_others_is_right():
    vectors, labels, speakers = net_of(18, np.random.default_rng(0))
    train_one = trainer("plda", BackendConfig(0, 0.0, 1e-6, 0.0, 10, 0.0, True, True, "average"))
    # 18 speakers train the net, 6 are kept from it, 12 are scored.
    unseen = [f"s{number}" for number in range(18, 24)]
    scored = speakers >= "s24"
    train = [array[~scored] for array in (vectors, labels, speakers)]
    same = labels[scored, None] == labels[scored]
    rows = np.triu(np.ones_like(same), 1)
    found = {}
    for name, new in (("seen", []), ("unseen", unseen)):
        recognizer, held_out, trained = train_and_score(train_one, *train, new, 4, 0)
        pairs = recognizer.pair_scores(vectors[scored], vectors[scored])
        target, nontarget = pairs[same & rows], pairs[~same & rows]
        llrs = calibration.affine(held_out.target, held_out.nontarget, 0.5).llrs
        cllr = calibration.cllr(np.sort(llrs(target)), np.sort(llrs(nontarget)))
        cost = calibration.act_dcf(np.sort(llrs(target)), np.sort(llrs(nontarget)), 0.5)
        posteriors = class_calibration.fit(held_out.classes, held_out.labels, with_bias=False).posteriors(
            recognizer.class_scores(vectors[scored])
        )
        found[name] = cllr, cost, calibration.expected_calibration_error(posteriors, labels[scored])
    assert set(speakers[np.flatnonzero(~scored)[held_out.rows]]) == set(unseen)
    assert not set(train[2][trained]) & set(unseen)
    assert found["seen"][0] > 1 and found["unseen"][0] < 0.95 and found["unseen"][1] < 1
    assert found["unseen"][2] < 0.1 < found["seen"][2]


def test_without_such_speakers_or_where_the_others_lack_a_class_parts_are_scored(data, caplog):
    vectors, labels, speakers = data
    train = lambda vectors, labels, speakers: Witness(vectors[:, 0].tolist())  # noqa: E731
    _, found, trained = train_and_score(train, *data, [], 3, 0)
    assert len(found.rows) == 40 and trained.all()
    _, found, trained = train_and_score(train, *data, ["s1", "s2"], 3, 0)
    assert set(speakers[found.rows]) == {"s1", "s2"} and found.rows.tolist() == np.flatnonzero(~trained).tolist()
    only = np.where(speakers == "s1", 2, labels)
    _, found, trained = train_and_score(train, vectors, only, speakers, ["s1"], 3, 0)
    assert len(found.rows) == 40 and trained.all()
    assert "fitted on training speakers: without the 1 unknown to all nets" in caplog.text
