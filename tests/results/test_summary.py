import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.results import result_table, summary
from ser.results.cell import Cell

ROW = result_table.Result(
    "xvector_bert", "cremad", "iemocap", "1", "all", "0", "-", "tdnn6", "speech", "plda", 4, "-", "ok",
    utts=10, trials=90, eer=30.0, min_dcf=0.9, uar=50.0, wa=60.0, f1=40.0,
)  # fmt: skip


def cell(resamples=None, folder="cell", **changes):
    if resamples is not None:
        resamples = np.tile(np.asarray(resamples, dtype=float)[:, None], 4)
    return Cell((Path(folder),), dataclasses.replace(ROW, **changes), resamples)


def write(folder, resamples, utts=("u1", "u2"), **changes):
    folder.mkdir()
    (folder / "confusion.tsv").write_text("true \\ predicted\tx\ty\nx\t1\t0\ny\t0\t1\n")
    (folder / "predictions.txt").write_text("".join(f"{utt} x 1.0 0.0\n" for utt in utts))
    return cell(resamples, folder, **changes)


def test_interval_of_a_mean_over_folds_is_that_of_the_mean_of_their_resamples():
    folds = [cell(np.arange(101.0), fold="1"), cell(np.arange(101.0)[::-1], fold="2", eer=40.0)]
    (*_, mean) = summary.with_means(folds, level=0.9)
    assert (mean.row.fold, mean.row.eer) == ("all", 35.0)
    # Each fold's resamples range over 0 to 100, their means are all 50.
    assert (mean.row.eer_low, mean.row.eer_high) == (50.0, 50.0)
    assert len(mean.folders) == 2


def test_a_resample_without_a_fold_is_the_mean_of_the_others():
    (*_, mean) = summary.with_means([cell([1.0, np.nan], fold="1"), cell([3.0, 5.0], fold="2")], level=0.9)
    assert mean.resamples[:, 0].tolist() == [2.0, 5.0]


def test_seeds_get_a_mean_of_their_means_over_folds_and_a_deviation():
    cells = [
        cell([1.0, 2.0], fold=fold, seed=seed, eer=float(eer))
        for fold, seed, eer in (("1", "0", 10), ("2", "0", 20), ("1", "1", 20), ("2", "1", 30))
    ]
    found = summary.with_means(cells, level=0.9)
    assert [(one.row.fold, one.row.seed, one.row.eer) for one in found[4:]] == [
        *[("all", "0", 15.0), ("all", "1", 25.0), ("all", "all", 20.0)]
    ]
    header, line = (line.split("\t") for line in summary.deviations(found).splitlines())
    row = dict(zip(header, line, strict=True))
    assert (row["seeds"], row["eer"], row["eer_stddev"], row["uar_stddev"]) == ("2", "20.000", "7.071", "0.000")
    assert "fold" not in row and row["layer"] == "tdnn6"


def test_a_single_cell_without_folds_gets_no_mean():
    cells = [cell(fold="all")]
    assert summary.with_means(cells, 0.9) == cells
    assert len(summary.deviations(cells).splitlines()) == 1


def test_a_row_that_comes_twice_is_refused_with_both_folders():
    with pytest.raises(SerError, match=r"two rows of xvector_bert .*: here and there"):
        summary.with_means([cell(folder="here"), cell(folder="there")], 0.9)


def test_folds_of_other_resamples_are_refused():
    with pytest.raises(SerError, match="different numbers of resamples"):
        summary.with_means([cell([1.0], fold="1"), cell([1.0, 2.0], fold="2")], 0.9)


def test_a_system_that_is_better_on_every_draw_is_so_significantly(tmp_path):
    draws = np.random.default_rng(0).normal(30.0, 5.0, 999)
    found = summary.compare([write(tmp_path / "a", draws)], [write(tmp_path / "b", draws - 2.0)], level=0.95)
    assert list(found) == list(result_table.MEASURES)
    # The draws are the same: their spread of 5 is not in the interval.
    assert (found["eer"].low, found["eer"].high) == pytest.approx((2.0, 2.0))
    assert found["eer"].p == pytest.approx(2 / 1000)


def test_systems_of_other_utterances_are_not_compared(tmp_path):
    sides = [write(tmp_path / "a", [1.0]), write(tmp_path / "b", [1.0], utts=("u1", "u3", "u4"))]
    with pytest.raises(SerError, match="1 and 1 cells, 2 and 3 utterances, 1 of them shared"):
        summary.compare(sides[:1], sides[1:], 0.95)


def fold_of(name, utts_of, **changes):
    return dataclasses.replace(cell([1.0, 2.0], fold=name, **changes), utts_of=utts_of)


def test_a_mean_of_some_folds_says_which_and_one_fold_stands_for_itself():
    folds = [fold_of(name, {"a": 2 * (name == "2"), "b": 2 * (name == "10"), "c": 0}) for name in ("10", "2")]
    (*_, mean) = summary.with_means(folds, 0.9)
    assert (mean.row.fold, mean.row.utts) == ("2+10", 20)
    found = summary.with_means(folds[:1], 0.9)
    assert [one.row.fold for one in found] == ["10"]
    assert [row.fold for row in result_table.means(one.row for one in found)] == ["10"]


def test_folds_that_have_every_speaker_of_the_corpus_are_all():
    folds = [fold_of("1", {"a": 2, "b": 0}), fold_of("2", {"a": 0, "b": 1})]
    assert summary.with_means(folds, 0.9)[-1].row.fold == "all"


def test_some_folds_of_several_seeds_get_their_mean_over_seeds():
    cells = [
        fold_of(fold, {"a": fold == "1", "b": fold == "2", "c": 0}, seed=seed) for fold in "12" for seed in ("0", "1")
    ]
    found = summary.with_means(cells, 0.9)
    assert [(one.row.fold, one.row.seed) for one in found[4:]] == [("1+2", "0"), ("1+2", "1"), ("1+2", "all")]
    assert len(summary.deviations(found).splitlines()) == 2
    assert [(row.fold, row.seed) for row in result_table.means(one.row for one in found)] == [("1+2", "all")]


def test_folds_whose_trainings_have_other_numbers_of_classes_are_of_one_row():
    # K - 1 was asked for, whatever K is in each fold.
    folds = [cell([1.0, 2.0], fold=fold, lda_dim=0) for fold in ("1", "2")]
    found = summary.with_means(folds, 0.9)
    assert [one.row.fold for one in found] == ["1", "2", "all"]
    line = result_table.to_tsv([found[-1].row]).splitlines()[1].split("\t")
    assert line[result_table.COLUMNS.index("lda_dim")] == "K-1"
    assert result_table.from_tsv(result_table.to_tsv([found[-1].row]), "r")[0].lda_dim == 0
