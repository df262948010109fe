"""A plan lists what is left in waves; what failed becomes a row of the results with the log to look at."""

import dataclasses
import subprocess
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.experiments.artefact import Artefact, Workshop
from ser.experiments.plan import collect, describe, write_plan
from ser.record.code import Sources
from ser.results import result_table

ROW = result_table.Result(
    system="s", train="a+b", test="b", fold="1", variant="all", seed="0", text="-", layer="tdnn6", modality="speech",
    backend="plda", lda_dim=4, held_out="-", status="planned",
)  # fmt: skip


def grid(broken: str = "true") -> dict[Artefact, result_table.Result]:
    """Two nets of one data dir and their cells; the second net takes the command `broken`."""
    workshop = Workshop(Sources(Path()))
    role = workshop.artefact("role", "seq 5 > $dir/data")
    cells = {}
    for fold, command in (("1", "true"), ("2", broken)):
        net = workshop.artefact(
            "net", command, f"sort -r {role.path}/data > $dir/model{fold}", inputs=(role,), trains=True
        )
        scores = f"mkdir -p $dir/cell && cat {net.path}/model{fold} > $dir/cell/scores"
        cells[workshop.artefact("cell", scores, inputs=(net,))] = dataclasses.replace(ROW, fold=fold)
    return cells


def make_all(exp: Path) -> None:
    """What local/run_experiments.sh does with the lists of a plan."""
    wave = 1
    while lists := sorted((exp / "plan").glob(f"{wave}.*.list")):
        for path in lists:
            for number in range(len(path.read_text().splitlines())):
                command = ["utils/make_artefact.sh", str(path), str(number + 1)]
                subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
        wave += 1


def contents(exp: Path) -> dict[str, bytes]:
    return {str(path.relative_to(exp)): path.read_bytes() for path in exp.glob("artefacts/*/**/*") if path.is_file()}


def test_trainings_have_lists_of_their_own_and_a_second_plan_has_none(tmp_path):
    cells = grid()
    assert write_plan(tmp_path, cells) == 5
    names = ["1.others.list", "2.nets.list", "3.others.list"]
    assert sorted(path.name for path in (tmp_path / "plan").glob("*.list")) == names
    assert "wave 2: 2 net\n" in describe(tmp_path, cells)
    make_all(tmp_path)
    assert collect(tmp_path) == []

    before = contents(tmp_path)
    (tmp_path / "results.tsv").touch()
    assert write_plan(tmp_path, grid()) == 0
    assert not list((tmp_path / "plan").glob("*.list"))
    assert contents(tmp_path) == before
    assert (tmp_path / "results.tsv").exists()
    assert "wave" not in describe(tmp_path, cells)


def test_what_failed_is_a_row_with_the_first_log_and_the_others_are_made(tmp_path):
    write_plan(tmp_path, grid(broken="false"))
    make_all(tmp_path)
    (problem,) = collect(tmp_path)
    good, bad = (Path(line) for line in (tmp_path / "cells/list").read_text().splitlines())
    assert (good / "scores").read_text().split() == ["5", "4", "3", "2", "1"]
    (row,) = result_table.from_tsv((bad / "failed").read_text(), "failed")
    log = row.status.removeprefix("failed: ")
    assert problem == f"{bad}: {log}"
    assert Path(log).parent.name.startswith("net-") and Path(log).is_file()
    assert row.name() == dataclasses.replace(ROW, fold="2").name()


def test_mended_and_run_again_only_what_failed_is_made(tmp_path):
    flag = tmp_path / "mended"
    write_plan(tmp_path, grid(broken=f"test -f {flag}"))
    make_all(tmp_path)
    finished = {name: data for name, data in contents(tmp_path).items() if "net-" not in name and "cell-" not in name}
    flag.touch()
    assert write_plan(tmp_path, grid(broken=f"test -f {flag}")) == 2
    make_all(tmp_path)
    assert collect(tmp_path) == []
    assert finished.items() <= contents(tmp_path).items()


def test_another_grid_in_its_place_removes_the_old_table_and_lists_what_is_unused(tmp_path):
    write_plan(tmp_path, grid())
    make_all(tmp_path)
    (tmp_path / "results.tsv").touch()
    first, _ = grid()
    assert write_plan(tmp_path, {first: ROW}) == 0
    assert not (tmp_path / "results.tsv").exists()
    unused = [Path(line).name.split("-")[0] for line in (tmp_path / "plan/unused").read_text().splitlines()]
    assert unused == ["cell", "net"]


def test_what_the_audits_found_is_gathered_without_those_of_earlier_grids(tmp_path):
    workshop = Workshop(Sources(Path()))
    audits = [workshop.artefact("audit", f"echo {number} > $dir/audit.tsv") for number in (1, 2)]
    for audit in audits:
        cell = workshop.artefact("cell", f"mkdir -p $dir/cell # of {audit.name}", after=(audit,))
        write_plan(tmp_path, {cell: ROW})
        make_all(tmp_path)
        assert collect(tmp_path) == []
        [found] = (tmp_path / "audit").iterdir()
        assert found.name == audit.name.removeprefix("audit-") + ".tsv"


def test_a_folder_without_a_plan_is_refused(tmp_path):
    with pytest.raises(SerError, match=r"cells.tsv: no such file; local/run_experiments.sh writes it"):
        collect(tmp_path)
