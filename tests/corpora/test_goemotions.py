from pathlib import Path

import pytest

from ser.corpora import goemotions, records
from ser.corpora.label_map import one_class, read_label_map
from ser.errors import SerError
from ser.kaldi import tables

LINES = 'I "love" it\t18\tabc12\nsad, and thankful\t25,15\tabd3\nwhatever [NAME]\t27\tab_9\n\t27\tab7\n'


@pytest.fixture
def corpus(tmp_path) -> Path:
    (tmp_path / "go" / "data").mkdir(parents=True)
    (tmp_path / "go" / "data" / "dev.tsv").write_text(LINES, encoding="utf-8")
    return tmp_path / "go"


def test_comments_become_utterances_of_their_own_with_all_their_labels(corpus, tmp_path):
    utterances, left_out = goemotions.read(corpus, "all")
    assert [item.reason for item in left_out] == ["comment without words"]
    records.write_data_dir(tmp_path / "data", utterances, [])
    assert tables.read_map(tmp_path / "data" / "utt2labels") == {
        "goemotions-ab_9": "neutral", "goemotions-abc12": "love", "goemotions-abd3": "sadness gratitude",
    }  # fmt: skip
    assert tables.read_map(tmp_path / "data" / "text")["goemotions-abc12"] == 'I "love" it'
    assert set(tables.read_map(tmp_path / "data" / "utt2part").values()) == {"dev"}
    assert not (tmp_path / "data" / "utt2emo").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("well\t28\tabc", r"dev.tsv:1: expected label numbers from 0 to 27, found '28'"),
        ("well\t\tabc", r"dev.tsv:1: expected label numbers from 0 to 27, found ''"),
        ("well\t3", r"dev.tsv:1: expected text, label numbers and the comment's id"),
    ],
)
def test_a_bad_line_is_named(corpus, line, message):
    (corpus / "data" / "dev.tsv").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(SerError, match=message):
        goemotions.read(corpus, "dev")


def test_a_missing_part_and_the_raw_tables_are_refused(corpus, tmp_path):
    with pytest.raises(SerError, match=r"train.tsv: missing; --part can be dev or all"):
        goemotions.read(corpus, "train")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "goemotions_1.csv").write_text("text,id\n")
    with pytest.raises(SerError, match="with a row per rater"):
        goemotions.read(tmp_path / "raw", "train")


def test_the_maps_name_every_label_that_they_should():
    ekman = read_label_map("conf/emotions/goemotions_ekman.map")
    assert ekman.keys() == set(goemotions.LABELS) and len(set(ekman.values())) == 7
    four = read_label_map("conf/emotions/goemotions_four.map")
    assert set(four.values()) == {"anger", "happiness", "neutral", "sadness"}
    renamed = {"joy": "happiness"}
    assert all(renamed.get(ekman[label], ekman[label]) == name for label, name in four.items())
    assert set(goemotions.LABELS) - four.keys() == {
        "disgust", "fear", "nervousness", "confusion", "curiosity", "realization", "surprise",
    }  # fmt: skip


def test_comments_of_two_classes_are_left_out_of_the_four():
    four = read_label_map("conf/emotions/goemotions_four.map")
    labels = {"a": "joy love", "b": "joy anger", "c": "fear", "d": "fear grief"}
    mapped, unlisted, several = one_class(four, labels)
    assert mapped == {"a": "happiness", "d": "sadness"}
    assert dict(unlisted) == {"fear": 1} and several == ["b"]


CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "goemotions"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the real GoEmotions is not beside the repository")
def test_counts_of_the_release():
    utterances, left_out = goemotions.read(CORPUS, "train")
    assert (len(utterances), len(left_out)) == (goemotions.PUBLISHED["train"], 0)
    sizes = [len(utterance.labels) for utterance in utterances]
    assert [sizes.count(number) for number in range(1, 6)] == [36308, 6541, 532, 28, 1]
    assert sum("grief" in utterance.labels for utterance in utterances) == 77
    assert len(goemotions.read(CORPUS, "dev")[0]) == goemotions.PUBLISHED["dev"]
