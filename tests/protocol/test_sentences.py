import pytest

from ser.errors import SerError
from ser.protocol.sentences import deal_sentences, score_table

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


def savee(speaker: str) -> dict[str, tuple[str, str]]:
    """Give clip -> (sentence, emotion) of a speaker of SAVEE, as its authors describe them."""
    clips = {}
    for emotion in EMOTIONS:
        said = [f"common {n}" for n in range(3)] + [f"{emotion} {n}" for n in range(2)]
        said += [f"{emotion} alone {n}" for n in range(10)]
        clips |= {f"{speaker}-{emotion}{n}": (sentence, emotion) for n, sentence in enumerate(said)}
    neutral = [f"common {n}" for n in range(3)] + [f"{emotion} {n}" for emotion in EMOTIONS for n in range(2)]
    neutral += [f"neutral alone {n}" for n in range(15)]
    return clips | {f"{speaker}-n{n}": (sentence, "neutral") for n, sentence in enumerate(neutral)}


def sides(classes: tuple[str, ...]) -> list[dict[str, str]]:
    train = {utt: pair for speaker in ("JE", "JK", "KL") for utt, pair in savee(speaker).items()}
    found = []
    for side in (train, savee("DC")):
        kept = {utt: pair for utt, pair in side.items() if pair[1] in classes}
        found += [{utt: pair[index] for utt, pair in kept.items()} for index in (0, 1)]
    return found


@pytest.mark.parametrize(
    ("classes", "clips", "accuracy"),
    [((*EMOTIONS, "neutral"), 120, 0.75), (("anger", "happiness", "neutral", "sadness"), 75, 0.80)],
)
def test_savees_sentences_give_the_emotion_of_three_clips_of_four_away(classes, clips, accuracy):
    train, train_classes, test, test_classes = sides(classes)
    assert len(test) == clips
    score = score_table(train, train_classes, test, test_classes)
    assert score.accuracy == pytest.approx(accuracy)
    assert score.known == 1.0
    assert score.majority == pytest.approx(30 / clips)
    if clips == 120:
        # Neutral: 15 of its own, half of 12, a seventh of 3, of 30; the others 10, half of 2 and a seventh of 3, of 15.
        assert score.recall == pytest.approx(((15 + 6 + 3 / 7) / 30 + 6 * (10 + 1 + 3 / 7) / 15) / 7)


def test_sentences_that_do_not_train_have_the_most_frequent_class():
    score = score_table(
        {"a": "x", "b": "y", "c": "z"}, {"a": "calm", "b": "calm", "c": "sad"},
        {"d": "new", "e": "other", "f": ""}, {"d": "calm", "e": "sad", "f": "sad"},
    )  # fmt: skip
    assert (score.known, score.accuracy, score.recall, score.majority) == (0.0, 0.5, 0.5, 0.5)


def test_without_words_or_classes_there_is_no_table():
    assert score_table({}, {}, {"d": "x"}, {"d": "sad"}) is None
    assert score_table({"a": "x"}, {"a": "sad"}, {"d": ""}, {"d": "sad"}) is None


def test_halves_of_savees_sentences_have_every_emotion_and_leave_the_table_nothing():
    train, train_classes, test, test_classes = sides((*EMOTIONS, "neutral"))
    part_of = deal_sentences([(train[utt], train_classes[utt]) for utt in train], 2)
    assert 0.45 < sum(part_of.values()) / len(part_of) < 0.55
    for half in (0, 1):
        kept = {utt: words for utt, words in train.items() if part_of[words] != half}
        tested = {utt: words for utt, words in test.items() if part_of[words] == half}
        assert {train_classes[utt] for utt in kept} == {test_classes[utt] for utt in tested} == {*EMOTIONS, "neutral"}
        score = score_table(kept, train_classes, tested, test_classes)
        assert score.known == 0 and score.accuracy == score.majority < 0.35


def test_fewer_sentences_than_parts_are_refused():
    with pytest.raises(SerError, match="1 sentences cannot be dealt out to 2 parts"):
        deal_sentences([("no", "sad"), ("", "calm")], 2)
