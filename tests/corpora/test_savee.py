from pathlib import Path

import pytest

from ser.corpora import records, savee
from ser.errors import SerError
from ser.kaldi import tables

COUNTS = {"a": 15, "d": 15, "f": 15, "h": 15, "n": 30, "sa": 15, "su": 15}
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"


@pytest.fixture(params=["AudioData/{}/{}.wav", "ALL/{}_{}.wav"])
def corpus(request, tmp_path) -> Path:
    for speaker in savee.SPEAKERS:
        for code, count in COUNTS.items():
            for number in range(1, count + 1):
                path = tmp_path / request.param.format(speaker, f"{code}{number:02}")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(WAV)
    (tmp_path / "AudioData").mkdir(exist_ok=True)
    (tmp_path / "AudioData" / "Info.txt").write_text("SAVEE")
    return tmp_path


def test_both_layouts_have_480_clips_in_four_folds_and_sa_and_su_are_two_emotions(corpus):
    utterances, left_out = savee.read(corpus, 4)
    assert len(utterances) == savee.PUBLISHED and not left_out
    emotions = [utterance.emotion for utterance in utterances]
    assert {name: emotions.count(name) for name in set(emotions)} == {
        "anger": 60, "disgust": 60, "fear": 60, "happiness": 60, "neutral": 120, "sadness": 60, "surprise": 60,
    }  # fmt: skip
    assert {(u.fold, u.spk) for u in utterances} == {(str(n), f"savee{s}") for n, s in enumerate(savee.SPEAKERS, 1)}
    assert {u.gender for u in utterances} == {"m"} and {u.text for u in utterances} == {None}
    (sadness,) = (u for u in utterances if u.wav.endswith(("DC/sa01.wav", "DC_sa01.wav")))
    assert sadness.emotion == "sadness" and sadness.utt.startswith("saveeDC-") and "sa01" not in sadness.utt


def test_emoboxs_folds_are_the_four_men_in_its_order(corpus):
    folds = {item.spk: item.fold for item in savee.read(corpus, None)[0]}
    assert folds == {"saveeJE": "1", "saveeKL": "2", "saveeDC": "3", "saveeJK": "4"}


def test_words_are_those_of_a_users_file_and_a_clip_that_it_lacks_has_none(corpus, tmp_path):
    path = tmp_path / "savee.txt"
    path.write_text("DC_a01 She had  your dark suit\r\n\nKL_su15 Well\n")
    utterances, _ = savee.read(corpus, 4, path)
    records.write_data_dir(tmp_path / "data", utterances, [])
    texts = tables.read_map(tmp_path / "data" / "text", allow_empty=True)
    assert sorted(text for text in texts.values() if text) == ["She had your dark suit", "Well"]
    assert len(texts) == 480


def test_bad_transcripts_and_another_folder_are_refused(corpus, tmp_path):
    path = tmp_path / "savee.txt"
    path.write_text("DC_a01 one\nDC_a01 two\n")
    with pytest.raises(SerError, match=r"savee.txt:2: the clip 'DC_a01' has an earlier line"):
        savee.read(corpus, 4, path)
    path.write_text("XX_a01 one\n")
    with pytest.raises(SerError, match="no words of any clip"):
        savee.read(corpus, 4, path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SerError, match=r"no clip of SAVEE in it; give the folder that has AudioData/DC/a01.wav"):
        savee.read(tmp_path / "empty", 4)


def test_479_clips_are_said_to_be_one_too_few(corpus, tmp_path, caplog):
    next(corpus.rglob("*a15.wav")).unlink()
    caplog.set_level("INFO")
    utterances, left_out = savee.read(corpus, 4)
    records.write_data_dir(tmp_path / "data", utterances, left_out, savee.PUBLISHED)
    assert "479 of the 480 utterances that the corpus is published with" in caplog.text
