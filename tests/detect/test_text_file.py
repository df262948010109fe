import unicodedata
from pathlib import Path

import pytest

from ser.detect.text_file import read_texts
from ser.errors import SerError

TWO_OF_A_NAME = [Path("a/f10.wav"), Path("b/f10.wav"), Path("a/f11.wav")]
WITH_BLANKS = [Path("d/f11.wav"), Path("d/f11 (2).wav")]


def read(tmp_path: Path, text: str, files: list[Path]) -> dict[str, str]:
    (tmp_path / "words").write_text(text, encoding="utf-8")
    return {str(file): words for file, words in read_texts(tmp_path / "words", files).items()}


@pytest.mark.parametrize("key", ["f10.wav", "f10"])
def test_key_that_fits_two_recordings_is_refused_with_both(tmp_path, key):
    with pytest.raises(SerError, match=rf"words:1: '{key}' fits 2 recordings, a/f10.wav and b/f10.wav; give more"):
        read(tmp_path, f"{key} hello\n", TWO_OF_A_NAME)
    with pytest.raises(SerError, match=r"'f12' fits 2 recordings, f12.wav and f12.flac"):
        read(tmp_path, "f12 hello\n", [Path("f12.wav"), Path("f12.flac")])


def test_folder_and_name_tell_two_recordings_apart(tmp_path):
    text = "b/f10.wav here\na/f10 there\nf11\tboth of them\n"
    expected = {"a/f10.wav": "there", "b/f10.wav": "here", "a/f11.wav": "both of them"}
    assert read(tmp_path, text, TWO_OF_A_NAME) == expected
    deeper = [Path("/x") / file for file in TWO_OF_A_NAME]
    assert read(tmp_path, text, deeper) == {f"/x/{name}": words for name, words in expected.items()}


def test_whole_path_goes_before_an_equal_end_of_another(tmp_path):
    files = [Path("f10.wav"), Path("b/f10.wav")]
    assert read(tmp_path, "f10.wav here\nb/f10.wav there\n", files) == {"f10.wav": "here", "b/f10.wav": "there"}


@pytest.mark.parametrize("key", ["./f10.wav", "f10.wav", "d/f10", "{folder}/d/f10.wav", "./f10"])
def test_recording_is_found_by_any_way_to_write_its_path(tmp_path, monkeypatch, key):
    (tmp_path / "d").mkdir()
    monkeypatch.chdir(tmp_path / "d")
    line = f"{key.format(folder=tmp_path)}\thello\n"
    assert read(tmp_path, line, [Path("./f10.wav")]) == {"f10.wav": "hello"}
    assert read(tmp_path, line, [tmp_path / "d/f10.wav"]) == {f"{tmp_path}/d/f10.wav": "hello"}


@pytest.mark.parametrize("gap", ["\t", " ", "   "])
def test_words_of_a_name_with_blanks_are_its_own(tmp_path, gap):
    text = f"f11 (2).wav{gap}two of them\nf11{gap}one\n"
    assert read(tmp_path, text, WITH_BLANKS) == {"d/f11 (2).wav": "two of them", "d/f11.wav": "one"}


def test_name_that_seems_to_be_cut_at_a_blank_is_refused(tmp_path):
    with pytest.raises(SerError, match=r"words:1: the recording may be 'f11' or 'f11 \(2\).wav'; put a tab"):
        read(tmp_path, "f11 (2).wav hello\n", WITH_BLANKS[:1])
    with pytest.raises(SerError, match=r"words:1: the recording may be 'f11' or 'f11 \(2\)'; put a tab"):
        read(tmp_path, "f11 (2) hello\n", WITH_BLANKS[:1])
    assert read(tmp_path, "f11 (2) hello\n", WITH_BLANKS[1:]) == {"d/f11 (2).wav": "hello"}
    assert read(tmp_path, "f11 hello (2) you\n", WITH_BLANKS[:1]) == {"d/f11.wav": "hello (2) you"}
    with pytest.raises(SerError, match=r"words:1: the recording may be 'yes' or 'yes we can'; put a tab"):
        read(tmp_path, "yes we can do it\n", [Path("yes.wav"), Path("yes we can.wav")])
    assert read(tmp_path, "yes\twe can do it\n", [Path("yes.wav"), Path("yes we can.wav")]) == {
        "yes.wav": "we can do it"
    }


def test_two_lines_of_one_recording_must_agree(tmp_path):
    files = [Path("d/f11.wav")]
    assert read(tmp_path, "f11 yes\n\nd/f11.wav yes\n", files) == {"d/f11.wav": "yes"}
    with pytest.raises(SerError, match=r"words:2: d/f11.wav is in line 1 too, with different words; keep one"):
        read(tmp_path, "f11 yes\nf11.wav no\n", files)


def test_list_of_other_recordings_is_refused(tmp_path):
    with pytest.raises(SerError, match=r"words: none of its recordings was given to the detector"):
        read(tmp_path, "f99 hello\n", WITH_BLANKS)
    with pytest.raises(SerError, match=r"absent: missing; give a file with a line for each recording"):
        read_texts(tmp_path / "absent", WITH_BLANKS)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("gap", ["\t", " "])
def test_unicode_form_of_a_name_is_no_matter(tmp_path, form, gap):
    other = "NFD" if form == "NFC" else "NFC"
    file = unicodedata.normalize(form, "r\u00e9my 1.wav")
    line = unicodedata.normalize(other, "r\u00e9my 1.wav") + gap + "hello\n"
    assert read(tmp_path, line, [Path(file)]) == {file: "hello"}
