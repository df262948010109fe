import numpy as np
import pytest

from ser.corpora.label_map import vote_shares
from ser.errors import SerError
from ser.training.targets import class_numbers, read_vote_targets, vote_targets

MAP = {"anger": "anger", "excitement": "happiness", "happiness": "happiness", "frustration": "frustration"}
CLASSES = ["anger", "frustration", "happiness"]


def test_two_votes_of_three_are_two_thirds():
    targets = vote_targets(["anger:2 frustration:1"], MAP, np.array([0]), CLASSES)
    assert targets.dtype == np.float32
    np.testing.assert_allclose(targets, [[2 / 3, 1 / 3, 0]], rtol=1e-6)


def test_excitement_counts_as_happiness_and_votes_for_no_class_are_void():
    targets = vote_targets(["excitement:1 happiness:1 surprise:2"], MAP, np.array([2]), CLASSES)
    assert targets.tolist() == [[0, 0, 1]]


def test_without_a_vote_for_a_class_the_label_is_the_whole_target():
    assert vote_targets(["surprise:3", ""], MAP, np.array([1, 0]), CLASSES).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_broken_votes_are_named():
    with pytest.raises(SerError, match=r"expected 'emotion:count ...', found 'anger'"):
        vote_shares(MAP, "anger")


def test_a_corpus_without_votes_has_no_soft_targets(tmp_path):
    with pytest.raises(SerError, match="utt2votes: no such file; soft targets are the annotators' votes"):
        read_vote_targets(tmp_path, ["u1"], MAP, np.array([0]), CLASSES)
    (tmp_path / "utt2votes").write_text("u1 anger:3\n")
    assert read_vote_targets(tmp_path, ["u1"], MAP, np.array([1]), CLASSES).tolist() == [[1, 0, 0]]
    with pytest.raises(SerError, match="no line for 1 of 2 utterances, the first 'u2'"):
        read_vote_targets(tmp_path, ["u1", "u2"], MAP, np.array([0, 0]), CLASSES)


def test_a_class_that_the_model_does_not_have_is_refused():
    assert class_numbers(["u1"], {"u1": "happiness"}, CLASSES, "x").tolist() == [2]
    with pytest.raises(SerError, match="data/x/utt2emo: its class fear is none of the model's: anger, frustration, ha"):
        class_numbers(["u1"], {"u1": "fear"}, CLASSES, "data/x/utt2emo")
