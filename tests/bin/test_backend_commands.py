import dataclasses
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.backend.speaker_normalisation import SpeakerNormalisation
from ser.errors import SerError
from ser.kaldi import ark, tables
from ser.kaldi.labelled import read_speakers, read_vectors
from ser.kaldi.plda_file import read_plda
from ser.results import result_table

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


def write_data_dir(folder, utt2emo):
    """A data dir whose speakers, 6 for each class, are none of Kaldi's reference."""
    folder.mkdir(exist_ok=True)
    tables.write_map(folder / "utt2emo", utt2emo)
    tables.write_map(folder / "utt2spk", {utt: f"s{int(utt[-3:]) % 6}" for utt in utt2emo})
    return str(folder)


@pytest.fixture
def train(tmp_path):
    """The reference's training set as evaluate_backend takes it."""
    return write_data_dir(tmp_path / "train", tables.read_map(TRAIN[0])), TRAIN[1]


@pytest.fixture
def known(tmp_path):
    """Test vectors of classes that training knows."""
    utt2class = {utt: name for utt, name in tables.read_map(TRAIN[0]).items() if utt[-1] in "01"}
    return write_data_dir(tmp_path / "known", utt2class), TRAIN[1]


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


def read_row(cell):
    (row,) = result_table.from_tsv((cell / "result.tsv").read_text(), "result.tsv")
    return row


