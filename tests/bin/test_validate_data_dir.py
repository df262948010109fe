import subprocess
import sys
from pathlib import Path

import pytest

from ser.kaldi import datadir


def run(module: str, *args: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", f"ser.bin.{module}", *map(str, args)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    utts = ["a-1", "a-2", "b-1"]
    tables = {"utt2spk": {utt: utt[0] for utt in utts}, "utt2emo": dict.fromkeys(utts, "anger")}
    datadir.write_data_dir(tmp_path / "data", tables)
    return tmp_path / "data"


def test_valid_directory_gives_status_0(data):
    done = run("validate_data_dir", "--no-feats", "--no-wav", "--no-text", data)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{data}: valid\n")


def test_invalid_directory_gives_status_1_and_one_line(data):
    (data / "utt2spk").write_text("a-1 a\na-2 a x\n")
    done = run("validate_data_dir", "--no-feats", "--no-wav", "--no-text", data)
    assert done.returncode == 1
    assert done.stderr == f"ser.bin.validate_data_dir: {data}/utt2spk:2: expected 2 fields, found 3: 'a-2 a x'\n"


def test_missing_feats_are_named_with_the_option(data):
    done = run("validate_data_dir", "--no-wav", "--no-text", data)
    assert (
        done.returncode == 1
        and "no feats.scp; run the step that makes it, or give --no-feats to check without it" in done.stderr
    )


def test_commands_on_data_dirs_work_one_after_the_other(data, tmp_path):
    (tmp_path / "list").write_text("a-1\nb-1 what else is said\n")
    steps = [
        ("subset_data_dir", data, tmp_path / "list", tmp_path / "subset"),
        ("copy_data_dir", "--utt-suffix=-noise", tmp_path / "subset", tmp_path / "noise"),
        ("combine_data_dirs", tmp_path / "all", tmp_path / "subset", tmp_path / "noise"),
        ("fix_data_dir", tmp_path / "all"),
        ("split_data_dir", tmp_path / "all", 2),
        ("split_data_dir", "--per-utt", tmp_path / "all", 4),
        ("validate_data_dir", "--no-feats", "--no-wav", "--no-text", tmp_path / "all/split2/2"),
    ]
    for step in steps:
        done = run(*step)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "all/split2/1/utt2emo").read_text() == "a-1 anger\na-1-noise anger\n"
    assert (tmp_path / "all/split4utt/4/utt2spk").read_text() == "b-1-noise b\n"


def test_list_of_strangers_is_refused(data, tmp_path):
    (tmp_path / "list").write_text("x\ny\n")
    done = run("subset_data_dir", data, tmp_path / "list", tmp_path / "out")
    assert done.returncode == 1 and "none of its 2 utterances is in" in done.stderr
