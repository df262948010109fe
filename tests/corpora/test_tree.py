import os

import pytest

from ser.corpora.tree import files_below, find_folders, is_junk, list_folder


@pytest.mark.parametrize(
    "name", ["._x.wav", ".DS_Store", "lost+found", "@eaDir", "@EADIR", "Thumbs.db", "__MACOSX", "$RECYCLE.BIN"]
)
def test_junk_is_known_in_any_case(name):
    assert is_junk(name)
    assert not is_junk(name.strip("._@$") + "x.wav")


def test_files_come_in_order_at_any_depth_with_suffixes_of_any_case(make_files):
    names = ("b.wav", "a/2.WAV", "a/1.Flac", "a/@eaDir/1.wav", "a/notes.txt", ".x/3.wav")
    corpus = make_files(dict.fromkeys(names, ""))
    found = [path.relative_to(corpus).as_posix() for path in files_below(corpus, (".wav", ".flac"))]
    assert found == ["b.wav", "a/1.Flac", "a/2.WAV"]
    assert list(files_below(corpus / "absent", (".wav",))) == []
    assert list_folder(corpus) == (["a"], ["b.wav"])
    assert find_folders(corpus, "A") == [corpus / "a"]


def test_links_to_folders_are_followed_and_circles_end(make_files, tmp_path):
    corpus = make_files({"a/1.wav": ""})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "2.wav").touch()
    os.symlink(tmp_path / "elsewhere", corpus / "b")
    os.symlink(corpus, corpus / "a" / "circle")
    found = [path.relative_to(corpus).as_posix() for path in files_below(corpus, (".wav",))]
    assert found == ["a/1.wav", "b/2.wav"]
