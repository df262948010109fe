from collections import Counter

import pytest

from ser.corpora import dailydialog, records
from ser.errors import SerError
from ser.kaldi import tables

TEXT = (
    "Say , Jim .  How about a beer ? __eou__ You know . __eou__ What do you mean ? __eou__\nHi ! __eou__ Hi . __eou__\n"
)
LABELS = "0 1 6 \n4 0\n"
TOP = {"dialogues_text.txt": TEXT, "dialogues_emotion.txt": LABELS}
IN_PARTS = {
    "train/dialogues_train.txt": TEXT,
    "train/dialogues_emotion_train.txt": LABELS,
    "test/dialogues_test.txt": "Bye . __eou__\n",
    "test/dialogues_emotion_test.txt": "5 \n",
}


def test_turns_alternate_between_two_speakers_of_the_dialogue(make_files):
    utterances, left_out = dailydialog.read(make_files(TOP), "all")
    assert left_out == []
    assert [(item.utt, item.spk, item.text, item.emotion, item.dialogue) for item in utterances] == [
        ("dd00001A-000", "dd00001A", "Say , Jim . How about a beer ?", "neutral", "dd00001"),
        ("dd00001B-001", "dd00001B", "You know .", "anger", "dd00001"),
        ("dd00001A-002", "dd00001A", "What do you mean ?", "surprise", "dd00001"),
        ("dd00002A-000", "dd00002A", "Hi !", "happiness", "dd00002"),
        ("dd00002B-001", "dd00002B", "Hi .", "neutral", "dd00002"),
    ]


def test_parts_are_told_apart(make_files):
    utterances, _ = dailydialog.read(make_files(IN_PARTS), "all")
    assert Counter(utterance.part for utterance in utterances) == {"train": 5, "test": 1}
    assert utterances[-1].utt == "ddtest00001A-000"


def test_part_is_taken_alone(make_files):
    utterances, _ = dailydialog.read(make_files(IN_PARTS), "test")
    assert [utterance.emotion for utterance in utterances] == ["sadness"]


def test_data_dir_is_text_only(make_files, tmp_path):
    records.write_data_dir(tmp_path / "data", *dailydialog.read(make_files(IN_PARTS), "all"))
    names = {path.name for path in (tmp_path / "data").iterdir()}
    assert names == {"utt2spk", "spk2utt", "text", "utt2emo", "utt2dialogue", "utt2part", "left_out"}


def test_dialogue_with_too_few_labels_is_named_by_file_and_line(make_files, tmp_path):
    corpus = make_files(TOP | {"dialogues_emotion.txt": "0 1 6\n4\n"})
    utterances, left_out = dailydialog.read(corpus, "all")
    assert len(utterances) == 3
    with pytest.raises(SerError, match=r"dialogues_text.txt:2 .*2 here, 1 in dialogues_emotion.txt:2"):
        records.write_data_dir(tmp_path / "data", utterances, left_out)


def test_files_of_different_lengths_are_refused(make_files):
    with pytest.raises(SerError, match=r"dialogues_emotion.txt: 1 dialogues, but 2 in .*dialogues_text.txt"):
        dailydialog.read(make_files(TOP | {"dialogues_emotion.txt": "0 1 6\n"}), "all")


def test_unknown_label_is_refused_with_its_line(make_files):
    with pytest.raises(SerError, match=r"dialogues_emotion.txt:2: expected labels from 0 to 6, found '7'"):
        dailydialog.read(make_files(TOP | {"dialogues_emotion.txt": "0 1 6\n7 0\n"}), "all")


def test_missing_label_file_is_named(make_files):
    with pytest.raises(SerError, match=r"dialogues_emotion.txt: missing"):
        dailydialog.read(make_files({"dialogues_text.txt": TEXT}), "all")


def test_part_that_is_not_there_is_named(make_files):
    with pytest.raises(SerError, match="--part can be train, test or all"):
        dailydialog.read(make_files(IN_PARTS), "validation")


def test_files_at_the_top_have_no_parts(make_files):
    with pytest.raises(SerError, match=r"use --part all, or unpack train\.zip"):
        dailydialog.read(make_files(TOP), "train")


def test_folder_of_another_corpus_is_refused(make_files):
    with pytest.raises(SerError, match="not DailyDialog"):
        dailydialog.read(make_files({"a.txt": ""}), "all")


def test_real_dialogues_are_all_read(real_corpus, tmp_path):
    utterances, left_out = dailydialog.read(real_corpus("dailydialog"), "all")
    assert left_out == []
    records.write_data_dir(tmp_path / "data", utterances)
    assert Counter(tables.read_map(tmp_path / "data" / "utt2part").values()) == {"train": 8206, "validation": 493}
    assert len(set(tables.read_map(tmp_path / "data" / "utt2dialogue").values())) == 834 + 47


def test_lone_carriage_return_inside_a_line_ends_none(make_files):
    corpus = make_files({"dialogues_emotion.txt": LABELS})
    (corpus / "dialogues_text.txt").write_bytes(TEXT.replace("about a", "about\ra").encode())
    utterances, left_out = dailydialog.read(corpus, "all")
    assert len(utterances) == 5 and not left_out
    assert utterances[0].text == "Say , Jim . How about a beer ?"


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_no_matter(make_files, end):
    corpus = make_files({})
    corpus.mkdir(exist_ok=True)
    for name, text in TOP.items():
        (corpus / name).write_bytes(text.replace("\n", end).encode())
    assert len(dailydialog.read(corpus, "all")[0]) == 5
