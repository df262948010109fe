"""Options as a driver's shell passes them."""

import dataclasses
import sys
from pathlib import Path

import pytest

from ser.bin import plan_run
from ser.errors import SerError
from ser.plan import xvector_bert
from ser.plan.corpora import read_corpora
from ser.plan.options import RunOptions, check_run, options_of_run, read_options


def test_words_become_values_of_the_fields_types(xvector_options):
    options = xvector_options(finetune_speeds="0.9 1.1", lda_dim="4", iemocap="/mine")
    assert options.finetune_speeds == ("0.9", "1.1")
    assert (options.lda_dim, options.seed, options.compress, options.nj) == (4, None, True, 2)
    assert options.folder("iemocap") == "/mine"
    assert options.folder("cremad") == "/corpora/CREMA-D"


def test_a_corpus_without_a_folder_is_refused_with_its_option(xvector_options):
    with pytest.raises(SerError, match="no folder of rirs_noises; give --rirs-noises or --corpora"):
        xvector_options(corpora="").folder("rirs_noises")


def test_a_driver_and_a_system_that_disagree_on_options_are_told(xvector_options):
    with pytest.raises(SerError, match="unknown option --moon; known: augment, backend"):
        xvector_options(moon="1")
    names = {field.name for field in dataclasses.fields(xvector_bert.Options)} - {"folders", "pooling"}
    with pytest.raises(SerError, match=r"missing option --(?!pooling)[a-z-]+; the driver must set it"):
        read_options(xvector_bert.Options, [], read_corpora())
    with pytest.raises(SerError, match="expected --option=value, found 'pooling'"):
        read_options(xvector_bert.Options, ["pooling"], read_corpora())
    assert "seed" in names


def test_a_run_tells_the_options_of_its_last_call(tmp_path, monkeypatch, xvector_words, xvector_options):
    (tmp_path / "conf").symlink_to(Path("conf").resolve())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SerError, match=r"^exp/run/plan/options\.args: no such file; make the run by \./run\.sh --name run"
    ):
        options_of_run(xvector_bert.Options, "run")
    for seed in ("", "3"):
        monkeypatch.setattr(sys, "argv", ["plan_run", "--do", "write", "xvector_bert", *xvector_words(seed=seed)])
        plan_run.main()
        assert options_of_run(xvector_bert.Options, "run") == xvector_options(seed=seed)
    Path("exp/run/plan/options.args").write_text("--moon=1\n")
    with pytest.raises(SerError, match=r"^exp/run/plan/options\.args: unknown option --moon"):
        options_of_run(xvector_bert.Options, "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nj": "many"}, "--nj: expected a whole number, found 'many'"),
        ({"nj": "0"}, "--nj: expected a number from 1, found '0'"),
        ({"train_jobs": "0"}, "--train-jobs: expected a number from 1, found '0'"),
        ({"compress": "maybe"}, "--compress: expected true or false, found 'maybe'"),
        ({"stage": "10"}, "expected --stage 0 to 9 and a --stop-stage that is not before it, found '10' and '9'"),
        ({"stage": "3", "stop_stage": "2"}, "found '3' and '2'"),
        ({"name": "a b"}, "--name: expected only letters, digits and ._-, found 'a b'"),
        ({"name": "../x"}, "--name: expected only letters"),
        ({"name": "my.JOB"}, "--name: 'my.JOB' has the word JOB"),
        ({"seed": "-1"}, "--seed: expected a number from 0, found '-1'"),
        ({"toy": "true", "stage": "1", "corpora": "/nowhere"}, "for a toy run start with --stage 0"),
    ],
)
def test_what_any_run_refuses(xvector_options, changes, message):
    with pytest.raises(SerError, match=message):
        check_run(xvector_options(**changes), 9, [])


@pytest.mark.parametrize("name", ["5FOLD", "JOB1", "FOLD", "run-1.b"])
def test_a_name_may_have_such_words_inside(xvector_options, name):
    check_run(xvector_options(name=name), 9, ["conf/bert.yaml"])


def test_settings_that_are_not_there_are_refused(xvector_options):
    with pytest.raises(SerError, match=r"no conf/none.yaml; --help lists the options that name it"):
        check_run(xvector_options(), 9, ["conf/none.yaml"])


def test_a_seed_of_the_run_takes_the_place_of_the_settings_own(xvector_options):
    assert xvector_options().seed_override() == []
    assert xvector_options(seed="7").seed_override() == ["--set", "fit.seed=7"]
    assert issubclass(xvector_bert.Options, RunOptions)
