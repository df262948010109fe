"""A plan as files that a shell reads."""

import pytest

from ser.errors import SerError
from ser.plan.job import Plan, job, show, write

KINDS = {"net": 3, "cell": 8, "detector": 9}
PLAN = Plan(
    KINDS,
    (
        job(8, "cell", "a", ["--train", "x y", "data/1"], ["exp/net"], ["exp/cells/a"], 20),
        job(3, "net", "1", ["data/1"], ["data/1"], ["exp/net_1", "exp/log"]),
        job(3, "net", "2", ["data/2"], ["data/2"], ["exp/net_2"]),
    ),
    {"note.txt": "words\n"},
)


def test_a_kind_has_a_list_and_a_file_of_arguments_for_each_job(tmp_path):
    write(PLAN, tmp_path)
    assert (tmp_path / "net.list").read_text() == "exp/net_1\nexp/net_2\n"
    assert (tmp_path / "net.2.args").read_text() == "data/2\n"
    assert (tmp_path / "cell.1.args").read_text() == "--train\nx y\ndata/1\n"
    assert (tmp_path / "detector.list").read_text() == ""  # a kind without jobs
    assert (tmp_path / "note.txt").read_text() == "words\n"


def test_the_table_has_a_row_a_job_in_the_order_of_stages(tmp_path):
    write(PLAN, tmp_path)
    rows = [line.split("\t") for line in (tmp_path / "plan.tsv").read_text().splitlines()]
    assert rows[0] == ["stage", "kind", "name", "utterances", "makes", "from"]
    assert [row[:4] for row in rows[1:]] == [["3", "net", "1", "-"], ["3", "net", "2", "-"], ["8", "cell", "a", "20"]]
    assert rows[1][4:] == ["exp/net_1 exp/log", "data/1"]


def test_what_a_person_reads_is_aligned_and_of_the_asked_stages():
    lines = show(PLAN.between(3, 3)).splitlines()
    assert len(lines) == 3
    assert lines[0].index("makes") == lines[1].index("exp/net_1") == lines[2].index("exp/net_2")


def test_a_plan_takes_the_place_of_a_larger_one_and_leaves_what_is_the_same(tmp_path):
    write(PLAN, tmp_path)
    before = (tmp_path / "net.1.args").stat().st_mtime_ns
    write(Plan(KINDS, PLAN.jobs[1:2]), tmp_path)
    assert not (tmp_path / "net.2.args").exists() and not (tmp_path / "note.txt").exists()
    assert (tmp_path / "net.list").read_text() == "exp/net_1\n"
    assert (tmp_path / "net.1.args").stat().st_mtime_ns == before


def test_an_argument_of_two_lines_is_refused(tmp_path):
    with pytest.raises(SerError, match=r"net '1': a line break in the argument 'a\\nb'"):
        write(Plan(KINDS, (job(3, "net", "1", ["a\nb"]),)), tmp_path)
    with pytest.raises(ValueError, match="not a kind of the plan"):
        Plan(KINDS, (job(4, "net", "1", []),))


def test_a_damaged_file_of_a_plan_is_written_again(tmp_path):
    write(PLAN, tmp_path)
    (tmp_path / "net.1.args").write_bytes(b"\xffata/1\n")
    write(PLAN, tmp_path)
    assert (tmp_path / "net.1.args").read_text() == "data/1\n"
