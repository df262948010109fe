"""The command that makes what a report lacks: of the run's own driver."""

from pathlib import Path

import pytest

from ser.errors import SerError
from ser.plan.job import write
from ser.plan.remedies import command_for
from ser.plan.vgg_bert import plan


@pytest.fixture
def exp(tmp_path, vgg_options, facts) -> Path:
    """The folder of a run of system D, which was begun with one stage alone and then went on."""
    write(plan(vgg_options(), facts), tmp_path / "plan")
    (tmp_path / "commands.txt").write_text(
        "./run.sh\nlocal/run_vgg_bert.sh --name my\\ run --stage 2 --stop-stage=3 --copies '' \n"
    )
    return tmp_path


def test_the_remedy_is_the_runs_own_command_from_the_stage_that_makes_it(exp):
    command = "local/run_vgg_bert.sh --name 'my run' --copies ''"
    assert command_for(exp, "training") == f"{command} --stage 2"
    assert command_for(exp, "cells") == f"{command} --stage 6"
    assert command_for(exp, "report") == f"{command} --stage 7"
    assert command_for(exp, "run") == command


def test_a_grid_has_no_stages_but_a_command(tmp_path):
    (tmp_path / "commands.txt").write_text("local/run_experiments.sh conf/toy/experiments.yaml \n")
    assert command_for(tmp_path, "cells") == "local/run_experiments.sh conf/toy/experiments.yaml"


def test_of_a_folder_that_no_driver_made_it_is_run_sh(tmp_path):
    assert command_for(tmp_path, "report") == "./run.sh"
    (tmp_path / "commands.txt").write_text("./run.sh 'unfinished\n")
    assert command_for(tmp_path, "cells") == "./run.sh"


def test_a_damaged_table_is_named(exp):
    (exp / "plan" / "plan.tsv").write_text("stage\tkind\nx\tcells\n")
    with pytest.raises(SerError, match=r"plan\.tsv: damaged: .*; run the driver again"):
        command_for(exp, "cells")
