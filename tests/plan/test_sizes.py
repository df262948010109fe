"""Sizes of planted corpora."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.config import load_config
from ser.errors import SerError
from ser.kaldi import tables
from ser.plan import sizes
from ser.toy.corpora import ToyConfig

ROOT = Path(__file__).parents[2]


def plant_wavs(folder: Path, count: int, seconds: float) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        soundfile.write(folder / f"{number}.wav", np.zeros(int(16000 * seconds)), 16000)


def test_few_files_are_counted_and_their_headers_give_the_hours(tmp_path):
    plant_wavs(tmp_path / "CREMA-D" / "AudioWAV", 12, 1.5)
    plant_wavs(tmp_path / "CREMA-D" / "other", 3, 60.0)
    size = sizes.measure("cremad", tmp_path / "data", tmp_path / "CREMA-D")
    assert (size.utts, size.hours, size.source) == (12, pytest.approx(12 * 1.5 / 3600), "counted")


def test_a_folder_too_large_to_count_has_the_published_totals(tmp_path, monkeypatch):
    plant_wavs(tmp_path / "VoxCeleb1" / "wav" / "id10001", 5, 0.1)
    monkeypatch.setattr(sizes, "MOST_COUNTED", 5)
    size = sizes.measure("voxceleb1", tmp_path / "data", tmp_path / "VoxCeleb1")
    assert (size.utts, round(size.hours), size.source) == (148_642, 339, "published totals")


def test_utterances_of_dialogues_are_counted_by_their_ends_in_the_parts_alone(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "dialogues_train.txt").write_text("Hi . __eou__ Hello . __eou__\nYes ? __eou__\n")
    (tmp_path / "train" / "dialogues_emotion_train.txt").write_text("0 0\n0\n")
    (tmp_path / "dialogues_text.txt").write_text("Hi . __eou__ Hello . __eou__\nYes ? __eou__\n")
    size = sizes.measure("dailydialog", tmp_path / "data", tmp_path)
    assert (size.utts, size.hours) == (3, 0.0)


def test_a_data_dir_says_more_than_the_corpus(tmp_path):
    tables.write_map(tmp_path / "utt2spk", {"a-1": "a", "a-2": "a", "b-1": "b"})
    tables.write_map(tmp_path / "utt2num_frames", {"a-1": "360000", "a-2": "180000", "b-1": "180000"})
    tables.write_map(tmp_path / "utt2fold", {"a-1": "1", "a-2": "1", "b-1": "2"})
    size = sizes.measure("iemocap", tmp_path, tmp_path / "nowhere")
    assert (size.utts, size.hours, size.folds, size.source) == (3, 2.0, 2, "data dir")


def test_toy_corpora_need_not_be_there(tmp_path):
    toy = load_config(ToyConfig, ROOT / "conf/toy/corpora.yaml")
    assert sizes.measure("voxceleb1", tmp_path / "no", tmp_path / "no", toy).utts == 16 * 3 * 4
    with pytest.raises(SerError, match="no toy corpus 'voxceleb2'"):
        sizes.measure("voxceleb2", tmp_path / "no", tmp_path / "no", toy)


def test_a_table_has_an_utterance_a_line(tmp_path):
    (tmp_path / "mine.csv").write_text("path,emotion\na.wav,anger\nb.wav,sadness\n")
    size = sizes.measure("table", tmp_path / "data", tmp_path / "mine.csv")
    assert (size.utts, size.hours, size.source) == (2, pytest.approx(2 * 3.0 / 3600), "counted")


def test_a_corpus_that_is_not_there_has_no_size(tmp_path):
    assert sizes.measure("ravdess", tmp_path / "data", tmp_path / "nowhere") is None


def test_an_unknown_corpus_is_refused_with_those_that_are_known(tmp_path):
    with pytest.raises(SerError, match=r"unknown corpus 'timit'.*voxceleb1, voxceleb2"):
        sizes.measure("timit", tmp_path, tmp_path)


def test_a_folder_of_tables_has_the_published_totals_and_one_of_films_is_decoded(tmp_path):
    for name in ("goemotions/original/train.tsv", "goemotions/ekman/train.tsv", "MELD.Raw/train_splits/dia0_utt0.mp4"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x\ty\n")
    size = sizes.measure("goemotions", tmp_path / "data", tmp_path / "goemotions")
    assert (size.utts, size.source, size.decoded) == (43_410, "published totals", False)
    size = sizes.measure("meld", tmp_path / "data", tmp_path / "MELD.Raw")
    assert (size.utts, size.hours, size.decoded) == (1, pytest.approx(3.6 / 3600), True)
    assert sizes.published("voxceleb2", "x").decoded and not sizes.published("cremad", "x").decoded
