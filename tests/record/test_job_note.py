import argparse
import os

import numpy as np
import pytest

from ser.kaldi import ark
from ser.record.job_note import JobNote

COMMAND = "ser.bin.compute_vad"


@pytest.fixture
def job(tmp_path):
    """A job that has been done: its files, and a function that looks at its note again."""
    with ark.Writer(f"ark,scp:{tmp_path}/in.ark,{tmp_path}/in.scp") as writer:
        writer.write("a", np.ones((3, 2), np.float32))
    (tmp_path / "conf").write_text("--window=3\n")
    (tmp_path / "own.yaml").write_text("like: all.yaml\n")
    (tmp_path / "all.yaml").write_text("rate: 1\n")
    (tmp_path / "out").write_text("made\n")

    def look(command=COMMAND, **settings):
        args = argparse.Namespace(done=str(tmp_path / "note"), size=1)
        vars(args).update(settings)
        files = [tmp_path / "conf", tmp_path / "own.yaml", None]
        return JobNote(command, args, files, [f"scp:{tmp_path}/in.scp"], [tmp_path / "out"])

    first = look()
    assert not first.is_valid()
    first.write()
    return tmp_path, look


def test_the_same_job_is_done(job):
    assert job[1]().is_valid()


@pytest.mark.parametrize("name", ["conf", "own.yaml", "all.yaml", "in.scp", "in.ark", "out"])
def test_a_file_that_is_another_makes_it_to_do(job, name):
    folder, look = job
    with open(folder / name, "ab") as stream:
        stream.write(b"#")
    assert not look().is_valid()


def test_an_archive_of_another_time_makes_it_to_do(job):
    folder, look = job
    os.utime(folder / "in.ark", (1, 1))
    assert not look().is_valid()


def test_a_file_of_another_time_and_the_same_contents_leaves_it_done(job):
    folder, look = job
    for name in ("conf", "in.scp", "out"):
        os.utime(folder / name, (1, 1))
    assert look().is_valid()


@pytest.mark.parametrize("name", ["conf", "in.ark", "out", "note"])
def test_a_file_that_is_gone_makes_it_to_do(job, name):
    folder, look = job
    (folder / name).unlink()
    assert not look().is_valid()


def test_other_arguments_and_other_code_make_it_to_do(job):
    assert not job[1](size=2).is_valid()
    assert not job[1](command="ser.bin.prepare_features").is_valid()


def test_a_damaged_note_makes_it_to_do(job):
    folder, look = job
    note = bytearray((folder / "note").read_bytes())
    note[9] ^= 4
    (folder / "note").write_bytes(note)
    assert not look().is_valid()


def test_without_a_note_every_job_is_to_do(job):
    nothing = job[1](done=None)
    nothing.write()
    assert not nothing.is_valid()