def test_a_cell_and_the_table_hold_the_same_figures(run, tmp_path, train, known):
    for fold in (1, 2):
        for modality in result_table.MODALITIES:
            cell = tmp_path / f"cell.{fold}.{modality}"
            options = (*CELL, "--fold", fold, "--modality", modality, "--write-scores", "true")
            run("evaluate_backend", *options, *train, *known, cell)
    assert {path.name for path in cell.iterdir()} == {
        *("backend", "classes.txt", "predictions.txt", "posteriors.txt", "confusion.tsv", "det.tsv", "strata.tsv"),
        *("emotion_pairs.tsv", "calibration.tsv", "bootstrap.tsv", "result.tsv", "scores.ark", "scores.ark.columns"),
        *("reliability.tsv", "projected.tsv", "nearest.txt", "speakers.tsv", "bootstrap_two_speakers.tsv"),
        "calibrated_on.tsv",
    }
    row = read_row(cell)
    assert (row.fold, row.lda_dim, row.modality, row.backend, row.status) == ("2", 0, "speech+text", "plda", "ok")
    utt2emo = tables.read_map(f"{known[0]}/utt2emo")
    assert (row.utts, row.trials) == (len(utt2emo), len(utt2emo) * (len(utt2emo) - 1) // 2)
    eer = run("compute_eer", "--utt2class", f"{known[0]}/utt2emo", "all", f"ark:{cell}/scores.ark")
    assert f"{float(eer):.2f}" == f"{row.eer:.2f}"  # the table has two decimals
    assert row.eer_low <= row.eer <= row.eer_high and row.uar_low <= row.uar <= row.uar_high
    predictions = tables.read_map(cell / "predictions.txt")
    right = [predictions[utt].split()[0] == name for utt, name in utt2emo.items()]
    assert row.wa == pytest.approx(100 * np.mean(right), abs=0.01)
    counts = np.loadtxt(cell / "confusion.tsv", skiprows=1, usecols=range(1, 6), delimiter="\t")
    assert counts.sum() == len(utt2emo)
    assert len((cell / "bootstrap.tsv").read_text().splitlines()) == 1001

    table = run("make_results_table", tmp_path / "out", *sorted(tmp_path.glob("cell.*")))
    assert len(table.splitlines()) == 6 and "speech+text" in table
    rows = result_table.from_tsv((tmp_path / "out/results.tsv").read_text(), "results.tsv")
    assert [line.fold for line in rows] == ["1", "2", "all"] * 3
    assert all(line.eer_low <= line.eer <= line.eer_high for line in rows)


@pytest.mark.parametrize("backend", ["cosine", "logistic"])
def test_yardsticks_tell_the_reference_classes_apart(run, tmp_path, train, known, backend):
    cell = tmp_path / "cell"
    run("evaluate_backend", *CELL, "--modality", "speech", "--backend", backend, *train, *known, cell)
    row = read_row(cell)
    assert row.backend == backend and row.lda_dim == (0 if backend == "cosine" else None)
    assert row.eer < 10 and row.uar > 90
    assert (cell / "backend/config.yaml").exists()


def test_a_class_that_is_held_out_is_enrolled_and_its_pairs_are_the_trials(run, tmp_path, train, known):
    utt2emo = tables.read_map(f"{train[0]}/utt2emo")
    options = (*CELL, "--modality", "speech", "--held-out", "e2")
    with pytest.raises(SerError, match="train/utt2emo: has utterances of the class 'e2', which is held out"):
        run("evaluate_backend", *options, *train, *known, tmp_path / "cell")
    seen = write_data_dir(tmp_path / "seen", {utt: name for utt, name in utt2emo.items() if name != "e2"})
    run("evaluate_backend", *options, seen, train[1], *known, tmp_path / "cell")
    row = read_row(tmp_path / "cell")
    of_class = sum(name == "e2" for name in tables.read_map(f"{known[0]}/utt2emo").values())
    assert row.trials == of_class * (of_class - 1) // 2 + of_class * (row.utts - of_class)
    assert (row.held_out, row.uar, row.wa, row.f1) == ("e2", None, None, None)
    assert row.eer_low <= row.eer <= row.eer_high
    strata = {line.split("\t")[0]: line.split("\t") for line in (tmp_path / "cell/strata.tsv").read_text().splitlines()}
    # One model against half of the utterances at a time, both ways round, 10 times.
    assert int(strata["enrol_1"][1]) == 10 * row.utts and int(strata["enrol_1"][2]) == 10 * of_class
    assert "e2" not in (tmp_path / "cell/classes.txt").read_text().split()
    with pytest.raises(SerError, match="known/utt2emo: no utterance of the class 'e9', which is held out"):
        run("evaluate_backend", *CELL, "--modality", "text", "--held-out", "e9", *train, *known, tmp_path / "cell")


def test_a_class_that_nothing_has_seen_is_in_the_trials_and_in_no_training(run, tmp_path, train, known, caplog):
    utt2emo = tables.read_map(f"{train[0]}/utt2emo")
    options = (*CELL, "--modality", "speech", "--unseen", "e2")
    with pytest.raises(SerError, match="train/utt2emo: has utterances of --unseen e2; leave them out"):
        run("evaluate_backend", *options, *train, *known, tmp_path / "cell")
    seen = write_data_dir(tmp_path / "seen", {utt: name for utt, name in utt2emo.items() if name != "e2"})
    run("evaluate_backend", *options, seen, train[1], *known, tmp_path / "cell")
    row = read_row(tmp_path / "cell")
    assert row.trials == row.utts * (row.utts - 1) // 2 and row.utts == 60
    assert row.uar is not None and "no training utterance is of class e2" not in caplog.text
    assert "seen_classes" in (tmp_path / "cell/strata.tsv").read_text()


def test_utterances_without_text_are_scored_by_speech_and_listed(run, tmp_path, train, known):
    vectors = ark.load(TRAIN[1])
    utts = list(tables.read_map(f"{known[0]}/utt2emo"))
    with_text = {utt: vector for utt, vector in vectors.items() if utt not in utts[:7]}
    with ark.Writer(f"ark:{tmp_path}/text.ark") as writer:
        for utt, vector in with_text.items():
            writer.write(utt, np.append(vector, vector[:3]))
    text = f"ark:{tmp_path}/text.ark"
    seen = tables.read_map(f"{train[0]}/utt2emo")
    seen = write_data_dir(tmp_path / "seen", {utt: name for utt, name in seen.items() if utt in with_text})
    options = (*CELL, "--modality", "speech+text", "--text", "gold")
    with pytest.raises(SerError, match=rf"no vector of 7 of the {len(utts)} utterances"):
        run("evaluate_backend", *options, seen, text, known[0], text, tmp_path / "cell")
    fallback = ("--fallback-train", train[1], "--fallback-test", known[1])
    with pytest.raises(SerError, match="give both or neither"):
        run("evaluate_backend", *options, *fallback[:2], seen, text, known[0], text, tmp_path / "cell")
    run("evaluate_backend", *options, *fallback, seen, text, known[0], text, tmp_path / "cell")
    row = read_row(tmp_path / "cell")
    assert (row.utts, row.trials, row.text) == (len(utts), len(utts) * (len(utts) - 1) // 2, "gold")
    assert (tmp_path / "cell/text_missing").read_text().split() == utts[:7]
    # Only an utterance without words may lack a vector.
    said = {utt: "" if utt in utts[:7] else "yes" for utt in utts}
    checked = (*options, *fallback, "--words", tmp_path / "words", seen, text, known[0], text, tmp_path / "cell")
    tables.write_map(tmp_path / "words", said)
    run("evaluate_backend", *checked)
    tables.write_map(tmp_path / "words", said | {utts[3]: "no"})
    with pytest.raises(SerError, match=rf"nothing of 1 utterances that have words in .*, the first {utts[3]}"):
        run("evaluate_backend", *checked)
    # Where no utterance has text the result is that of speech.
    (tmp_path / "empty.ark").write_bytes(b"")
    run("evaluate_backend", *options, *fallback, seen, text, known[0], f"ark:{tmp_path}/empty.ark", tmp_path / "none")
    run("evaluate_backend", *CELL, "--modality", "speech", seen, train[1], *known, tmp_path / "speech")
    rows = [read_row(tmp_path / name) for name in ("none", "speech")]
    assert (rows[0].eer, rows[0].wa) == (rows[1].eer, rows[1].wa)


def test_two_cells_are_compared_on_the_same_draws(run, tmp_path, train, known):
    for backend in ("plda", "logistic"):
        options = (*CELL, "--modality", "speech", "--backend", backend)
        run("evaluate_backend", *options, *train, *known, tmp_path / backend)
    rows = [read_row(tmp_path / backend) for backend in ("plda", "logistic")]
    found = run("compare_cells", tmp_path / "plda", tmp_path / "logistic").splitlines()
    assert [line.split()[0] for line in found] == ["measure", *result_table.MEASURES]
    assert found[1].split()[1:4] == [f"{rows[0].eer:.2f}", f"{rows[1].eer:.2f}", f"{rows[0].eer - rows[1].eer:+.2f}"]
    assert run("compare_cells", tmp_path / "plda", tmp_path / "plda").splitlines()[1].endswith("1.000")


def test_failed_cells_are_rows_where_that_is_allowed(run, tmp_path, train, known):
    options = (*CELL, "--modality", "speech")
    run("evaluate_backend", *options, "--seed", 0, *train, *known, tmp_path / "good")
    failed = dataclasses.replace(read_row(tmp_path / "good"), seed="1", status="failed: exp/log/a.log")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/failed").write_text(result_table.to_tsv([failed]))
    cells = (tmp_path / "out", tmp_path / "good", tmp_path / "bad")
    with pytest.raises(SerError, match=r"bad/result\.tsv: missing"):
        run("make_results_table", *cells)
    table = run("make_results_table", "--allow-failed", "true", *cells)
    assert "failed: 1 of 2 seeds" in table
    rows = result_table.from_tsv((tmp_path / "out/results.tsv").read_text(), "results.tsv")
    assert [(row.seed, row.status) for row in rows] == [
        *[("0", "ok"), ("1", "failed: exp/log/a.log"), ("all", "failed: 1 of 2 seeds")]
    ]


def test_missing_vector_stops_the_cell_and_leaves_no_row(run, tmp_path, train, known):
    (tmp_path / "cell").mkdir()
    (tmp_path / "cell/result.tsv").write_text("of an earlier run\n")
    unknown = write_data_dir(tmp_path / "test", tables.read_map(REFERENCE / "test.utt2spk"))
    with pytest.raises(SerError, match="no vector of 60 of the 60 utterances"):
        run("evaluate_backend", *CELL, "--modality", "text", *train, unknown, known[1], tmp_path / "cell")
    assert not (tmp_path / "cell/result.tsv").exists()
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


def test_scores_that_tie_are_counted_in_a_warning_and_pairs_of_two_scores_refused(run, tmp_path, caplog):
    lines = [f"t{n} x target\n" for n in range(10)] + [f"n{n} x nontarget\n" for n in range(10)]
    (tmp_path / "trials").write_text("".join(lines))
    # Yes of 3 of 10 targets and of 1 of 10 nontargets.
    scores = "".join(f"{line.split()[0]} x {int(line[:2] in ('t0', 't1', 't2', 'n0'))}\n" for line in lines)
    (tmp_path / "scores").write_text(scores)
    assert run("compute_eer", tmp_path / "trials", tmp_path / "scores") == "43.750\n"
    assert "16 of 20 scores tie where the error rates cross" in caplog.text
    (tmp_path / "scores").write_text(scores + "t0 x 0\n")
    with pytest.raises(SerError, match=r"scores:1 and .*scores:21: the pair 't0 x' is scored 1 and 0; keep one line"):
        run("compute_eer", tmp_path / "trials", tmp_path / "scores")


def test_the_commands_of_a_back_end_write_the_recipes_files_and_score_alike(run, tmp_path, train, known):
    cell, backend = tmp_path / "cell", tmp_path / "backend"
    run("evaluate_backend", *CELL, "--modality", "speech", "--write-scores", "true", *train, *known, cell)
    run("train_backend", f"{train[0]}/utt2emo", train[1], backend)
    for name in ("mean.vec", "lda.mat", "plda", "classes.txt", "num_utts", "config.yaml"):
        assert (backend / name).read_bytes() == (cell / "backend" / name).read_bytes()
    # The vectors in the order of the class list, as the recipe has them.
    utts = list(tables.read_map(f"{known[0]}/utt2emo"))
    vectors = ark.load(known[1])
    with ark.Writer(f"ark:{tmp_path}/test.ark") as writer:
        for utt in utts:
            writer.write(utt, vectors[utt])
    run("score_backend", backend, *[f"ark:{tmp_path}/test.ark"] * 2, "all", f"ark:{tmp_path}/all.ark")
    # The files hold float32, the recipe goes on with what it trained.
    scored, expected = (ark.stack(f"ark:{path}")[1] for path in (tmp_path / "all.ark", cell / "scores.ark"))
    np.testing.assert_allclose(scored, expected, atol=1e-3)
    found = run("compute_eer", "--utt2class", f"{known[0]}/utt2emo", "all", f"ark:{tmp_path}/all.ark")
    assert float(found) == pytest.approx(read_row(cell).eer, abs=0.02)


def test_seeds_are_averaged_as_scores_and_twice_the_same_is_that_one(run, tmp_path, train, known):
    options = (*CELL, "--modality", "speech", "--write-scores", "true")
    run("evaluate_backend", *options, "--seed", "0", *train, *known, tmp_path / "one")
    run(
        "evaluate_backend",
        *options,
        "--seed",
        "average",
        "--also",
        train[1],
        known[1],
        *train,
        *known,
        tmp_path / "two",
    )
    one, two = (read_row(tmp_path / name) for name in ("one", "two"))
    assert (two.seed, two.lda_dim, two.eer) == ("average", one.lda_dim, one.eer)
    assert (tmp_path / "two/scores.ark").read_bytes() == (tmp_path / "one/scores.ark").read_bytes()
    assert (tmp_path / "two/backend/2/plda").read_bytes() == (tmp_path / "one/backend/plda").read_bytes()
    with pytest.raises(SerError, match="--also: the vectors of several nets have no fallback"):
        fallback = ("--fallback-train", train[1], "--fallback-test", known[1])
        run("evaluate_backend", *options, *fallback, "--also", train[1], known[1], *train, *known, tmp_path / "three")


def test_compared_with_several_systems_p_is_corrected_and_one_seed_is_said(run, tmp_path, train, known, caplog):
    for name, seed in (("a", 0), ("b", 1), ("c", 2)):
        run("evaluate_backend", *CELL, "--modality", "speech", "--seed", seed, *train, *known, tmp_path / name)
    lines = run("compare_cells", *[tmp_path / name for name in "abc"]).splitlines()
    assert lines[0].split()[0] == "other" and lines[0].split()[-1] == "Holm"
    assert [line.split()[:2] for line in lines[1:3]] == [["1", "eer"], ["2", "eer"]]
    assert all(line.split()[-2:] == ["1.000", "1.000"] for line in lines[1:])
    assert "3 of 3 systems were trained with one seed: the p-value covers other speakers" in caplog.text
    caplog.clear()
    sides = [f"{tmp_path}/a,{tmp_path}/b", f"{tmp_path}/b,{tmp_path}/c"]
    assert run("compare_cells", *sides).splitlines()[1].split()[0] == "eer"
    assert "one seed" not in caplog.text


def test_the_size_of_an_lda_is_taken_as_the_table_writes_it(run, tmp_path, train, known):
    for name, value in (("names", "K-1"), ("number", "0")):
        run("evaluate_backend", *CELL, "--modality", "speech", "--lda-dim", value, *train, *known, tmp_path / name)
    one, other = (tmp_path / name / "result.tsv" for name in ("names", "number"))
    assert one.read_bytes() == other.read_bytes() and "\tK-1\t" in one.read_text()
    with pytest.raises(SystemExit):
        run("evaluate_backend", *CELL, "--modality", "speech", "--lda-dim", "few", *train, *known, tmp_path / "bad")


def move_speakers(folder, vectors, tmp_path, name):
    """Write the vectors of a data dir with a constant added for each speaker; return the rspecifier."""
    table, speakers = ark.load(vectors), tables.read_map(f"{folder}/utt2spk")
    rng = np.random.default_rng(3)
    shift = {speaker: 8.0 * rng.normal(size=len(next(iter(table.values())))) for speaker in set(speakers.values())}
    with ark.Writer(f"ark:{tmp_path / name}") as writer:
        for utt, speaker in speakers.items():
            writer.write(utt, (table[utt] + shift[speaker]).astype(np.float32))
    return f"ark:{tmp_path / name}"


def test_the_speakers_mean_is_taken_off_both_sides_and_the_row_says_so(run, tmp_path, train, known):
    moved = [
        (folder, move_speakers(folder, ark_, tmp_path, Path(folder).name + ".ark")) for folder, ark_ in (train, known)
    ]
    found = {}
    for name, sides in (("as_is", (train, known)), ("moved", moved)):
        for words in ("none", "all", "first 4"):
            cell = tmp_path / f"{name}.{words}"
            options = (*CELL, "--modality", "speech", "--speaker-normalisation", words)
            run("evaluate_backend", *options, *sides[0], *sides[1], cell)
            found[name, words] = read_row(cell)
            assert found[name, words].speaker_normalisation == words
    assert abs(found["moved", "none"].eer - found["as_is", "none"].eer) > 1
    for words in ("all", "first 4"):
        assert found["moved", words].eer == pytest.approx(found["as_is", words].eer, abs=0.2)


def test_the_commands_of_a_back_end_apply_its_speaker_normalisation(run, tmp_path, train):
    """Scores and classes are those of vectors that were normalised beforehand, through blocks of any size."""
    utt2spk, how = f"{train[0]}/utt2spk", SpeakerNormalisation.parse("all")
    utts, vectors = read_vectors(train[1])
    with ark.Writer(f"ark:{tmp_path / 'less.ark'}") as writer:
        for utt, vector in zip(utts, how.apply(vectors, read_speakers(utt2spk, utts)), strict=True):
            writer.write(utt, vector)
    less, options = f"ark:{tmp_path / 'less.ark'}", ("--utt2spk", utt2spk)
    run("train_backend", "--lda-dim", 4, TRAIN[0], less, tmp_path / "plain")
    run("train_backend", "--lda-dim", 4, "--speaker-normalisation", "all", *options, *TRAIN, tmp_path / "normalised")
    for name, side, words in (("plain", less, ()), ("normalised", TRAIN[1], options)):
        run("score_backend", *words, tmp_path / name, side, side, "all", f"ark:{tmp_path / name}.ark")
        run("classify_vectors", *words, tmp_path / name, TRAIN[0], side, side, tmp_path / f"{name}.classes")
        run("adapt_backend", *words, tmp_path / name, side, tmp_path / f"{name}.adapted")
    scores = [ark.stack(f"ark:{tmp_path / name}.ark", utts)[1] for name in ("plain", "normalised")]
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-3, atol=1e-3)
    classes = [tables.read_map(tmp_path / f"{name}.classes") for name in ("plain", "normalised")]
    assert [line.split()[0] for line in classes[0].values()] == [line.split()[0] for line in classes[1].values()]
    means = [read_plda(tmp_path / f"{name}.adapted" / "plda")[0] for name in ("plain", "normalised")]
    np.testing.assert_allclose(means[1], means[0], atol=1e-4)


def test_a_back_end_with_speaker_normalisation_asks_for_the_speakers(run, tmp_path, train):
    with pytest.raises(SerError, match="speaker_normalisation is 'first 3': give the speakers of the utterances"):
        run("train_backend", "--speaker-normalisation", "first 3", *TRAIN, tmp_path / "be")
    options = ("--speaker-normalisation", "all", "--utt2spk", f"{train[0]}/utt2spk")
    run("train_backend", *options, *TRAIN, tmp_path / "be")
    with pytest.raises(SerError, match="with --utt2spk"):
        run("score_backend", tmp_path / "be", *[TRAIN[1]] * 2, "all", f"ark:{tmp_path / 'scores'}")
    (tmp_path / "counts").write_text("x 2\n")
    with pytest.raises(SerError, match="--num-utts: averages of utterances have no speaker"):
        run("score_backend", "--num-utts", tmp_path / "counts", tmp_path / "be", *[TRAIN[1]] * 2, "all", "ark:-")
