import dataclasses

import numpy as np
import pytest

from ser.errors import SerError
from ser.metrics import strata
from ser.results import cell, result_table
from ser.results.protocol_config import ProtocolConfig

PROTOCOL = ProtocolConfig(
    seed=0,
    p_target=0.2,
    ordered_pairs=False,
    one_speaker_points=2.0,
    resamples=50,
    level=0.9,
    interval_speakers=2,
    enrol_sizes=(1, 2),
    enrol_draws=2,
    held_out_parts=2,
)
ROW = result_table.Result(
    "vgg_bert", "iemocap", "iemocap", "1", "-", "0", "gold", "fusion", "speech+text", "-", None, "-", "ok"
)


@pytest.fixture
def utterances():
    """48 utterances of 3 classes by 4 of the corpus's 6 speakers."""
    rng = np.random.default_rng(0)
    names = [f"u{n:02}" for n in range(48)]
    return strata.Utterances(
        names, rng.permutation(np.arange(48) % 3), ["x", "y", "z"], np.arange(48) % 4, [f"s{n}" for n in range(6)]
    )


def posteriors_of(utterances, num_classes=3, seed=1):
    rng = np.random.default_rng(seed)
    logits = 1.5 * np.eye(3)[utterances.labels][:, :num_classes] + rng.standard_normal((48, num_classes))
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def pairs_of(utterances):
    posteriors = posteriors_of(utterances)
    scores = np.log(posteriors @ posteriors.T).astype(np.float32)

    def score_models(models, rows):
        return np.log(posteriors[models].mean(axis=1) @ posteriors[rows].T)

    return cell.PairScores(scores, score_models, {"raw": np.asarray, "affine": lambda scores: 2.0 * scores + 3.0})


def table(path):
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_a_system_with_posteriors_alone_has_all_but_the_figures_of_pairs(tmp_path, utterances):
    posteriors = posteriors_of(utterances)
    row = cell.write_cell(tmp_path, ROW, utterances, posteriors, {"raw": posteriors}, None, PROTOCOL)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("result.tsv", "classes.txt", "predictions.txt", "posteriors.txt", "confusion.tsv", "calibration.tsv"),
        *("bootstrap.tsv", "reliability.tsv", "speakers.tsv"),
    }
    right = posteriors.argmax(axis=1) == utterances.labels
    assert row.wa == pytest.approx(100 * right.mean())
    assert row.wa_low < row.wa < row.wa_high
    assert (row.eer, row.trials, row.min_dcf, row.utts) == (None, None, None, 48)
    assert table(tmp_path / "calibration.tsv")[1][:5] == ["raw", "-", "-", "-", "-"]
    assert cell.read_cell(tmp_path).row == result_table.from_tsv(result_table.to_tsv([row]), "")[0]
    shares = np.loadtxt(tmp_path / "posteriors.txt", usecols=(1, 2, 3))
    np.testing.assert_allclose(shares, posteriors, atol=1e-6)


