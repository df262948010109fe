import pytest

from ser.corpora import records, speechocean762
from ser.errors import SerError
from ser.kaldi import datadir

FILES = {
    "train/wav.scp": "000360013\tWAVE/SPEAKER0036/000360013.WAV\n001350002\tWAVE/SPEAKER0135/001350002.WAV\n",
    "train/text": "000360013\tIT'S JUST SO\n001350002\tWE SPEAK\n",
    "train/utt2spk": "000360013\t0036\n001350002\t0135\n",
    "train/spk2gender": "0036\tf\n0135\tm\n",
    "WAVE/SPEAKER0036/000360013.WAV": None,
    "WAVE/SPEAKER0135/001350002.WAV": None,
}


def test_its_tables_become_a_data_dir_with_the_speaker_first(make_files, tmp_path):
    utterances, left_out = speechocean762.read(make_files(FILES), "train")
    assert left_out == []
    assert [(item.utt, item.spk, item.text, item.gender) for item in utterances] == [
        ("so0036-000360013", "so0036", "it's just so", "f"),
        ("so0135-001350002", "so0135", "we speak", "m"),
    ]
    records.write_data_dir(tmp_path / "data", utterances, left_out, speechocean762.PUBLISHED["train"])
    datadir.validate(tmp_path / "data", feats=False)


def test_what_is_not_there_is_left_out_by_name(make_files):
    files = FILES | {"train/text": "000360013\tIT'S JUST SO\n"}
    del files["WAVE/SPEAKER0036/000360013.WAV"]
    _, left_out = speechocean762.read(make_files(files), "train")
    assert left_out == [
        ("000360013", records.AUDIO_MISSING, False),
        ("001350002", "recording without a transcript or a speaker", False),
    ]


def test_another_folder_is_refused(make_files):
    with pytest.raises(SerError, match=r"no wav\.scp in it"):
        speechocean762.read(make_files(FILES), "test")


def test_the_real_corpus_is_read_whole(real_corpus):
    utterances, left_out = speechocean762.read(real_corpus("speechocean762"), "train")
    assert len(utterances) == 2000
    assert len({item.spk for item in utterances}) == 100
    assert left_out == []
