"""A note says what was made of what, survives any name, and tells what changed."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser.errors import SerError
from ser.record.note import Note, Output, first_changed, observe

NAMES = st.text(min_size=1).filter(lambda text: text.encode("utf-8", "ignore").decode() == text)
NOTE = Note({"fit.seed": "0"}, {"utt2class": "a" * 64}, {"ser/cli.py": "b" * 64}, {"out": Output("c" * 64, 3, 5)})


@given(NAMES, NAMES)
def test_any_name_and_value_is_read_as_it_was_written(tmp_path_factory, name, value):
    note = Note({name: value}, {name: "a"}, {name: value}, {name: Output("b", 1, 2)})
    path = tmp_path_factory.mktemp("note") / "note.tsv"
    note.write(path)
    assert Note.read(path) == note


def test_text_of_a_note(tmp_path):
    NOTE.write(tmp_path / "note.tsv")
    assert (tmp_path / "note.tsv").read_text() == (
        f"setting\tfit.seed\t0\ninput\t{'a' * 64}\tutt2class\ncode\t{'b' * 64}\tser/cli.py\n"
        f"output\t{'c' * 64}\t3\t5\tout\n"
    )


@pytest.mark.parametrize("line", ["setting\ta", "output\ta\tmany\t3\tb", "nothing", "output\ta\t3\tb"])
def test_a_line_that_is_none_is_named_with_file_and_number(tmp_path, line):
    (tmp_path / "note.tsv").write_text(f"setting\ta\tb\n{line}\n")
    with pytest.raises(SerError, match=r"note\.tsv:2: not a line of a note"):
        Note.read(tmp_path / "note.tsv")


def test_difference_names_the_first_setting_or_input_and_passes_over_code():
    other = Note({"fit.seed": "1"}, NOTE.inputs)
    assert NOTE.difference(other) == "fit.seed: 0; it is 1 now"
    assert NOTE.difference(Note(NOTE.settings, {"utt2class": "d"})) == "another utt2class"
    assert NOTE.difference(Note(NOTE.settings, {**NOTE.inputs, "features": "d"})) == "another features"
    assert NOTE.difference(Note(NOTE.settings, NOTE.inputs, {"ser/cli.py": "e"})) == ""


def test_digest_is_of_contents_and_not_of_times():
    later = Note(NOTE.settings, NOTE.inputs, NOTE.code, {"out": Output("c" * 64, 3, 6)})
    other = Note(NOTE.settings, NOTE.inputs, NOTE.code, {"out": Output("d" * 64, 3, 5)})
    assert NOTE.digest() == later.digest() != other.digest()


def test_files_are_observed_and_what_changed_is_found(tmp_path):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_text(path.name)
    made = observe(paths)
    assert first_changed(made) is None
    known = {str(paths[0]): made[str(paths[0])]._replace(digest="remembered")}
    assert observe(paths, known)[str(paths[0])].digest == "remembered"
    os.utime(paths[0])
    assert observe(paths, known)[str(paths[0])].digest == made[str(paths[0])].digest
    paths[1].write_text("longer")
    assert first_changed(made, contents=False) == str(paths[1])
