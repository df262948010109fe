from collections import Counter

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi.datadir import normalise_text
from ser.text.held_out import count_shared, hold_out, split_off


def split(texts: dict[str, str], labels: list[str], dialogues=None, parts=None, fraction=0.1, seed=0):
    return split_off(list(texts), texts, labels, dialogues or {}, parts or {}, fraction, seed)


def words(texts: dict[str, str], indices: np.ndarray) -> set[str]:
    values = list(texts.values())
    return {normalise_text(values[index]) for index in indices}


def test_texts_that_come_three_times_are_on_one_side():
    """240 random texts with random labels three times each: what is learnt of them tells nothing of the held-out."""
    rng = np.random.default_rng(0)
    sentences = [" ".join(rng.choice(list("abcdefgh"), 8)) for _ in range(240)]
    classes = rng.choice(["anger", "neutral"], 240).tolist()
    texts = {f"u{copy}-{index}": text for copy in range(3) for index, text in enumerate(sentences)}
    train, valid, said = split(texts, classes * 3)
    assert not words(texts, train) & words(texts, valid)
    assert len(train) + len(valid) == 720 and 0.08 < len(valid) / 720 < 0.12
    assert "of 240 different texts" in said


@pytest.mark.parametrize("other", ["DON'T WORRY!", "don't  worry", " Don't -- worry ..."])
def test_case_punctuation_and_blanks_make_no_other_text(other):
    texts = {f"a{index}": text for index, text in enumerate(["Don't worry.", other, "yes", "no", "well", "so"])}
    for seed in range(5):
        train, valid, _ = split(texts, ["x"] * 6, fraction=0.3, seed=seed)
        assert (0 in train) == (1 in train) and (0 in valid) == (1 in valid)


def test_whole_dialogues_validate_and_words_that_train_too_are_left_out():
    texts = {f"d{number}-{turn}": f"text {number} {turn}" for number in range(40) for turn in range(5)}
    texts |= {f"d{number}-0": "Yes ." for number in range(40)}
    dialogues = {utt: utt.partition("-")[0] for utt in texts}
    train, valid, said = split(texts, ["neutral"] * 200, dialogues)
    utts = list(texts)
    assert not {dialogues[utts[index]] for index in train} & {dialogues[utts[index]] for index in valid}
    assert "yes" in words(texts, train) and "yes" not in words(texts, valid)
    assert (len(train), len(valid)) == (180, 16)
    assert said == ("validated by 4 of 40 dialogues: 16 texts; 4 more are left out, whose words are in training too")


def test_rare_classes_are_on_both_sides():
    dialogues = {f"d{number}-{turn}": f"d{number}" for number in range(50) for turn in range(4)}
    texts = {utt: utt for utt in dialogues}
    labels = ["fear" if utt in ("d7-2", "d30-1", "d31-0") else "neutral" for utt in texts]
    train, valid, _ = split(texts, labels, dialogues)
    assert Counter(labels[index] for index in valid)["fear"] == 1
    assert Counter(labels[index] for index in train)["fear"] == 2


def test_corpus_validates_by_its_own_part():
    texts = {f"u{index}": f"text {index % 90}" for index in range(100)}
    parts = {utt: "validation" if int(utt[1:]) >= 80 else "train" for utt in texts}
    train, valid, said = split(texts, ["neutral"] * 100, parts=parts)
    assert train.tolist() == list(range(80)) and valid.tolist() == list(range(80, 90))
    assert said == (
        "validated by the corpus's own validation part: 10 texts; 10 more are left out, whose words are in training too"
    )


def test_split_depends_on_the_seed_alone():
    texts = {f"u{index}": f"text {index}" for index in range(100)}
    labels = [str(index % 3) for index in range(100)]
    assert split(texts, labels).valid.tolist() == split(texts, labels).valid.tolist()
    assert split(texts, labels).valid.tolist() != split(texts, labels, seed=1).valid.tolist()


def test_texts_that_are_all_one_cannot_validate():
    with pytest.raises(SerError, match=r"6 texts, 1 of them different: .* give texts of more dialogues"):
        split({f"u{index}": "yes" for index in range(6)}, ["neutral"] * 6)
    with pytest.raises(SerError, match=r"4 texts, 1 of them different"):
        split(
            {f"d{n}-{m}": "yes" for n in "ab" for m in "ab"},
            ["x"] * 4,
            {"da-a": "a", "da-b": "a", "db-a": "b", "db-b": "b"},
        )


def test_shared_texts_of_two_data_dirs_are_counted():
    assert count_shared({"a": "Yes ."}, {"b": "yes", "c": "no", "d": "YES!"}) == 2


def test_hold_out_keeps_the_share_of_every_class():
    labels = ["neutral"] * 80 + ["anger"] * 20 + ["fear"] * 2 + ["disgust"]
    train, valid = hold_out(labels, 0.1, seed=0)
    assert sorted([*train, *valid]) == list(range(len(labels)))
    assert Counter(labels[index] for index in valid) == {"neutral": 8, "anger": 2, "fear": 1}
    assert hold_out(labels, 0.1, seed=0)[1].tolist() == valid.tolist()
    with pytest.raises(SerError, match="valid_fraction is 0"):
        hold_out(labels, 0.0, seed=0)
