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


def test_missing_kind_is_named(make_files):
    with pytest.raises(SerError, match="not MUSAN: no folder music, speech in it"):
        musan.read(make_files({"noise/a/b.wav": None}))
