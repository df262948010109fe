from collections import Counter

import pytest

from ser.corpora.folds import assign_folds
from ser.errors import SerError


def test_each_fold_has_as_many_of_each_sex_as_another_up_to_one():
    genders = {f"{1001 + index}": "m" if index < 48 else "f" for index in range(91)}
    folds = assign_folds(genders, 5)
    for sex in "mf":
        sizes = Counter(folds[speaker] for speaker in genders if genders[speaker] == sex)
        assert max(sizes.values()) - min(sizes.values()) <= 1
    assert sorted(Counter(folds.values()).values()) == [18, 18, 18, 18, 19]


def test_folds_do_not_depend_on_the_order_of_the_speakers():
    genders = {"d": "f", "a": "m", "c": "m", "b": "f"}
    assert assign_folds(genders, 2) == assign_folds(dict(sorted(genders.items())), 2)


def test_every_speaker_is_in_one_fold_named_from_1():
    folds = assign_folds(dict.fromkeys("abcdef", "m"), 3)
    assert set(folds) == set("abcdef")
    assert set(folds.values()) == {"1", "2", "3"}


@pytest.mark.parametrize("num_folds", [0, 1, 4])
def test_impossible_number_of_folds_is_refused(num_folds):
    with pytest.raises(SerError, match=f"{num_folds} folds of 3 speakers"):
        assign_folds(dict.fromkeys("abc", "f"), num_folds)
