import dataclasses

import numpy as np
import pytest

from ser.errors import SerError
from ser.results import result_table

ROW = result_table.Result(
    "xvector_bert", "cremad", "iemocap", "1", "all", "0", "-", "tdnn6", "speech", "plda", 4, "-", "ok",
    *(10, 90, 30.0, 20.0, 40.0, 0.9, 50.0, 45.0, 55.0, 60.0, 50.0, 70.0, 40.0, 30.0, 50.0),
)  # fmt: skip
HEADER = (
    "system train test fold variant seed text layer modality backend lda_dim held_out status utts trials "
    "eer eer_low eer_high min_dcf uar uar_low uar_high wa wa_low wa_high f1 f1_low f1_high pairs speaker_normalisation"
)


def test_mean_over_folds_averages_figures_and_adds_counts_up():
    other = dataclasses.replace(ROW, fold="2", utts=12, trials=110, eer=40.0, uar=52.0)
    row = result_table.mean([ROW, other], "fold")
    assert (row.fold, row.utts, row.trials, row.eer, row.uar, row.min_dcf) == ("all", 22, 200, 35.0, 51.0, 0.9)
    assert row.eer_low is None


def test_mean_over_seeds_counts_the_utterances_once():
    row = result_table.mean([ROW, dataclasses.replace(ROW, seed="1", eer=31.0)], "seed")
    assert (row.seed, row.utts, row.trials, row.eer) == ("all", 10, 90, 30.5)


def test_mean_of_a_failed_row_says_that_it_failed():
    row = result_table.mean([ROW, dataclasses.replace(ROW, fold="2", status="failed: a.log")], "fold")
    assert (row.fold, row.status) == ("all", "failed: 1 of 2 folds")
    assert row.eer is None and row.trials is None


def test_what_one_fold_lacks_the_mean_lacks():
    row = result_table.mean([ROW, dataclasses.replace(ROW, fold="2", uar=None)], "fold")
    assert row.uar is None and row.eer == 30.0


def test_table_has_the_agreed_header_and_is_read_back():
    without = dataclasses.replace(ROW, lda_dim=None, held_out="anger", uar=None, wa=None, f1=None)
    text = result_table.to_tsv([ROW, without])
    assert text.splitlines()[0] == HEADER.replace(" ", "\t")
    expected = "10 90 30.00 20.00 40.00 0.9000 50.00 45.00 55.00 60.00 50.00 70.00 40.00 30.00 50.00 all none"
    assert text.splitlines()[1].split("\t")[13:] == expected.split()
    assert result_table.from_tsv(text, "results.tsv") == [ROW, without]


def test_speaker_normalisation_names_a_row_and_may_be_missing_in_an_old_table():
    normalised = dataclasses.replace(ROW, speaker_normalisation="first 10")
    assert normalised.name() != ROW.name()
    assert result_table.ordered([normalised, ROW]) == [ROW, normalised]
    assert result_table.from_tsv(result_table.to_tsv([normalised]), "r") == [normalised]
    old = "".join(line.rpartition("\t")[0] + "\n" for line in result_table.to_tsv([ROW]).splitlines())
    assert result_table.from_tsv(old, "old") == [ROW]


def test_intervals_are_those_of_the_resamples_where_there_is_a_figure():
    resamples = np.column_stack([np.arange(5.0), np.full(5, np.nan), np.arange(5.0), np.arange(5.0)])
    bare = dataclasses.replace(ROW, uar_low=None, uar_high=None, f1=None, f1_low=None, f1_high=None)
    row = bare.with_intervals(resamples, lambda values: (values.min(), values.max()))
    assert (row.eer_low, row.eer_high, row.uar_low, row.f1_low) == (0.0, 4.0, None, None)
    row = bare.with_intervals(resamples, lambda values: (-94.5, 206.4))  # wider than percentages can be
    assert (row.eer_low, row.eer_high) == (0.0, 100.0)


def test_rows_are_sorted_by_modality_from_speech_to_both_and_means_come_last():
    rows = [dataclasses.replace(ROW, modality=name) for name in ("speech+text", "text", "speech")]
    assert [row.modality for row in result_table.ordered(rows)] == ["speech", "text", "speech+text"]
    rows = [dataclasses.replace(ROW, fold=fold, seed=seed) for seed in ("all", "1", "0") for fold in ("all", "2")]
    assert [(row.seed, row.fold) for row in result_table.ordered(rows)] == [
        *[("0", "2"), ("0", "all"), ("1", "2"), ("1", "all"), ("all", "2"), ("all", "all")]
    ]


def test_seeds_and_folds_are_sorted_as_numbers():
    rows = [dataclasses.replace(ROW, fold=fold, seed=seed) for seed in ("10", "2") for fold in ("10", "1", "9")]
    found = [(row.seed, row.fold) for row in result_table.ordered(rows)]
    assert found == [(seed, fold) for seed in ("2", "10") for fold in ("1", "9", "10")]


def test_means_are_of_all_folds_and_of_all_seeds_where_there_are_several():
    one_seed = dataclasses.replace(ROW, layer="tdnn7")
    rows = [dataclasses.replace(ROW, seed=seed) for seed in ("0", "1", "all")] + [one_seed]
    rows += [dataclasses.replace(row, fold="all") for row in rows]
    assert [(row.layer, row.seed) for row in result_table.means(rows)] == [("tdnn6", "all"), ("tdnn7", "0")]


def test_screen_table_says_once_what_all_rows_share_and_fits_120_columns():
    train = "voxceleb1+cremad+iemocap+dailydialog"
    lines = result_table.align(
        [ROW, dataclasses.replace(ROW, train=train, layer="tdnn7", modality="speech+text", text="gold")]
    ).splitlines()
    assert lines[0] == (
        "All rows: system xvector_bert, test iemocap, fold 1, variant all, seed 0, backend plda, lda_dim 4, status ok"
    )
    assert lines[1].split() == ["train", "text", "layer", "modality", "eer", "uar", "wa", "f1"]
    assert lines[3].endswith("30.0 [20.0, 40.0]  50.0 [45.0, 55.0]  60.0  40.0")
    assert len({len(line) for line in lines[1:]}) == 1 and len(lines[1]) <= 120
    assert lines[1].index("modality") == lines[3].index("speech")


@pytest.mark.parametrize(
    ("change", "message"),
    [(("eer", "eeer"), "r:1: expected the header"), (("90", "x"), "r:2: "), (("\t90", ""), "r:2: expected 30 fields")],
)
def test_broken_tables_are_named_by_file_and_line(change, message):
    with pytest.raises(SerError, match=message):
        result_table.from_tsv(result_table.to_tsv([ROW]).replace(*change), "r")
