import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.results import headline, result_table, summary
from ser.results.cell import Cell
from ser.results.two_speakers import TwoSpeakers
from tests.results.test_summary import PROTOCOL, ROW

DRAWS = np.linspace(30.0, 34.0, 101)


def cell(one_speaker, fold="1", **changes):
    """A cell with an EER of 30 on all pairs and of 32 on those of two speakers."""
    two = TwoSpeakers(40, 32.0, 0.95, one_speaker, DRAWS)
    row = dataclasses.replace(ROW, fold=fold, trials=45, eer_low=29.0, eer_high=31.0, **changes)
    resamples = np.tile(np.linspace(29.0, 31.0, 101)[:, None], 4)
    return Cell((Path(fold),), row, resamples, two_speakers=two)


def test_pairs_of_one_speaker_leave_the_headline_where_they_lie_further_than_two_points_from_it():
    (near,), (far,) = (headline.settle_pairs([cell(eer)], PROTOCOL) for eer in (31.9, 27.9))
    assert near.row == cell(31.9).row and near.row.pairs == "all"
    assert (far.row.pairs, far.row.eer, far.row.trials, far.row.min_dcf) == ("two_speakers", 32.0, 40, 0.95)
    assert (far.row.eer_low, far.row.eer_high) == pytest.approx((30.2, 33.8))
    assert (far.row.uar, far.row.wa) == (ROW.uar, ROW.wa)
    np.testing.assert_array_equal(far.resamples[:, 0], DRAWS)
    np.testing.assert_array_equal(far.resamples[:, 1], cell(0.0).resamples[:, 1])
    (kept,) = headline.settle_pairs([cell(0.0)], dataclasses.replace(PROTOCOL, one_speaker_points=100.0))
    assert kept.row.pairs == "all"


def test_folds_and_seeds_of_a_system_have_the_same_pairs_and_another_system_its_own():
    # Fold 1 alone would keep them, fold 2 not: 3 points in the mean.
    folds = [cell(31.0, "1"), cell(35.0, "2"), cell(30.5, "1", layer="tdnn7"), cell(30.5, "2", layer="tdnn7")]
    found = summary.with_means(folds, PROTOCOL)
    assert [(one.row.layer, one.row.fold, one.row.pairs, one.row.eer) for one in found] == [
        ("tdnn6", "1", "two_speakers", 32.0),
        ("tdnn6", "2", "two_speakers", 32.0),
        ("tdnn7", "1", "all", 30.0),
        ("tdnn7", "2", "all", 30.0),
        ("tdnn6", "all", "two_speakers", 32.0),
        ("tdnn7", "all", "all", 30.0),
    ]
    assert "two_speakers" in result_table.align([one.row for one in found[4:]])


def test_resamples_that_do_not_belong_together_are_refused_and_a_row_without_eer_gets_none():
    with pytest.raises(SerError, match="101 resamples of all pairs and 50 of those of two speakers; evaluate the cell"):
        two = dataclasses.replace(cell(0.0).two_speakers, resamples=DRAWS[:50])
        headline.without_one_speaker(dataclasses.replace(cell(0.0), two_speakers=two), PROTOCOL)
    of_posteriors = cell(0.0, eer=None)
    assert headline.without_one_speaker(of_posteriors, PROTOCOL) is of_posteriors


def test_two_systems_are_compared_on_the_same_pairs(tmp_path):
    sides = []
    for name, one_speaker in (("a", 27.0), ("b", 30.0)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "confusion.tsv").write_text("true\tx\nx\t1\n")
        (folder / "predictions.txt").write_text("u1 x 1.0\n")
        sides.append([dataclasses.replace(cell(one_speaker), folders=(folder,))])
    found = summary.compare(*sides, PROTOCOL)
    assert (found["eer"].first, found["eer"].second) == (32.0, 32.0)
    assert (found["uar"].first, found["uar"].second) == (ROW.uar, ROW.uar)


def test_a_failed_cell_and_one_without_such_pairs_stay_as_they_are():
    failed = cell(20.0, status="failed: log")
    alone = dataclasses.replace(cell(20.0), two_speakers=None)
    for one in (failed, alone):
        assert headline.settle_pairs([one], PROTOCOL)[0] is one
