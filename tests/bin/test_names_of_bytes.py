"""Folders whose names are Latin-1: what can work works, and the rest says which name to change, without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
LATIN1 = os.fsdecode(b"K\xf6rper")


def run(command: str, *arguments: object) -> subprocess.CompletedProcess:
    words = [sys.executable, "-m", f"ser.bin.{command}", *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=False)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two clips of RAVDESS in a folder of that name."""
    folder = tmp_path / LATIN1 / "ravdess"
    for name in ("Actor_01/03-01-05-02-01-01-01.wav", "Actor_02/03-01-02-01-02-01-02.wav"):
        (folder / name).parent.mkdir(parents=True)
        soundfile.write(os.fsencode(folder / name), np.random.default_rng(0).normal(0, 0.1, 8000), 16000)
    return folder


def test_corpus_in_it_is_refused_with_the_name(corpus: Path, tmp_path: Path):
    done = run("prepare_ravdess", "--folds", 2, corpus, tmp_path / "data")
    assert done.returncode == 1 and rb"its path is not UTF-8: rename b'K\xf6rper'" in done.stderr
    assert b"Traceback" not in done.stderr


def test_data_dir_in_it_works_where_no_table_holds_its_name(corpus: Path, tmp_path: Path):
    plain = corpus.rename(tmp_path / "ravdess")
    data = tmp_path / LATIN1 / "data"
    done = run("prepare_ravdess", "--folds", 2, plain, data)
    assert done.returncode == 0, done.stderr
    done = run("copy_data_dir", data, tmp_path / LATIN1 / "copy")
    assert done.returncode == 0, done.stderr
    assert run("validate_data_dir", "--no-feats", data).returncode == 0


def test_archive_in_it_is_refused_with_the_name(corpus: Path, tmp_path: Path):
    plain = corpus.rename(tmp_path / "ravdess")
    assert run("prepare_ravdess", "--folds", 2, plain, tmp_path / "data").returncode == 0
    target = f"ark,scp:{tmp_path / LATIN1}/f.ark,{tmp_path / LATIN1}/f.scp"
    done = run("make_features", "--mfcc-config", "conf/mfcc.conf", f"scp:{tmp_path}/data/wav.scp", target)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert rb"a name is not UTF-8: b'" in done.stderr and rb"K\xf6rper" in done.stderr
