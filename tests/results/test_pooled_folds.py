"""Figures over all folds' utterances: against hand-counted confusions."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.config import load_config
from ser.errors import SerError
from ser.kaldi import tables
from ser.results import pooled_folds
from ser.results.pooled_folds import Answers
from ser.results.protocol_config import ProtocolConfig
from ser.results.result_table import Result, to_tsv

ROOT = Path(__file__).parents[2]
# Fold 1 has three of class a, all right but one; fold 2 has one of a, wrong, and two of b, right.
TRUTH = {"u1": "a", "u2": "a", "u3": "a", "u4": "b", "v1": "a", "v2": "b", "v3": "b"}
FOLDS = {"1": {"u1": "a", "u2": "a", "u3": "b", "u4": "b"}, "2": {"v1": "b", "v2": "b", "v3": "b"}}


def row(fold: str) -> Result:
    names = {"train": "toy", "test": "toy", "variant": "pretrained", "seed": "0", "text": "-", "layer": "layer12"}
    return Result(system="asr_tdnn", fold=fold, **names, modality="speech", backend="-", lda_dim=None, held_out="-",
                  status="ok")  # fmt: skip


def test_confusions_pooled_and_averaged_over_folds_differ():
    counts, mean = pooled_folds.confusions(TRUTH, Answers(row("1"), FOLDS), ["a", "b"])
    np.testing.assert_array_equal(counts, [[2, 2], [0, 3]])
    np.testing.assert_allclose(mean, [[(2 / 3 + 0) / 2, (1 / 3 + 1) / 2], [0, 1]])


def test_a_class_that_a_fold_lacks_does_not_count_there():
    folds = {"1": {"u1": "a", "u4": "b"}, "2": {"v2": "a"}}
    counts, mean = pooled_folds.confusions(TRUTH, Answers(row("1"), folds), ["a", "b"])
    np.testing.assert_array_equal(counts, [[1, 0], [1, 1]])
    np.testing.assert_allclose(mean, [[1, 0], [0.5, 0.5]])
    with pytest.raises(SerError, match=r"fold 1: predictions of 1 utterances without a class, e\.g\. w"):
        pooled_folds.confusions(TRUTH, Answers(row("1"), {"1": {"w": "a"}}), ["a", "b"])


def test_pooled_recalls_weigh_utterances_alike():
    protocol = load_config(ProtocolConfig, ROOT / "conf" / "protocol.yaml")
    truth, predicted = np.array([0, 0, 0, 1, 0, 1, 1]), np.array([0, 0, 1, 1, 1, 1, 1])
    found = pooled_folds.pooled(truth, predicted, np.array([0, 0, 1, 1, 2, 2, 3]), 4, 2, protocol)
    assert (found.utts, found.uar) == (7, 75.0)
    np.testing.assert_allclose(found.wa, 100 * 5 / 7)
    assert np.isnan(found.uar_low)  # of 4 speakers no interval
    many = pooled_folds.pooled(truth, predicted, np.arange(7), 9, 2, protocol)
    assert many.uar_low < 75 < many.uar_high


def test_strata_are_of_style_duration_and_agreement(tmp_path):
    tables.write_map(tmp_path / "utt2style", {"u1": "scripted", "u2": "improvised"})
    tables.write_map(tmp_path / "utt2votes", {"u1": "anger:3", "u2": "anger:2 neutral:1"})
    strata = pooled_folds.read_strata(tmp_path, {"u1": 1.0, "u2": 2.0, "u3": 3.0})
    assert strata == {
        "style": {"u1": "scripted", "u2": "improvised"},
        "duration": {"u1": "short", "u2": "medium", "u3": "long"},
        "agreement": {"u1": "all agree", "u2": "some disagree"},
    }
    (tmp_path / "utt2style").unlink()
    (tmp_path / "utt2votes").unlink()
    assert list(pooled_folds.read_strata(tmp_path, {"u1": 1.0})) == []


def test_the_command_writes_both_tables(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for name, table in {"utt2emo": TRUTH, "utt2spk": {utt: utt[0] for utt in TRUTH}}.items():
        tables.write_map(data / name, table)
    for fold, answers in FOLDS.items():
        (tmp_path / fold).mkdir()
        (tmp_path / fold / "result.tsv").write_text(to_tsv([row(fold)]))
        tables.write_map(tmp_path / fold / "predictions.txt", {utt: f"{name} 0.5 0.5" for utt, name in answers.items()})
    command = [sys.executable, "-m", "ser.bin.pool_folds", data, tmp_path, tmp_path / "1", tmp_path / "2"]
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True)
    lines = [line.split("\t") for line in (tmp_path / "pooled.tsv").read_text().splitlines()]
    assert lines[1] == [
        "pretrained",
        "layer12",
        "-",
        "none",
        "-",
        "2",
        "all",
        "all",
        "7",
        "75.00",
        "-",
        "-",
        "71.43",
        "-",
        "-",
    ]
    lines = [line.split("\t") for line in (tmp_path / "confusions.tsv").read_text().splitlines()]
    assert lines[1] == ["pretrained", "layer12", "-", "none", "-", "a", "a", "2", "50.0", "33.3"]
    # A class that no utterance has may be answered all the same; an utterance without a class may not be scored.
    tables.write_map(tmp_path / "2" / "predictions.txt", {utt: "c 0.5 0.5" for utt in FOLDS["2"]})
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True)
    assert "none\t-\tc\tc\t0\t0.0\t0.0" in (tmp_path / "confusions.tsv").read_text()
    tables.write_map(tmp_path / "2" / "predictions.txt", {"w": "a 0.5 0.5"})
    failed = subprocess.run(list(map(str, command)), cwd=ROOT, check=False, capture_output=True, text=True)
    assert "utt2emo: no class of 1 of the scored utterances, e.g. w" in failed.stderr
