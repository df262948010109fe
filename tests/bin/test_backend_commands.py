import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ark, tables
from ser.metrics import results

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests/kaldi_reference/backend"
TRAIN = (f"{REFERENCE}/train.utt2spk", f"ark:{REFERENCE}/train.ark")
TEST_ARK = f"ark:{REFERENCE}/test.ark"
CELL = ("--system", "xvector_bert", "--train", "cremad", "--test", "iemocap", "--layer", "tdnn6")


@pytest.fixture
def run(monkeypatch, capfd):
    """Call a command in this process; return its standard output."""
    monkeypatch.chdir(ROOT)

    def call(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        capfd.readouterr()
        importlib.import_module(f"ser.bin.{name}").main()
        return capfd.readouterr().out

    return call


@pytest.fixture
def known(tmp_path):
    """Test vectors of classes that training knows."""
    utt2class = {utt: name for utt, name in tables.read_map(REFERENCE / "train.utt2spk").items() if utt[-1] in "01"}
    tables.write_map(tmp_path / "known", utt2class)
    return str(tmp_path / "known"), TRAIN[1]


def read_scores(text):
    return {tuple(line.split()[:2]): float(line.split()[2]) for line in text.splitlines()}


def assert_close(found, name):
    expected = read_scores((REFERENCE / name).read_text())
    assert list(found) == list(expected)
    for pair, score in expected.items():
        assert abs(found[pair] - score) < max(1e-3 * abs(score), 1e-2)


@pytest.fixture
def kaldis_folder(tmp_path):
    for source, name in (("mean.vec", "mean.vec"), ("lda10.mat", "transform.mat"), ("plda.txt", "plda")):
        shutil.copy(REFERENCE / source, tmp_path / name)
    return tmp_path


def test_trained_back_end_gives_kaldis_scores_and_eer(run, tmp_path):
    run("train_backend", "--lda-dim", 4, *TRAIN, tmp_path / "be")
    run("score_backend", tmp_path / "be", TEST_ARK, TEST_ARK, REFERENCE / "trials", tmp_path / "scores")
    assert_close(read_scores((tmp_path / "scores").read_text()), "scores4")
    assert run("compute_eer", REFERENCE / "trials", tmp_path / "scores") == "7.167\n"


def test_back_end_of_kaldi_gives_kaldis_scores(run, kaldis_folder):
    found = run("score_backend", kaldis_folder, TEST_ARK, TEST_ARK, REFERENCE / "trials", "-")
    assert_close(read_scores(found), "scores")


def test_several_enrolment_utterances_give_kaldis_scores(run, kaldis_folder):
    enrol = f"ark:{REFERENCE}/spk_mean.ark"
    counts = ("--num-utts", REFERENCE / "num_utts")
    found = run("score_backend", *counts, kaldis_folder, enrol, TEST_ARK, REFERENCE / "trials_multi", "-")
    assert_close(read_scores(found), "scores_multi")


def test_adapted_back_end_gives_kaldis_scores(run, kaldis_folder):
    scales = ("--within-covar-scale", 0.75, "--between-covar-scale", 0.25)
    run("adapt_backend", *scales, kaldis_folder, f"ark:{REFERENCE}/adapt.ark", kaldis_folder / "new")
    found = run("score_backend", kaldis_folder / "new", TEST_ARK, TEST_ARK, REFERENCE / "trials", "-")
    assert_close(read_scores(found), "scores_adapted")


def test_eer_of_all_pairs_is_that_of_the_trials_file(run, tmp_path):
    run("train_backend", *TRAIN, tmp_path / "be")
    run("score_backend", tmp_path / "be", TEST_ARK, TEST_ARK, "all", f"ark:{tmp_path}/all.ark")
    # The reference's trials are every ordered pair of two utterances.
    found = run("compute_eer", "--utt2class", REFERENCE / "test.utt2spk", "all", f"ark:{tmp_path}/all.ark")
    assert found == "7.167\n"
    found = run("compute_eer", "--p-target", 0.05, REFERENCE / "trials", REFERENCE / "scores4")
    assert found.splitlines()[0].startswith("minDCF(0.05) 0.") and found.splitlines()[1] == "7.167"


@pytest.mark.parametrize("rule", ["average", "best"])
def test_training_utterances_are_classified_right(run, tmp_path, known, rule):
    run("train_backend", *TRAIN, tmp_path / "be")
    run("classify_vectors", "--rule", rule, tmp_path / "be", *TRAIN, known[1], tmp_path / "predictions")
    found = tables.read_map(tmp_path / "predictions", fields=7)
    right = [found[utt].split()[0] == name for utt, name in tables.read_map(TRAIN[0]).items()]
    assert np.mean(right) > 0.95


def test_a_cell_and_the_table_hold_the_same_figures(run, tmp_path, known):
    for fold in (1, 2):
        for modality in results.MODALITIES:
            cell = tmp_path / f"cell.{fold}.{modality}"
            options = (*CELL, "--fold", fold, "--modality", modality, "--write-scores", "true")
            run("evaluate_backend", *options, *TRAIN, *known, cell)
    assert {path.name for path in cell.iterdir()} == {
        *("backend", "predictions.txt", "confusion.tsv", "det.tsv", "result.tsv", "scores.ark", "scores.ark.columns")
    }
    (row,) = results.from_tsv((cell / "result.tsv").read_text(), "result.tsv")
    assert (row.fold, row.lda_dim, row.modality) == ("2", 4, "speech+text")
    num_test = len(tables.read_map(known[0]))
    assert row.trials == num_test * (num_test - 1)
    eer = run("compute_eer", "--utt2class", known[0], "all", f"ark:{cell}/scores.ark")
    assert eer == f"{row.eer:.3f}\n"
    predictions = tables.read_map(cell / "predictions.txt")
    right = [predictions[utt].split()[0] == name for utt, name in tables.read_map(known[0]).items()]
    assert row.wa == pytest.approx(100 * np.mean(right), abs=0.01)
    counts = np.loadtxt(cell / "confusion.tsv", skiprows=1, usecols=range(1, 6), delimiter="\t")
    assert counts.sum() == num_test

    table = run("make_results_table", tmp_path / "out", *sorted(tmp_path.glob("cell.*")))
    assert len(table.splitlines()) == 5 and "speech+text" in table
    rows = results.from_tsv((tmp_path / "out/results.tsv").read_text(), "results.tsv")
    assert [line.fold for line in rows] == ["1", "2", "all"] * 3
    for name in ("det.png", "eer.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_missing_vector_stops_the_cell_and_leaves_no_row(run, tmp_path, known):
    (tmp_path / "cell").mkdir()
    (tmp_path / "cell/result.tsv").write_text("of an earlier run\n")
    with pytest.raises(SerError, match="no vector of 60 of the 60 utterances"):
        run(
            "evaluate_backend",
            *CELL,
            "--modality",
            "text",
            *TRAIN,
            REFERENCE / "test.utt2spk",
            known[1],
            tmp_path / "cell",
        )
    run("evaluate_backend", *CELL, "--modality", "text", *TRAIN, *known, tmp_path / "cell")
    with pytest.raises(SerError, match=r"result\.tsv: missing"):
        run("make_results_table", tmp_path / "out", tmp_path / "nowhere")
    assert not (tmp_path / "out").exists()


def test_bad_trials_end_with_a_message_and_no_scores(kaldis_folder, tmp_path):
    (tmp_path / "trials").write_text("e1-test000 nobody target\n")
    command = [sys.executable, "-m", "ser.bin.score_backend", kaldis_folder, TEST_ARK, TEST_ARK]
    command += [tmp_path / "trials", tmp_path / "scores"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert f"{tmp_path}/trials:1: the test utterance has no vector: 'e1-test000 nobody target'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "scores").exists()


def test_lda_dim_over_what_is_determined_warns_once(tmp_path):
    command = [sys.executable, "-m", "ser.bin.train_backend", "--lda-dim", "10", *TRAIN, tmp_path / "be"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0
    assert ended.stderr.count("arbitrary basis") == 1
    assert ark.read_matrix_file(tmp_path / "be/lda.mat").shape == (10, 25)
