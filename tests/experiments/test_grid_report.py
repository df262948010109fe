"""The page of errors of a grid is of the corpus that its run scored, with what trained any of its back ends."""

from pathlib import Path

import pytest

from ser.config import load_config
from ser.experiments.artefact import Workshop
from ser.experiments.finished_run import FinishedRun
from ser.experiments.grid import GridConfig
from ser.experiments.point_artefacts import PointArtefacts
from ser.plan.layout import Layout
from ser.record.code import Sources
from ser.record.digests import Digests


@pytest.mark.parametrize("toy", [False, True])
def test_page_of_errors_is_told_the_name_of_a_real_corpus(tmp_path, xvector_options, toy):
    data = tmp_path / "data"
    config = load_config(GridConfig, "conf/experiments.yaml")
    at, options = Layout(data, tmp_path / "exp"), xvector_options(toy=str(toy).lower())
    run = FinishedRun(options, at, Digests(tmp_path / "digests"))
    grid = PointArtefacts(config, Workshop(Sources(Path())), run)
    assert grid.report_options(Path("exp/x")) == [
        *("--test-dir", f"{data}/iemocap_emotion"),
        *("--train-dirs", f"{data}/cremad_emotion {data}/iemocap_emotion"),
        *("--corpus", "toy" if toy else "iemocap"),
        "exp/x",
    ]
