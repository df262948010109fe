import pytest

from ser.errors import SerError
from ser.protocol.text_condition import shuffle_texts, take_transcripts

TEXTS = {f"u{n:02d}": f"words {n}" for n in range(40)}


@pytest.mark.parametrize("seed", range(5))
def test_shuffle_gives_each_utterance_the_words_of_another_and_uses_all_once(seed):
    shuffled = shuffle_texts(TEXTS, {}, seed)
    assert sorted(shuffled.values()) == sorted(TEXTS.values())
    assert not [utt for utt in TEXTS if shuffled[utt] == TEXTS[utt]]


def test_shuffle_stays_within_the_fold_and_depends_on_the_seed_alone():
    folds = {utt: str(number % 3) for number, utt in enumerate(TEXTS)}
    owner = {text: utt for utt, text in TEXTS.items()}
    shuffled = shuffle_texts(TEXTS, folds, 1)
    assert all(folds[owner[text]] == folds[utt] for utt, text in shuffled.items())
    assert shuffled == shuffle_texts(dict(reversed(TEXTS.items())), folds, 1)
    assert shuffled != shuffle_texts(TEXTS, folds, 2)


def test_utterances_without_words_take_no_part_and_an_only_child_gets_none():
    shuffled = shuffle_texts({"a": "yes", "b": "", "c": "no", "d": "alone"}, {"d": "2"}, 0)
    assert shuffled == {"a": "no", "b": "", "c": "yes", "d": ""}


def test_transcripts_of_some_leave_the_others_without_words():
    assert take_transcripts(["a", "b"], {"b": "yes", "x": "no"}, "asr") == {"a": "", "b": "yes"}


def test_transcripts_of_none_are_an_error_that_names_both_ids():
    with pytest.raises(SerError, match=r"asr: none of its 1 utterances, such as 'x', is scored; .* such as 'a'"):
        take_transcripts(["a"], {"x": "no"}, "asr")
