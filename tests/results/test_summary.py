import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.metrics import bootstrap
from ser.results import result_table, summary
from ser.results.cell import Cell
from ser.results.protocol_config import ProtocolConfig

PROTOCOL = ProtocolConfig(
    seed=0,
    p_target=0.2,
    ordered_pairs=False,
    one_speaker_points=2.0,
    resamples=1000,
    level=0.9,
    interval_speakers=2,
    enrol_sizes=(1,),
    enrol_draws=1,
    held_out_parts=2,
)
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
    (*_, mean) = summary.with_means(folds, PROTOCOL)
    assert (mean.row.fold, mean.row.eer) == ("all", 35.0)
    # Each fold's resamples range over 0 to 100, their means are all 50.
    assert (mean.row.eer_low, mean.row.eer_high) == (50.0, 50.0)
    assert len(mean.folders) == 2


def test_a_resample_without_a_fold_is_the_mean_of_the_others():
    (*_, mean) = summary.with_means([cell([1.0, np.nan], fold="1"), cell([3.0, 5.0], fold="2")], PROTOCOL)
    assert mean.resamples[:, 0].tolist() == [2.0, 5.0]


def test_seeds_get_a_mean_of_their_means_over_folds_and_a_deviation():
    cells = [
        cell([1.0, 2.0], fold=fold, seed=seed, eer=float(eer))
        for fold, seed, eer in (("1", "0", 10), ("2", "0", 20), ("1", "1", 20), ("2", "1", 30))
    ]
    found = summary.with_means(cells, PROTOCOL)
    assert [(one.row.fold, one.row.seed, one.row.eer) for one in found[4:]] == [
        *[("all", "0", 15.0), ("all", "1", 25.0), ("all", "all", 20.0)]
    ]
    header, line = (line.split("\t") for line in summary.deviations(found).splitlines())
    row = dict(zip(header, line, strict=True))
    assert (row["seeds"], row["eer"], row["eer_stddev"], row["uar_stddev"]) == ("2", "20.00", "7.07", "0.00")
    assert "fold" not in row and row["layer"] == "tdnn6"


def test_a_single_cell_without_folds_gets_no_mean():
    cells = [cell(fold="all")]
    assert summary.with_means(cells, PROTOCOL) == cells
    assert len(summary.deviations(cells).splitlines()) == 1


def test_a_row_that_comes_twice_is_refused_with_both_folders():
    with pytest.raises(SerError, match=r"two rows of xvector_bert .*: here and there"):
        summary.with_means([cell(folder="here"), cell(folder="there")], PROTOCOL)


def test_folds_of_other_resamples_are_refused():
    with pytest.raises(SerError, match="different numbers of resamples"):
        summary.with_means([cell([1.0], fold="1"), cell([1.0, 2.0], fold="2")], PROTOCOL)


def test_a_system_that_is_better_on_every_draw_is_so_significantly(tmp_path):
    draws = np.random.default_rng(0).normal(30.0, 5.0, 999)
    found = summary.compare([write(tmp_path / "a", draws)], [write(tmp_path / "b", draws - 2.0, eer=28.0)], PROTOCOL)
    assert list(found) == list(result_table.MEASURES)
    # The draws are the same: their spread of 5 is not in the interval.
    assert (found["eer"].found.low, found["eer"].found.high) == pytest.approx((2.0, 2.0))
    assert found["eer"].found.p == pytest.approx(2 / 1000)


def test_systems_of_other_resamples_are_not_compared(tmp_path):
    sides = [write(tmp_path / "a", [1.0, 2.0]), write(tmp_path / "b", [1.0, 2.0, 3.0])]
    with pytest.raises(SerError, match="compare: 2 and 3 resamples; evaluate both by one"):
        summary.compare(*([side] for side in sides), PROTOCOL)


def test_an_average_over_seeds_is_compared_alone_and_is_none_of_the_seeds(tmp_path):
    one, average = (write(tmp_path / seed, [1.0, 2.0], seed=seed) for seed in ("0", "average"))
    assert summary.compare([one], [average], PROTOCOL)["eer"].found.p == 1.0
    with pytest.raises(SerError, match="seeds 0, average of one system: the average of the scores"):
        summary.compare([one, average], [one], PROTOCOL)


