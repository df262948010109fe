import logging

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import tables
from ser.metrics import strata
from ser.results import strata_tables, test_set

# Two speakers, two classes, two sentences, two dialogues.
DATA = {
    "a-1": ("a", "anger", "Kids are talking.", "d1"),
    "a-2": ("a", "anger", "Dogs are sitting.", "d1"),
    "a-3": ("a", "sadness", "kids are talking", "d2"),
    "b-1": ("b", "anger", "Kids are TALKING!", "d1"),
    "b-2": ("b", "sadness", "Dogs are sitting", "d2"),
}


def write_data_dir(folder, *files):
    for place, name in enumerate(("utt2spk", "utt2emo", "text", "utt2dialogue")):
        if name in ("utt2spk", "utt2emo", *files):
            tables.write_map(folder / name, {utt: values[place] for utt, values in DATA.items()})
    return folder


def read(folder, **options):
    classes = ["anger", "sadness"]
    labels = np.array([classes.index(values[1]) for values in DATA.values()])
    return test_set.read_utterances(folder, list(DATA), labels, classes, **options)


@pytest.fixture
def utterances(tmp_path):
    return read(write_data_dir(tmp_path, "text", "utt2dialogue"))


def counts(utterances, held_out=None, ordered=False):
    """Trials and targets of each stratum."""
    same = utterances.labels[:, None] == utterances.labels
    pairs = strata.all_pairs(utterances, held_out, ordered)
    return {
        name: (int(which.sum()), int((which & same).sum())) for name, which in strata.pair_strata(utterances, pairs)
    }


def test_strata_have_the_pairs_counted_by_hand(utterances):
    assert counts(utterances) == {
        # Of 5 x 4 / 2: 3 angry ones make 3 targets, 2 sad ones 1.
        "all": (10, 4),
        # 3 within a, of which a-1 a-2 is a target, and 1 within b.
        "one_speaker": (4, 1),
        # 3 x 2; a-1 b-1, a-2 b-1 and a-3 b-2 are targets.
        "different_speaker": (6, 3),
        # a-1 b-2 and a-2 a-3; neither is of one class.
        "different_sentence_and_dialogue": (3, 0),
    }


def test_ordered_pairs_are_each_there_twice(utterances):
    once, twice = counts(utterances), counts(utterances, ordered=True)
    assert twice == {name: (2 * trials, 2 * targets) for name, (trials, targets) in once.items()}
    assert counts(utterances, "sadness", ordered=True)["all"] == (2 + 2 * 6, 2)


def test_symmetric_scores_have_one_eer_however_pairs_are_counted():
    utterances, vectors = planted(each=3)
    noisy = vectors + np.random.default_rng(1).normal(0.0, 4.0, vectors.shape)
    scores = (noisy @ noisy.T).astype(np.float32)
    assert strata.is_symmetric(scores)
    same = utterances.labels[:, None] == utterances.labels
    once, twice = (
        strata.measure("", scores, same, strata.all_pairs(utterances, ordered=ordered), 0.5)
        for ordered in (False, True)
    )
    assert (2 * once.trials, 2 * once.targets) == (twice.trials, twice.targets)
    assert 0.05 < once.eer < 0.45
    assert abs(once.eer - twice.eer) <= 1.0 / once.targets
    scores[0, 1] += 0.01 * np.ptp(scores)
    assert not strata.is_symmetric(scores)


def test_unseen_class_leaves_the_pairs_that_involve_it(utterances):
    assert counts(utterances, "sadness") == {
        "all": (1 + 6, 1),
        "one_speaker": (3, 0),
        "different_speaker": (4, 1),
        "different_sentence_and_dialogue": (3, 0),
    }


