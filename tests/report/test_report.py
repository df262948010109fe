"""The report of a made-up run: what stands in it, that it is well-formed, safe, alone and the same every time."""

import dataclasses
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.report import classes, conduct, scores
from ser.report.experiment import read_experiment, read_table
from ser.report.report import write_report
from ser.report.summary import summary
from ser.results import result_table

VOID = {"meta", "link", "br", "wbr", "img", "hr"}
HEADINGS = (
    *("Results", "DET curves", "Layers and modalities", "Confusions", "Emotion pairs", "Strata", "Unseen emotions"),
    *("Calibration", "Embeddings", "Training", "Human yardstick", "Protocol card", "Cost"),
)


class Page(HTMLParser):
    """Keeps what a test asks for, and fails where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / "report.html").read_text(encoding="utf-8"))


def test_every_section_is_there_and_in_the_contents(page):
    assert page.texts["h2"] == list(HEADINGS)
    targets = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href") and value[0] == "#"]
    assert set(targets) <= {f"#{name}" for name in page.values("id")}
    assert len(targets) == len(HEADINGS)


def test_ids_are_unique(page):
    assert [name for name, count in Counter(page.values("id")).items() if count > 1] == []


def test_page_loads_nothing(page):
    assert not page.tags.keys() & {"script", "link", "iframe", "object", "embed"}
    sources = [value for tag, name, value in page.attributes if name in ("src", "href") and tag != "a"]
    assert all(value.startswith(("#", "data:")) for value in sources)
    assert "http" not in " ".join(page.values("href") + page.values("src"))
    assert all("@import" not in text and "url(" not in text for text in page.texts["style"])


def test_names_are_escaped(page):
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert any("<script>alert(1)</script>" in text for text in page.texts["text"])


def test_pictures_say_what_they_show_and_tables_have_headers(page):
    assert page.tags["svg"] > 15
    assert (
        page.values("role").count("img")
        == len([name for name in page.values("aria-label") if name]) - page.tags["table"] - 1
    )
    assert page.values("scope").count("col") > 0
    assert page.values("scope").count("row") > 0


def test_first_screen_has_the_best_of_each_modality_with_interval_chance_and_audit(page):
    assert page.texts["h4"] == ["speech, tdnn7", "text, bert", "speech+text, tdnn7", "speech, tdnn7"]
    text = " ".join(page.texts["p"])
    assert "EER 30.5 %" in text
    assert "Interval 27.5 to 33.5 %; chance 50 %" in text
    assert "chance 20 %" in text
    assert "Audit passed: no leak in 2 checks. Shared, which is no fault: sentences." in text
    assert "Scored text: gold." in text


def test_a_leak_is_said_on_the_first_screen(run_dir):
    card = run_dir / "protocol_card.tsv"
    card.write_text(card.read_text().replace("speakers\tok", "speakers\t3 LEAK"))
    assert "Audit: LEAK in 1, finetune: speakers." in summary(read_experiment(run_dir))


def test_same_inputs_make_the_same_bytes(small_run):
    written = []
    for _ in range(2):
        write_report(small_run)
        paths = (small_run / "report.html", *(small_run / "figures").iterdir())
        written.append({path.name: path.read_bytes() for path in paths})
        shutil.rmtree(small_run / "figures")
    assert written[0] == written[1]


def test_every_picture_is_a_png_with_its_numbers(report, page):
    pictures = sorted((report / "figures").glob("*.png"))
    assert len(pictures) == page.tags["svg"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert {path.stem for path in pictures} == {path.stem for path in (report / "figures").glob("*.tsv")}


def test_numbers_of_the_pictures_are_those_of_the_cells(report):
    figures, cells = report / "figures", report / "cells"
    without = cells / "speech_tdnn7_cremad_all"
    assert (figures / "confusion-speech-iemocap-trained-without-it.tsv").read_text() == (
        without / "confusion.tsv"
    ).read_text()
    drawn = [row for row in read_table(figures / "det-iemocap-trained-without-it.tsv") if row["modality"] == "speech"]
    assert [(row["miss"], row["false_alarm"]) for row in drawn] == [
        (row["miss"], row["false_alarm"]) for row in read_table(without / "det.tsv")
    ]
    folds = [read_table(cells / f"speech_tdnn7_cremad+iemocap_{fold}" / "confusion.tsv") for fold in (1, 2)]
    summed = read_table(figures / "confusion-speech-iemocap-trained-on-its-other-folds.tsv")
    for row, first, second in zip(summed, *folds, strict=True):
        assert int(row["anger"]) == int(first["anger"]) + int(second["anger"])
    layers = read_table(figures / "layers-iemocap-trained-on-its-other-folds.tsv")
    assert {(row["layer"], row["modality"]): row["eer"] for row in layers}["tdnn7", "speech"] == "30.50"


def test_folds_average_their_strata_and_add_their_trials(report):
    tables = [read_table(report / "cells" / f"speech_tdnn7_cremad+iemocap_{fold}" / "strata.tsv") for fold in (1, 2)]
    drawn = read_table(report / "figures" / "strata-iemocap-trained-on-its-other-folds.tsv")
    mine = {row["stratum"]: row for row in drawn}
    assert mine["all"]["trials"] == "19800"
    assert float(mine["all"]["eer"]) == pytest.approx(sum(float(table[0]["eer"]) for table in tables) / 2, abs=1e-3)
    assert mine["enrol_5"]["eer"] == "-"


@pytest.mark.parametrize(
    ("absent", "section", "said"),
    [
        ("results.tsv", scores.table_of_results, "local/run_vgg_bert.sh --name x --stage 7"),
        ("cells/*/det.tsv", scores.det_curves, "No det.tsv in the cells"),
        ("cells/list", classes.confusions, "local/run_vgg_bert.sh --name x --stage 6"),
        ("cells/*/projected.tsv", classes.embeddings, "No projected.tsv in the cells"),
        ("cells/*/reliability.tsv", classes.calibration, "No reliability.tsv in the cells"),
        ("human.tsv", conduct.human_yardstick, "No human.tsv"),
        ("protocol_card.tsv", conduct.protocol_card, "No protocol_card.tsv"),
        ("cost.tsv", conduct.cost, "No cost.tsv"),
        ("*/train.tsv", conduct.training_curves, "No &lt;training&gt;/train.tsv"),
    ],
)
def test_what_is_absent_is_named_with_what_makes_it(run_dir, absent, section, said):
    (run_dir / "commands.txt").write_text("local/run_vgg_bert.sh --stage 4 --name x\n")
    (run_dir / "plan").mkdir(exist_ok=True)
    (run_dir / "plan" / "plan.tsv").write_text("stage\tkind\tmakes\n6\tcells\texp/x/cells\n7\tcard\texp/x\n")
    for path in run_dir.glob(absent):
        path.unlink()
    assert said in section(read_experiment(run_dir)).html


def test_without_a_card_the_first_screen_says_that_nothing_was_audited(small_run):
    assert "No protocol card here says whether training and test overlap." in summary(read_experiment(small_run))


def test_an_empty_folder_makes_a_page_that_says_so(tmp_path):
    assert write_report(tmp_path) == 0
    assert Page((tmp_path / "report.html").read_text()).texts["h2"] == list(HEADINGS)


def test_of_a_system_that_scores_no_pairs_no_sections_on_pairs_are_missed(small_run):
    cells = [small_run, *map(Path, (small_run / "cells" / "list").read_text().split())]
    for path in (folder / name for folder, name in zip(cells, ("results.tsv", "result.tsv"), strict=True)):
        rows = result_table.from_tsv(path.read_text(), str(path))
        none = dict.fromkeys(("eer", "eer_low", "eer_high", "min_dcf", "trials"))
        path.write_text(result_table.to_tsv(dataclasses.replace(row, **none) for row in rows))
    write_report(small_run)
    page = Page((small_run / "report.html").read_text())
    assert not {"DET curves", "Strata"} & set(page.texts["h2"])
    assert {"Results", "Confusions", "Calibration"} < set(page.texts["h2"])
    assert "No pairs of utterances are scored." in " ".join(page.texts["p"])


def test_pictures_of_an_earlier_report_do_not_stay(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "cost.png").touch()
    write_report(tmp_path)
    assert not (tmp_path / "figures" / "cost.png").exists()


def test_classes_held_out_are_in_their_own_table_alone(run_dir):
    run = read_experiment(run_dir)
    assert [len(panel.cells) for panel in run.panels] == [4, 1]
    assert scores.unseen(run).html.count("41.0 [38.0, 44.0]") == 2


def test_a_split_by_utterances_stands_apart_from_folds(run_of_two_splits):
    titles = [panel.title for panel in read_experiment(run_of_two_splits).panels]
    assert titles == ["iemocap, trained on its other folds", "iemocap, trained on its other utterances"]


def test_a_failed_cell_is_a_row_that_says_so(small_run):
    table = small_run / "results.tsv"
    header, first, *others = table.read_text().splitlines()
    fields = first.replace("tdnn7", "tdnn6").split("\t")
    place = header.split("\t").index("status")
    failed = [*fields[:place], "failed: exp/log/evaluate.1.log", *["-"] * (len(fields) - place - 1)]
    table.write_text("\n".join([header, "\t".join(failed), first, *others]) + "\n")
    run = read_experiment(small_run)
    assert "failed: exp/log/evaluate.1.log" in scores.table_of_results(run).html
    assert "1 cell failed" in summary(run)


def test_a_broken_table_is_named_with_its_line(small_run):
    path = small_run / "cells" / "speech_tdnn7_cremad_all" / "strata.tsv"
    path.write_text("stratum\ttrials\nall\n")
    with pytest.raises(SerError, match=r"strata.tsv:2: expected 2 fields, found 1"):
        scores.strata(read_experiment(small_run))


def test_confusions_of_folds_add_up_by_class_whatever_the_training_of_each_lacks():
    # A perfect classifier; fold 1's training lacks neutral, which comes last there, and fold 2 has no anger at all.
    corner = "true \\ predicted"
    one = [
        {corner: "anger", "anger": "4", "sadness": "0", "neutral": "0"},
        {corner: "sadness", "anger": "0", "sadness": "5", "neutral": "0"},
        {corner: "neutral", "anger": "2", "sadness": "1", "neutral": "0"},
    ]
    two = [{corner: "neutral", "neutral": "7", "sadness": "0"}, {corner: "sadness", "neutral": "0", "sadness": "6"}]
    found, names, counts = classes.add_confusions([one, two])
    assert (found, names) == (corner, ["anger", "sadness", "neutral"])
    assert counts.tolist() == [[4, 0, 0], [0, 11, 0], [2, 1, 7]]
    assert classes.add_confusions([two, one])[2].trace() == counts.trace() == 22
    _, names, counts = classes.add_confusions([two])
    assert names == ["neutral", "sadness"] and counts.tolist() == [[7, 0], [0, 6]]
