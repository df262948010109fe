import numpy as np
import pytest

from ser.corpora.label_map import vote_shares
from ser.errors import SerError
from ser.examples.targets import check_apart, class_numbers, read_targets, read_vote_targets, vote_targets
from ser.kaldi import tables

MAP = {"anger": "anger", "excitement": "happiness", "happiness": "happiness", "frustration": "frustration"}
CLASSES = ["anger", "frustration", "happiness"]


def write_dir(folder, utt2emo, **more):
    """Write a data dir of what targets are read from; of one speaker."""
    folder.mkdir()
    for name, table in {"utt2spk": dict.fromkeys(utt2emo, "s"), "utt2emo": utt2emo, **more}.items():
        tables.write_map(folder / name, table)
    return folder


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
    with pytest.raises(SerError, match="utt2votes: no such file; soft targets need annotators' votes"):
        read_vote_targets(tmp_path, ["u1"], MAP, np.array([0]), CLASSES)
    (tmp_path / "utt2votes").write_text("u1 anger:3\n")
    assert read_vote_targets(tmp_path, ["u1"], MAP, np.array([1]), CLASSES).tolist() == [[1, 0, 0]]
    with pytest.raises(SerError, match="no line for 1 of 2 utterances, the first 'u2'"):
        read_vote_targets(tmp_path, ["u1", "u2"], MAP, np.array([0, 0]), CLASSES)


def test_a_class_that_the_model_does_not_have_is_refused():
    assert class_numbers(["u1"], {"u1": "happiness"}, CLASSES, "x").tolist() == [2]
    with pytest.raises(SerError, match="data/x/utt2emo: no class of 1 of 2 utterances, the first 'u2'"):
        class_numbers(["u1", "u2"], {"u1": "anger"}, CLASSES, "data/x/utt2emo")
    with pytest.raises(SerError, match="utt2emo: class fear is not among the model's classes anger, frustration, ha"):
        class_numbers(["u1"], {"u1": "fear"}, CLASSES, "data/x/utt2emo")


def test_targets_of_a_training_are_classes_or_votes_and_validation_is_by_class(tmp_path):
    tables.write_map(tmp_path / "map", MAP)
    train = write_dir(tmp_path / "train", {"a": "happiness", "b": "anger"}, utt2votes={"a": "joy:1", "b": "anger:3"})
    valid = write_dir(tmp_path / "valid", {"c": "frustration"})
    hard, soft = (read_targets(train, valid, tmp_path / "map", soft) for soft in (False, True))
    assert hard.classes == CLASSES and hard.train_utts == ["a", "b"] and hard.valid_utts == ["c"]
    assert hard.train.tolist() == hard.train_numbers.tolist() == [2, 0] and hard.counts.tolist() == [1, 0, 1]
    assert soft.train.tolist() == [[0, 0, 1], [1, 0, 0]] and soft.counts.tolist() == [1, 0, 1]
    assert hard.valid_numbers.tolist() == soft.valid_numbers.tolist() == [1]
    assert hard.inputs == {"utt2emo": train / "utt2emo", "label map": tmp_path / "map"}
    assert soft.inputs == hard.inputs | {"votes": train / "utt2votes"}


@pytest.mark.parametrize(
    ("train_copies", "valid_copies"),
    [({}, {}), ({"b": "x", "c": "v"}, {}), ({}, {"v": "a"}), ({"b": "x"}, {"v": "x"})],
    ids=["the same", "a copy trains", "a copy validates", "two copies of one"],
)
def test_no_utterance_both_trains_and_validates_itself_or_as_a_copy(tmp_path, train_copies, valid_copies):
    utts = {"a": "anger", "b": "anger", "c": "anger"}
    train = write_dir(tmp_path / "train", utts, utt2uniq=train_copies)
    valid = write_dir(
        tmp_path / "valid", {"v" if valid_copies or train_copies else "b": "anger"}, utt2uniq=valid_copies
    )
    tables.write_map(tmp_path / "map", MAP)
    message = r"1 utterances of .*train or copies of them are in the .* set .*valid, the first '\w'; split first"
    with pytest.raises(SerError, match=message):
        read_targets(train, valid, tmp_path / "map", soft=False)
    check_apart(train, ["a"], tmp_path, ["w"])
