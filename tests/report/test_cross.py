"""Heat maps of results across corpora."""

import dataclasses

import pytest

from ser.report import cross
from ser.report.experiment import read_experiment
from ser.report.report import write_report
from ser.results import result_table
from ser.results.result_table import Result


def row(train, test, eer, variant="plain", fold="all"):
    names = ("xvector", train, test, fold, variant, "0", "-", "tdnn6", "speech", "plda", 2, "-", result_table.OK)
    return Result(*names, utts=50, eer=eer, eer_low=eer - 4, eer_high=eer + 5, uar=90 - eer, wa=60.0, f1=60.0)


@pytest.fixture
def run(tmp_path):
    rows = [row("a", "b", 40.0), row("b", "a", 35.0), row("a", "b", 38.0, "adapted"), row("a", "a", 20.0)]
    (tmp_path / "results.tsv").write_text(result_table.to_tsv(rows))
    table = "class\ta_emotion\tb_emotion\tkept\nanger\t3\t4\tyes\nfear\t2\t0\tno\nneutral\t5\t6\tyes\n"
    (tmp_path / "classes.tsv").write_text(table)
    return tmp_path


def test_matrix_has_a_row_for_each_training_set_and_its_adapted_one(run):
    section = cross.cross_corpus(read_experiment(run))
    eer, uar = section.pictures
    assert (eer.name, uar.name) == ("cross_eer", "cross_uar")
    assert set(eer.rows) == {
        ("a", "a", 20.0, 16.0, 25.0),
        ("a", "b", 40.0, 36.0, 45.0),
        ("a, adapted", "b", 38.0, 34.0, 43.0),
        ("b", "a", 35.0, 31.0, 40.0),
    }
    assert ("b", "a", 55.0, "-", "-") in uar.rows


def test_classes_that_all_have_are_stated(run):
    section = cross.cross_corpus(read_experiment(run))
    assert "uses the 2 classes that all corpora share: anger, neutral." in section.html
    assert "Left out, since some corpus lacks them: fear." in section.html


def test_report_has_the_section_where_several_corpora_are_scored(run):
    write_report(run)
    assert '<h2 id="across-corpora">' in (run / "report.html").read_text()
    assert (run / "figures/cross_eer.tsv").read_text().startswith("train\ttest\teer\tlow\thigh\n")
    alone = [dataclasses.replace(row("a", "b", 40.0))]
    (run / "results.tsv").write_text(result_table.to_tsv(alone))
    write_report(run)
    assert "across-corpora" not in (run / "report.html").read_text()
    assert not (run / "figures/cross_eer.tsv").exists()
