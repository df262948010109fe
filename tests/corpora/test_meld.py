from collections import Counter

import pytest

from ser.corpora import meld, records
from ser.errors import SerError

HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def row(speaker, emotion, dialogue, number, words="Oh my God!"):
    return f'1,"{words}",{speaker},{emotion},neutral,{dialogue},{number},8,21,"00:16:16,059","00:16:21,731"\n'


TABLES = {
    "train_sent_emo.csv": HEADER
    + row("Chandler", "joy", 0, 0)
    + row("The Waiter", "anger", 0, 1)
    + row("Joey", "neutral", 125, 3),
    "dev_sent_emo.csv": HEADER + row("Joey", "fear", 0, 0) + row('"Joey and Ross"', "surprise", 0, 1),
    "test_sent_emo.csv": HEADER + row("Joey", "disgust", 0, 0) + row("All", "sadness", 1, 0),
}


def test_rows_give_words_speakers_dialogues_and_parts(make_files, tmp_path):
    utterances, left_out = meld.read(make_files(TABLES), "all", audio=False)
    records.write_data_dir(tmp_path / "data", utterances, left_out)
    assert [(item.utt, item.emotion, item.part, item.dialogue) for item in utterances[:2]] == [
        ("meld_chandler-train_dia0_utt0", "happiness", "train", "meld_train_0000"),
        ("meld_the_waiter-train_dia0_utt1", "anger", "train", "meld_train_0000"),
    ]
    assert Counter(item.part for item in utterances) == {"train": 3, "validation": 2, "test": 2}
    assert not (tmp_path / "data/wav.scp").exists() and not (tmp_path / "data/utt2fold").exists()


def test_several_people_at_once_are_nobody_known_and_shared_speakers_are_told(make_files):
    utterances, _ = meld.read(make_files(TABLES), "all", audio=False)
    assert [item.utt for item in utterances if item.utt == item.spk] == [
        "meld_unknown-validation_dia0_utt1",
        "meld_unknown-test_dia1_utt0",
    ]
    assert meld.shared_speakers(utterances) == ["meld_joey"]


def test_apostrophes_of_windows_are_mended(make_files):
    corpus = make_files(TABLES)
    (corpus / "test_sent_emo.csv").write_bytes((HEADER + row("Joey", "joy", 0, 0, "I\x92m fine")).encode("latin-1"))
    assert meld.read(corpus, "test", audio=False)[0][0].text == "I\u2019m fine"
    (corpus / "test_sent_emo.csv").write_text(HEADER + row("Joey", "joy", 0, 0, "I\x92m fine"), encoding="utf-8")
    assert meld.read(corpus, "test", audio=False)[0][0].text == "I'm fine"


def test_clips_are_read_through_ffmpeg_and_broken_ones_left_out(make_files, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: name)
    clips = [
        "train/train_splits/dia0_utt0.mp4",
        "train/train_splits/dia0_utt1.wav",
        "train/train_splits/dia125_utt3.mp4",
    ]
    utterances, left_out = meld.read(make_files(TABLES | dict.fromkeys(clips)), "train", audio=True)
    assert utterances[0].wav.startswith("ffmpeg ") and utterances[0].wav.endswith("|")
    assert utterances[1].wav.endswith("dia0_utt1.wav")
    assert left_out == [("train/dia125_utt3", "cannot be decoded (a known fault)", True)]


def test_suffixes_and_junk_are_no_matter(make_files, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: name)
    corpus = make_files(
        TABLES
        | {"train_splits/dia0_utt0.MP4": None, "train_splits/dia0_utt1.Wav": None, "train_splits/dia125_utt3.mp4": None}
        | dict.fromkeys((".Trash-1000/train_sent_emo.csv", "@eaDir/train_sent_emo.csv"), "junk")
        | dict.fromkeys(("train_splits/._dia0_utt0.mp4", "@eaDir/train_splits/dia0_utt0.mp4"), "junk")
    )
    utterances, left_out = meld.read(corpus, "train", audio=True)
    assert "train_splits/dia0_utt0.MP4" in utterances[0].wav and utterances[1].wav.endswith("dia0_utt1.Wav")
    assert [item.chosen for item in left_out] == [True]


def test_clips_are_read_where_they_are_and_words_alone_where_they_are_not(make_files, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: name)
    corpus = make_files(TABLES)
    assert {item.wav for item in meld.read(corpus, "all", audio=None)[0]} == {None}
    for clip in ("train_splits/dia0_utt0", "train_splits/dia0_utt1", "dev_splits/dia0_utt0", "dev_splits/dia0_utt1"):
        (corpus / clip).parent.mkdir(exist_ok=True)
        (corpus / f"{clip}.mp4").write_bytes(b"film")
    utterances, _ = meld.read(corpus, "validation", audio=None)
    assert all("dev_splits" in item.wav for item in utterances)
    with pytest.raises(SerError, match=r"no folder output_repeated_splits_test with dia0_utt0.mp4; unpack MELD.Raw"):
        meld.read(corpus, "all", audio=None)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"x": ""}, r"no train_sent_emo.csv in it; give the folder of MELD"),
        ({"train_sent_emo.csv": "a,b\n1,2\n"}, r"train_sent_emo.csv:1: no column Utterance, Speaker"),
        ({"train_sent_emo.csv": HEADER + row("Joey", "bored", 0, 0)}, r"csv:2: expected an emotion of anger.*'bored'"),
        ({"train_sent_emo.csv": HEADER + row("Joey", "joy", "x", 0)}, r"csv:2: expected numbers of dialogue"),
    ],
)
def test_broken_tables_are_refused(make_files, files, message):
    with pytest.raises(SerError, match=message):
        meld.read(make_files(files), "train", audio=False)


def test_missing_clips_are_said(make_files):
    with pytest.raises(SerError, match=r"no folder train_splits with dia0_utt0.mp4; unpack MELD.Raw"):
        meld.read(make_files(TABLES), "train", audio=True)