def test_a_system_with_scores_of_pairs_has_every_file_and_figure(tmp_path, utterances):
    posteriors = posteriors_of(utterances)
    shown = {"raw": posteriors, "affine": posteriors}
    row = cell.write_cell(tmp_path, ROW, utterances, posteriors, shown, pairs_of(utterances), PROTOCOL)
    assert row.trials == 48 * 47 // 2
    assert row.eer_low < row.eer < row.eer_high
    rows = table(tmp_path / "strata.tsv")
    assert [line[0] for line in rows] == ["stratum", "all", "one_speaker", "different_speaker", "enrol_1", "enrol_2"]
    assert float(rows[1][3]) == pytest.approx(row.eer, abs=0.005)
    assert [int(line[1]) for line in rows[2:4]] == [48 * 11 // 2, 48 * 36 // 2]
    assert [line[:2] for line in table(tmp_path / "emotion_pairs.tsv")[1:]] == [["x", "y"], ["x", "z"], ["y", "z"]]
    (_, raw, affine) = table(tmp_path / "calibration.tsv")
    # An affine map keeps the order, and with it minCllr and minDCF.
    assert raw[2] == affine[2] and raw[4] == affine[4] and raw[1] != affine[1]
    resamples = cell.read_cell(tmp_path).resamples
    assert resamples.shape == (50, 4)
    assert table(tmp_path / "bootstrap.tsv")[0] == ["eer", "uar", "wa", "f1"]


def test_the_papers_count_has_each_pair_both_ways_and_scores_that_differ_so_have_it_too(tmp_path, utterances):
    posteriors = posteriors_of(utterances)
    pairs = pairs_of(utterances)
    asymmetric = dataclasses.replace(pairs, scores=pairs.scores + np.linspace(0.0, 1.0, 48, dtype=np.float32)[:, None])
    ordered = dataclasses.replace(PROTOCOL, ordered_pairs=True)
    for scores, protocol in ((pairs, ordered), (asymmetric, PROTOCOL)):
        row = cell.write_cell(tmp_path, ROW, utterances, posteriors, {"raw": posteriors}, scores, protocol)
        assert row.trials == 48 * 47


def test_the_figures_of_pairs_of_two_speakers_are_read_back(tmp_path, utterances):
    posteriors = posteriors_of(utterances)
    row = cell.write_cell(tmp_path, ROW, utterances, posteriors, {"raw": posteriors}, pairs_of(utterances), PROTOCOL)
    two = cell.read_cell(tmp_path).two_speakers
    lines = {line[0]: line for line in table(tmp_path / "strata.tsv")}
    assert (two.trials, two.eer) == (48 * 36 // 2, pytest.approx(float(lines["different_speaker"][3])))
    assert two.one_speaker_eer == pytest.approx(float(lines["one_speaker"][3]))
    assert row.pairs == "all" and row.eer == pytest.approx(float(lines["all"][3]), abs=0.005)
    # Resamples of the same draws: near the figure, and not those of all pairs.
    resamples = cell.read_cell(tmp_path).resamples[:, 0]
    assert len(two.resamples) == len(resamples) and abs(np.nanmean(two.resamples) - two.eer) < 10.0
    assert not np.allclose(two.resamples, resamples, equal_nan=True)
    (tmp_path / "strata.tsv").write_text("stratum\ttrials\ttargets\teer\tmin_dcf\nall\tmany\t1\t2\t3\n")
    with pytest.raises(SerError, match=r"strata\.tsv:2: expected a stratum with its figures"):
        cell.read_cell(tmp_path)


def test_of_an_unseen_class_the_trials_are_those_that_involve_it(tmp_path, utterances):
    posteriors = posteriors_of(utterances, num_classes=2)
    row = dataclasses.replace(ROW, held_out="z")
    row = cell.write_cell(tmp_path, row, utterances, posteriors, {"raw": posteriors}, pairs_of(utterances), PROTOCOL)
    assert row.trials == 16 * 15 // 2 + 16 * 32
    assert (row.uar, row.wa, row.f1) == (None, None, None)
    assert row.eer_low < row.eer < row.eer_high
    assert cell.read_cell(tmp_path).utts_of == {"s0": 12, "s1": 12, "s2": 12, "s3": 12, "s4": 0, "s5": 0}
    assert (tmp_path / "classes.txt").read_text() == "x\ny\n"
    assert np.isnan(cell.read_cell(tmp_path).resamples[:, 1:]).all()
    # Pairs of two classes that were trained on are none of these trials.
    assert [line[:2] for line in table(tmp_path / "emotion_pairs.tsv")[1:]] == [["x", "z"], ["y", "z"]]


def test_of_a_class_that_nothing_has_seen_pairs_are_trials_and_nobody_is_asked_to_name_it(tmp_path, utterances):
    posteriors = posteriors_of(utterances, num_classes=2)
    row = cell.write_cell(
        tmp_path,
        ROW,
        dataclasses.replace(utterances, unseen=frozenset(["z"])),
        posteriors,
        {"raw": posteriors},
        pairs_of(utterances),
        PROTOCOL,
    )
    seen = utterances.labels < 2
    assert row.trials == 48 * 47 // 2 and row.utts == 48
    assert row.wa == pytest.approx(100 * (posteriors.argmax(axis=1) == utterances.labels)[seen].mean())
    assert row.wa_low < row.wa < row.wa_high
    strata_rows = {line[0]: line for line in table(tmp_path / "strata.tsv")}
    assert int(strata_rows["seen_classes"][1]) == 32 * 31 // 2
    known = np.flatnonzero(seen)
    without = dataclasses.replace(
        utterances,
        utts=[utterances.utts[place] for place in known],
        labels=utterances.labels[known],
        classes=["x", "y"],
        speakers=utterances.speakers[known],
    )
    pairs = pairs_of(utterances)
    pairs = dataclasses.replace(
        pairs, scores=pairs.scores[np.ix_(known, known)], score_models=lambda *_: np.zeros((1, 1))
    )
    alone = dataclasses.replace(PROTOCOL, enrol_sizes=(40,))
    other = cell.write_cell(tmp_path, ROW, without, posteriors[known], {"raw": posteriors[known]}, pairs, alone)
    assert float(strata_rows["seen_classes"][3]) == pytest.approx(other.eer, abs=0.005)
    assert (other.uar, other.wa, other.f1) == (row.uar, row.wa, row.f1)


def test_a_fold_of_one_speaker_has_resamples_and_no_interval_of_its_own(tmp_path, utterances):
    posteriors = posteriors_of(utterances)
    alone = dataclasses.replace(utterances, speakers=np.zeros(48, int))
    row = cell.write_cell(tmp_path, ROW, alone, posteriors, {"raw": posteriors}, pairs_of(utterances), PROTOCOL)
    assert row.eer_low is None and row.wa_low is None
    assert np.isnan(cell.read_cell(tmp_path).resamples[:, 0]).any()
    assert [line[0] for line in table(tmp_path / "strata.tsv")[1:]] == ["all", "one_speaker", "different_speaker"]
    assert table(tmp_path / "strata.tsv")[3][1:] == ["0", "0", "-", "-"]


def test_a_corpus_of_one_speaker_has_no_resamples(tmp_path, utterances):
    posteriors = posteriors_of(utterances)
    alone = dataclasses.replace(utterances, speakers=np.zeros(48, int), all_speakers=["s0"])
    cell.write_cell(tmp_path, ROW, alone, posteriors, {"raw": posteriors}, None, PROTOCOL)
    assert cell.read_cell(tmp_path).resamples is None


def test_what_another_run_left_does_not_stay(tmp_path):
    for name in ("result.tsv", "failed", "text_missing", "strata.tsv"):
        (tmp_path / name).write_text("old\n")
    cell.start_cell(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failed_cell_is_refused_unless_allowed(tmp_path):
    failed = dataclasses.replace(ROW, status="failed: exp/log/train.1.log")
    (tmp_path / "failed").write_text(result_table.to_tsv([failed]))
    with pytest.raises(SerError, match=r"result\.tsv: missing"):
        cell.read_cell(tmp_path)
    assert cell.read_cell(tmp_path, allow_failed=True).row == failed


def test_settings_out_of_range_are_refused():
    with pytest.raises(SerError, match="p_target must be between 0 and 1, found 0"):
        dataclasses.replace(PROTOCOL, p_target=0.0)
    with pytest.raises(SerError, match=r"held_out_parts 2 or more, found 50, 2, \[1, 2\] and 1"):
        dataclasses.replace(PROTOCOL, held_out_parts=1)