def test_a_corpus_without_dialogues_has_the_stratum_of_sentences(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    assert counts(read(write_data_dir(tmp_path, "text")))["different_sentence"] == (6, 3)
    assert "does not tell each utterance's dialogue" in caplog.text


def test_a_corpus_that_tells_neither_has_no_such_stratum_and_says_so(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    assert list(counts(read(write_data_dir(tmp_path)))) == ["all", "one_speaker", "different_speaker"]
    assert "does not tell each utterance's sentence or dialogue" in caplog.text


def test_utterances_without_words_share_no_sentence(tmp_path):
    write_data_dir(tmp_path, "text")
    (tmp_path / "text").write_text("a-1\na-2\nb-1 <>\nb-2 dogs\n")
    sentences = read(tmp_path).sentences
    assert len(set(sentences.tolist())) == 5


def test_speakers_are_numbered_over_the_whole_corpus(tmp_path):
    write_data_dir(tmp_path)
    (tmp_path / "all").write_text("0 0-1\na a-1\nb b-1\n")
    assert read(tmp_path, all_spk2utt=tmp_path / "all").speakers.tolist() == [1, 1, 1, 2, 2]
    (tmp_path / "all").write_text("a a-1\n")
    with pytest.raises(SerError, match="all: no speaker b, who is in "):
        read(tmp_path, all_spk2utt=tmp_path / "all")


def test_an_utterance_without_speaker_is_refused(tmp_path):
    write_data_dir(tmp_path)
    (tmp_path / "utt2spk").write_text("a-1 a\n")
    with pytest.raises(SerError, match="utt2spk: no speaker of 4 of 5 utterances: a-2, a-3"):
        read(tmp_path)


def test_emotion_pairs_are_trials_of_two_classes_alone():
    labels = np.array([0, 0, 1, 1, 2, 2])
    people = np.zeros(6, int)
    utterances = strata.Utterances(list("abcdef"), labels, ["x", "y", "z"], people, ["s"])
    # x and y are told apart, x and z score the wrong way round.
    scores = np.where(labels[:, None] == labels, 1.0, 0.0).astype(np.float32)
    scores[np.ix_(labels == 0, labels == 2)] = scores[np.ix_(labels == 2, labels == 0)] = 2.0
    found = strata.emotion_pairs(utterances, scores, strata.all_pairs(utterances), 0.5)
    assert {names: (one.trials, one.targets) for names, one in found.items()} == dict.fromkeys(found, (6, 2))
    assert found["x", "y"].eer == 0.0 and found["x", "y"].min_dcf == 0.0
    assert found["x", "z"].min_dcf == 1.0
    assert list(found) == [("x", "y"), ("x", "z"), ("y", "z")]


def planted(num_speakers=8, each=6, seed=0):
    """Two-dimensional classes, far apart; every speaker speaks `each` utterances of each of 3."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(3), num_speakers * each)
    speakers = np.repeat(np.arange(num_speakers), 3 * each)
    vectors = 10.0 * np.array([[1, 0], [0, 1], [-1, -1]])[labels] + rng.standard_normal((len(labels), 2))
    names = [f"{place}" for place in range(len(labels))]
    utterances = strata.Utterances(names, labels, ["x", "y", "z"], speakers, [f"s{n}" for n in range(num_speakers)])
    return utterances, vectors


def test_enrolled_classes_are_found_and_share_no_speaker_with_their_trials():
    utterances, vectors = planted()
    calls = []

    def score_models(models, rows):
        calls.append((models, rows))
        centres = vectors[models].mean(axis=1)
        return -np.linalg.norm(centres[:, None] - vectors[rows], axis=2).astype(np.float32)

    found = strata.enrolment_stratum(utterances, score_models, size=5, draws=4, seed=0, p_target=0.2)
    assert found.eer == 0.0 and found.min_dcf == 0.0
    # 3 classes against half of the 144 utterances, both ways round, 4 times.
    assert (found.trials, found.targets) == (3 * 72 * 2 * 4, 72 * 2 * 4)
    for models, rows in calls:
        assert not set(utterances.speakers[models].ravel()) & set(utterances.speakers[rows])
        assert models.shape == (3, 5) and all(len(set(model)) == 5 for model in models.tolist())
        assert (utterances.labels[models] == np.arange(3)[:, None]).all()
    assert len({tuple(rows) for _, rows in calls}) > 2  # the halves are drawn anew


def test_enrolment_is_the_same_for_every_system():
    utterances, _ = planted()

    def drawn():
        calls = []

        def score_models(models, rows):
            calls.append(np.concatenate([models.ravel(), rows]))
            return np.zeros((len(models), len(rows)), np.float32)

        strata.enrolment_stratum(utterances, score_models, size=1, draws=2, seed=7, p_target=0.2)
        return np.concatenate(calls)

    np.testing.assert_array_equal(drawn(), drawn())


def test_a_class_with_too_few_utterances_is_not_enrolled_and_named(caplog):
    caplog.set_level(logging.INFO)
    utterances, _ = planted(num_speakers=2, each=2)

    def score_models(models, rows):
        raise AssertionError("nothing is enrolled")

    found = strata.enrolment_stratum(utterances, score_models, size=3, draws=2, seed=0, p_target=0.2)
    assert (found.trials, found.eer) == (0, None)
    assert "enrol_3: not enrolled for want of utterances, of 4 times: x 4, y 4, z 4" in caplog.text
    assert strata_tables.strata_to_tsv([found]).splitlines()[1] == "enrol_3\t0\t0\t-\t-"


def test_of_an_unseen_class_alone_a_model_is_enrolled():
    utterances, _ = planted()
    models_seen = []

    def score_models(models, rows):
        models_seen.append(models)
        return np.zeros((len(models), len(rows)), np.float32)

    found = strata.enrolment_stratum(utterances, score_models, 2, 1, 0, 0.2, held_out="y")
    assert (utterances.labels[np.concatenate(models_seen)] == 1).all()
    assert (found.trials, found.targets) == (144, 48)
