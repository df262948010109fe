"""Speaker normalisation against hand computation, invariance, and its effect on a back end of shifted speakers."""

import numpy as np
import pytest

from ser.backend import recognizer
from ser.backend.chain import BackendConfig
from ser.backend.speaker_normalisation import SpeakerMeans, SpeakerNormalisation
from ser.errors import SerError
from ser.metrics.detection import ScoredTrials

BACKEND = BackendConfig(0, 0.0, 1e-6, 0.0, 10, 0.0, True, True, "average")
ALL = SpeakerNormalisation.parse("all")
SPEAKERS = ["a", "a", "b", "a", "b", "c"]
VECTORS = np.array([[1.0, 2.0], [3.0, 4.0], [10.0, 0.0], [8.0, 0.0], [20.0, 6.0], [7.0, 9.0]])


def test_the_mean_is_over_all_or_the_first_utterances_of_a_speaker():
    # Means of a: (4, 2) over all, (2, 3) over two; of b (15, 3). c has one utterance and gets their average.
    every = ALL.apply(VECTORS, SPEAKERS)
    np.testing.assert_allclose(every, [[-3, 0], [-1, 2], [-5, -3], [4, -2], [5, 3], [7 - 9.5, 9 - 2.5]])
    first = SpeakerNormalisation.parse("first 2").apply(VECTORS, SPEAKERS)
    np.testing.assert_allclose(first, [[-1, -1], [1, 1], [-5, -3], [6, -3], [5, 3], [7 - 8.5, 9 - 3]])


def test_a_speaker_of_fewer_than_the_first_n_gives_all():
    np.testing.assert_allclose(
        SpeakerNormalisation.parse("first 10").apply(VECTORS, SPEAKERS), ALL.apply(VECTORS, SPEAKERS)
    )


def test_none_leaves_the_vectors_as_they_are():
    assert SpeakerNormalisation.parse("none").apply(VECTORS, SPEAKERS) is VECTORS


def test_a_constant_that_is_added_to_a_speaker_changes_nothing():
    rng = np.random.default_rng(0)
    vectors, speakers = rng.normal(size=(60, 5)), np.repeat(["a", "b", "c"], 20)
    shift = {"a": 100.0, "b": -3.0, "c": 0.0}
    moved = vectors + np.array([shift[name] for name in speakers])[:, None]
    np.testing.assert_allclose(ALL.apply(moved, speakers), ALL.apply(vectors, speakers), atol=1e-12)


def test_with_scale_each_speaker_has_deviation_one():
    rng = np.random.default_rng(1)
    speakers = np.repeat(["a", "b"], 30)
    vectors = rng.normal(size=(60, 3)) * np.where(speakers == "a", 5.0, 0.1)[:, None] + 7.0
    found = ALL.apply(vectors, speakers, scale=True)
    for name in ("a", "b"):
        np.testing.assert_allclose(found[speakers == name].std(axis=0), 1.0)
    constant = ALL.apply(np.ones((4, 2)), ["a"] * 4, scale=True)
    np.testing.assert_array_equal(constant, 0.0)


def test_missing_numbers_count_in_no_mean_and_stay_missing():
    vectors = np.array([[np.nan, 1.0], [2.0, 3.0], [4.0, 5.0], [np.nan, 4.0], [np.nan, 6.0]])
    found = ALL.apply(vectors, ["a", "a", "a", "b", "b"])
    np.testing.assert_allclose(found, [[np.nan, -2], [-1, 0], [1, 2], [np.nan, -1], [np.nan, 1]])


def test_means_from_blocks_are_those_of_one_block():
    for words in ("all", "first 2"):
        which = SpeakerNormalisation.parse(words)
        means = SpeakerMeans(which)
        for rows in (slice(0, 2), slice(2, 6)):
            means.add(VECTORS[rows], SPEAKERS[rows])
        np.testing.assert_allclose(means.subtract(VECTORS, SPEAKERS), which.apply(VECTORS, SPEAKERS))


def test_the_type_of_the_vectors_stays():
    assert ALL.apply(VECTORS.astype(np.float32), SPEAKERS).dtype == np.float32


def eer_of_new_speakers(which: SpeakerNormalisation) -> float:
    """Score speakers 10 to 19 by a back end of speakers 0 to 9, whose offsets are 3 times the classes' distance."""
    rng = np.random.default_rng(2)
    speakers = np.repeat(np.arange(20), 30)
    labels = np.tile(np.arange(3), 200)
    vectors = 2.0 * np.eye(8)[labels] + 6.0 * rng.normal(size=(20, 8))[speakers] + rng.normal(size=(600, 8))
    train, test = speakers < 10, speakers >= 10
    sides = [which.apply(vectors[side], speakers[side].astype(str)) for side in (train, test)]
    trained = recognizer.train_plda(sides[0], labels[train], BACKEND)
    scores = trained.pair_scores(sides[1], sides[1])
    return ScoredTrials.of_pairs(scores, labels[test], labels[test], np.arange(int(test.sum()))).eer()


def test_a_back_end_of_shifted_speakers_needs_it():
    without, every, ten = (eer_of_new_speakers(SpeakerNormalisation.parse(w)) for w in ("none", "all", "first 10"))
    assert without > 0.35
    assert every < ten < 0.25
    assert every < without - 0.2


def test_speakers_of_one_utterance_alone_are_refused():
    with pytest.raises(SerError, match="none of 2 speakers has 2 utterances"):
        ALL.apply(VECTORS[:2], ["a", "b"])


@pytest.mark.parametrize("words", ["", "first", "first 1", "first 0", "last 3", "All"])
def test_other_words_are_refused(words):
    with pytest.raises(SerError, match="expected none, all or first <n>"):
        SpeakerNormalisation.parse(words)