def test_systems_of_other_utterances_are_not_compared(tmp_path):
    sides = [write(tmp_path / "a", [1.0]), write(tmp_path / "b", [1.0], utts=("u1", "u3", "u4"))]
    with pytest.raises(SerError, match="1 and 1 cells of 1 and 1 seeds, 2 and 3 utterances, 1 of them shared"):
        summary.compare(sides[:1], sides[1:], PROTOCOL)


def fold_of(name, utts_of, **changes):
    return dataclasses.replace(cell([1.0, 2.0], fold=name, **changes), utts_of=utts_of)


def test_a_mean_of_some_folds_says_which_and_one_fold_stands_for_itself():
    folds = [fold_of(name, {"a": 2 * (name == "2"), "b": 2 * (name == "10"), "c": 0}) for name in ("10", "2")]
    (*_, mean) = summary.with_means(folds, PROTOCOL)
    assert (mean.row.fold, mean.row.utts) == ("2+10", 20)
    found = summary.with_means(folds[:1], PROTOCOL)
    assert [one.row.fold for one in found] == ["10"]
    assert [row.fold for row in result_table.means(one.row for one in found)] == ["10"]


def test_folds_that_have_every_speaker_of_the_corpus_are_all():
    folds = [fold_of("1", {"a": 2, "b": 0}), fold_of("2", {"a": 0, "b": 1})]
    assert summary.with_means(folds, PROTOCOL)[-1].row.fold == "all"


def test_some_folds_of_several_seeds_get_their_mean_over_seeds():
    cells = [
        fold_of(fold, {"a": fold == "1", "b": fold == "2", "c": 0}, seed=seed) for fold in "12" for seed in ("0", "1")
    ]
    found = summary.with_means(cells, PROTOCOL)
    assert [(one.row.fold, one.row.seed) for one in found[4:]] == [("1+2", "0"), ("1+2", "1"), ("1+2", "all")]
    assert len(summary.deviations(found).splitlines()) == 2
    assert [(row.fold, row.seed) for row in result_table.means(one.row for one in found)] == [("1+2", "all")]


def test_folds_whose_trainings_have_other_numbers_of_classes_are_of_one_row():
    # K - 1 was asked for, whatever K is in each fold.
    folds = [cell([1.0, 2.0], fold=fold, lda_dim=0) for fold in ("1", "2")]
    found = summary.with_means(folds, PROTOCOL)
    assert [one.row.fold for one in found] == ["1", "2", "all"]
    line = result_table.to_tsv([found[-1].row]).splitlines()[1].split("\t")
    assert line[result_table.COLUMNS.index("lda_dim")] == "K-1"
    assert result_table.from_tsv(result_table.to_tsv([found[-1].row]), "r")[0].lda_dim == 0


def simulated(tmp_path, rng, system, seeds, folds, speaker_effects, seed_effect, interval_speakers=5):
    """Cells of a system whose speakers, 2 a fold where there are folds, and seeds each add to a rate of 30 percent."""
    num_speakers = len(speaker_effects)
    draws = bootstrap.draw_speakers(num_speakers, 400, seed=0)
    parts = np.array_split(np.arange(num_speakers), folds)
    cells = []
    for seed in range(seeds):
        rates = 30.0 + speaker_effects + seed_effect * rng.standard_normal() + rng.normal(0, 1, num_speakers)
        for number, mine in enumerate(parts):
            times = draws[:, mine]
            with np.errstate(invalid="ignore"):
                values = (times @ rates[mine]) / times.sum(axis=1)
                values[(times > 0).sum(axis=1) < min(2, len(mine))] = np.nan  # as pairs of one speaker have no rate
            row = dataclasses.replace(
                ROW, system=system, fold="all" if folds == 1 else str(number), seed=str(seed), eer=rates[mine].mean(),
                uar=None, wa=None, f1=None,
            )  # fmt: skip
            utts_of = {f"s{n}": int(n in mine) for n in range(num_speakers)}
            resamples = np.column_stack([values, *[np.full(400, np.nan)] * 3])
            folder = tmp_path / f"{system}{seed}.{number}"
            cells.append(Cell((folder,), row, resamples, utts_of, len(mine)))
    return cells


