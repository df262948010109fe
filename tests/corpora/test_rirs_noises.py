import pytest

from ser.corpora import records, rirs_noises
from ser.errors import SerError


def _line(size: str, number: int) -> str:
    wav = f"RIRS_NOISES/simulated_rirs/{size}room/Room001/Room001-{number:05d}.wav"
    return f"--rir-id {size}-Room001-{number:05d} --room-id {size}-Room001 {wav}\n"


CORPUS = {
    f"simulated_rirs/{size}room/{name}": text
    for size in ("small", "medium")
    for name, text in (("Room001/Room001-00001.wav", None), ("rir_list", _line(size, 1)))
}


def test_room_is_the_speaker_and_its_size_the_type(make_files, tmp_path):
    """The list's paths begin with RIRS_NOISES, the folder here is called otherwise."""
    corpus = make_files(CORPUS)
    records.write_data_dir(tmp_path / "data", *rirs_noises.read(corpus))
    written = {path.name: path.read_text() for path in (tmp_path / "data").iterdir()}
    assert written["utt2type"] == "medium-Room001-00001 mediumroom\nsmall-Room001-00001 smallroom\n"
    assert written["utt2spk"] == "medium-Room001-00001 medium-Room001\nsmall-Room001-00001 small-Room001\n"
    small = corpus / "simulated_rirs/smallroom/Room001/Room001-00001.wav"
    assert written["wav.scp"].splitlines()[1] == f"small-Room001-00001 {small}"


def test_response_without_a_file_is_left_out(make_files):
    small = "simulated_rirs/smallroom/rir_list"
    _, left_out = rirs_noises.read(make_files(CORPUS | {small: CORPUS[small] + _line("small", 2)}))
    assert left_out == [("simulated_rirs/smallroom/Room001/Room001-00002.wav", "missing audio file", False)]


def test_line_of_another_form_is_refused_with_its_number(make_files):
    small = "simulated_rirs/smallroom/rir_list"
    with pytest.raises(SerError, match=r"smallroom/rir_list:2: expected '--rir-id"):
        rirs_noises.read(make_files(CORPUS | {small: CORPUS[small] + "Room001-00002.wav\n"}))


def test_missing_list_is_named(make_files):
    with pytest.raises(SerError, match=r"mediumroom/rir_list: missing; give the folder RIRS_NOISES"):
        rirs_noises.read(make_files({"pointsource_noises/noise_list": ""}))
