"""Who trains what in which condition: by the examples of the recipes."""

import pytest

from ser.errors import SerError
from ser.plan.roles import NONE, Roles, in_order, next_fold

FOLDS = ("1", "2", "10")
PAPER = Roles(("voxceleb1",), ("cremad", "iemocap"), ("cremad", "iemocap"), ("dailydialog",), "iemocap", FOLDS)
ALONE = Roles((), ("iemocap",), ("iemocap",), ("iemocap",), "iemocap", FOLDS)


def test_with_other_corpora_in_every_role_the_condition_without_the_scored_one_comes_first():
    assert PAPER.conditions() == ["none", "1", "2", "10"]


def test_a_corpus_that_is_alone_in_a_role_is_scored_by_its_folds_only():
    assert ALONE.conditions() == ["1", "2", "10"]


def test_a_corpus_that_trains_nothing_is_scored_as_a_whole():
    assert Roles(("voxceleb1",), ("cremad",), ("cremad",), (), "iemocap", FOLDS).conditions() == ["none"]


def test_a_corpus_that_needs_folds_and_has_none_is_refused():
    with pytest.raises(SerError, match=r"'iemocap' is the only corpus of some role, and it has no folds here"):
        Roles((), ("iemocap",), ("iemocap",), (), "iemocap", ()).conditions()


def test_what_is_trained_without_the_scored_corpus_is_shared_by_all_conditions():
    assert PAPER.fold_of("2", PAPER.pretrain) == NONE
    assert PAPER.fold_of("2", PAPER.speech) == "2"
    assert PAPER.folds_of(PAPER.pretrain) == ["none"]
    assert PAPER.folds_of(PAPER.finetune) == ["none", "1", "2", "10"]


def test_a_role_without_corpora_trains_nothing():
    assert ALONE.folds_of(ALONE.pretrain) == []
    assert set(ALONE.training) == {"finetune", "backend", "text"}


def test_the_condition_none_trains_on_all_but_the_scored_corpus():
    assert PAPER.corpora_of(NONE, PAPER.finetune) == ("cremad",)
    assert PAPER.corpora_of("1", ["cremad", "iemocap", "cremad"]) == ("cremad", "iemocap")


def test_a_score_depends_on_the_corpora_of_its_modality_and_of_the_back_end():
    assert PAPER.trained_on(NONE, "speech") == ("voxceleb1", "cremad")
    assert PAPER.trained_on("2", "text") == ("dailydialog", "cremad", "iemocap")
    assert PAPER.trained_on("2", "speech+text") == ("voxceleb1", "cremad", "iemocap", "dailydialog")


def test_each_fold_is_audited_against_what_is_trained_for_just_it():
    assert PAPER.trained_folds() == ["none", "1", "2", "10"]
    assert PAPER.trained_for(NONE) == ["pretrain", "finetune", "backend", "text"]
    assert PAPER.trained_for("10") == ["finetune", "backend"]
    assert ALONE.trained_for("1") == ["finetune", "backend", "text"]


def test_folds_sort_as_numbers_and_words_come_after_them():
    assert in_order(["random", "10", "2", "1", "none", "2"]) == ["none", "1", "2", "10", "random"]


def test_the_next_fold_validates_and_after_the_last_the_first():
    assert [next_fold(fold, ("10", "1", "2")) for fold in FOLDS] == ["2", "10", "1"]
    with pytest.raises(SerError, match="no fold '3'; there are 1, 2, 10"):
        next_fold("3", FOLDS)
