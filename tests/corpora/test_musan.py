import pytest

from ser.corpora import musan, records
from ser.errors import SerError

CORPUS = {
    "music/fma/music-fma-0000.wav": None,
    "music/fma/LICENSE": "CC0",
    "noise/free-sound/noise-free-sound-0001.wav": None,
    "speech/librivox/speech-librivox-0002.wav": None,
}


def test_each_recording_is_its_own_speaker_and_has_a_type(make_files, tmp_path):
    records.write_data_dir(tmp_path / "data", *musan.read(make_files(CORPUS)))
    assert (tmp_path / "data" / "utt2type").read_text() == (
        "music-fma-0000 music\nnoise-free-sound-0001 noise\nspeech-librivox-0002 speech\n"
    )
    assert (tmp_path / "data" / "utt2spk").read_text().splitlines()[0] == "music-fma-0000 music-fma-0000"
    assert (tmp_path / "data" / "wav.scp").read_text().splitlines()[0].endswith("corpus/music/fma/music-fma-0000.wav")


def test_empty_recording_is_left_out(make_files):
    _, left_out = musan.read(make_files(CORPUS | {"noise/free-sound/noise-free-sound-0009.wav": ""}))
    assert left_out == [("noise-free-sound-0009.wav", "empty audio file", False)]


def test_suffixes_folders_and_junk_are_no_matter(make_files):
    corpus = make_files(
        {
            "Music/fma/deeper/music-fma-0000.WAV": None,
            "noise/a.flac": None,
            "speech/librivox/b.wav": None,
            "speech/librivox/._b.wav": "junk",
            "speech/@eaDir/b.wav": "junk",
            "lost+found/c.wav": "junk",
        }
    )
    assert [utterance.utt for utterance in musan.read(corpus)[0]] == ["music-fma-0000", "a", "b"]


def test_audio_of_another_suffix_is_listed_unless_the_recording_is_there(make_files):
    others = {"noise/free-sound/noise-free-sound-0001.mp3": None, "noise/free-sound/noise-free-sound-0003.MP3": None}
    utterances, left_out = musan.read(make_files(CORPUS | others))
    assert len(utterances) == 3
    assert left_out == [("noise-free-sound-0003.MP3", "neither .wav nor .flac: convert it", False)]


def test_copy_of_a_recording_is_left_out_by_name(make_files, tmp_path, monkeypatch):
    monkeypatch.setattr("ser.corpora.records.LARGEST_LOSS", 0.5)
    corpus = make_files(CORPUS | {"music/fma/music-fma-0000 (1).wav": None})
    records.write_data_dir(tmp_path / "data", *musan.read(corpus))
    listed = (tmp_path / "data" / "left_out").read_text()
    assert listed.startswith("music/fma/music-fma-0000%20(1).wav white space in its name")
    assert len((tmp_path / "data" / "utt2spk").read_text().splitlines()) == 3


def test_missing_kind_is_named(make_files):
    with pytest.raises(SerError, match="not MUSAN: no folder music, speech in it"):
        musan.read(make_files({"noise/a/b.wav": None}))