# 16 such cases of 400 trials each cover 91.0 to 95.3 %.
@pytest.mark.parametrize(("seeds", "folds", "seed_effect"), [(3, 1, 1.0), (3, 5, 3.0), (5, 5, 1.0)])
def test_intervals_over_seeds_and_10_speakers_cover_the_truth(tmp_path, seeds, folds, seed_effect):
    protocol = dataclasses.replace(PROTOCOL, level=0.95, interval_speakers=5)
    covered = []
    for trial in range(200):
        rng = np.random.default_rng(trial)
        effects = rng.normal(0, 4.0, 10)
        cells = simulated(tmp_path, rng, "a", seeds, folds, effects, seed_effect)
        mean = summary.with_means(cells, protocol)[-1].row
        assert mean.seed == "all" and mean.fold == "all"
        covered.append(mean.eer_low <= 30.0 <= mean.eer_high)
    assert 0.90 <= np.mean(covered) <= 0.97


def test_one_system_of_other_seeds_seldom_differs_and_a_better_one_does(tmp_path, monkeypatch):
    monkeypatch.setattr(summary, "_test_set", lambda cell: ("true", frozenset({cell.row.fold})))
    protocol = dataclasses.replace(PROTOCOL, level=0.95)
    differ, one_seed, better = [], [], []
    for trial in range(60):
        rng = np.random.default_rng(trial)
        effects = rng.normal(0, 4.0, 10)
        sides = [simulated(tmp_path, rng, name, 3, 1, effects, 3.0) for name in "ab"]
        differ.append(summary.compare(*sides, protocol)["eer"].found.p < 0.05)
        one_seed.append(summary.compare(sides[0][:1], sides[1][:1], protocol)["eer"].found.p < 0.05)
        far = [
            dataclasses.replace(c, row=dataclasses.replace(c.row, eer=c.row.eer - 20), resamples=c.resamples - 20)
            for c in sides[1]
        ]
        better.append(summary.compare(sides[0], far, protocol)["eer"].found.p < 0.05)
    assert np.mean(differ) <= 0.08
    assert np.mean(one_seed) > 0.5  # what the speakers alone say of two trainings
    assert np.mean(better) > 0.9


def test_folds_of_two_speakers_are_drawn_whole():
    cells = [
        dataclasses.replace(
            cell(np.full(400, np.nan), fold=str(n), eer=eer), utts_of={f"s{m}": int(m // 2 == n) for m in range(6)}
        )
        for n, eer in enumerate((10.0, 20.0, 60.0))
    ]
    found = summary.with_means(cells, dataclasses.replace(PROTOCOL, interval_speakers=5))[-1]
    assert found.units == 3 and found.row.eer == 30.0
    assert set(np.round(found.resamples[:, 0] * 3).astype(int)) <= {30, 40, 50, 60, 80, 90, 100, 130, 140, 180}
    assert found.row.eer_low < 10.0 and found.row.eer_high > 60.0  # wider than from the best fold to the worst


def test_means_over_few_speakers_have_no_interval():
    cells = [
        dataclasses.replace(cell(np.arange(50.0), fold=fold, seed=seed), utts_of={f"a{fold}": 5, f"b{fold}": 5})
        for seed in ("0", "1") for fold in ("1", "2")
    ]  # fmt: skip
    for number, has_interval in ((4, True), (5, False)):
        means = summary.with_means(cells, dataclasses.replace(PROTOCOL, interval_speakers=number))[4:]
        assert [(one.row.fold, one.row.seed) for one in means] == [("all", "0"), ("all", "1"), ("all", "all")]
        assert [one.row.eer_low is not None for one in means] == [has_interval] * 3


def test_averaged_scores_are_a_row_beside_the_mean_over_seeds_and_not_in_it():
    cells = [
        cell([1.0, 2.0], fold="all", seed=seed, eer=eer) for seed, eer in (("0", 10.0), ("1", 30.0), ("average", 5.0))
    ]
    found = summary.with_means(cells, PROTOCOL)
    assert [(one.row.seed, one.row.eer) for one in found[3:]] == [("all", 20.0)]
    shown = result_table.ordered(result_table.means(one.row for one in found))
    assert [(row.seed, row.eer) for row in shown] == [("average", 5.0), ("all", 20.0)]
    assert summary.deviations(found).splitlines()[1].split("\t")[-8:-6] == ["20.00", "14.14"]
