"""The report of a run, from its folder to its page."""

from pathlib import Path

from ser.files import write_text
from ser.report import classes, conduct, cross, page, pictures, scores
from ser.report.experiment import read_experiment
from ser.report.summary import summary

# In the order of the page.
SECTIONS = (
    *(scores.table_of_results, scores.det_curves, scores.layer_map, classes.confusions, classes.emotion_pairs),
    *(scores.strata, scores.unseen, classes.calibration, classes.embeddings, conduct.training_curves),
    *(conduct.human_yardstick, conduct.protocol_card, conduct.cost),
)
# These sections need a system that scores pairs; a run without one leaves them out, without a note.
OF_PAIRS = {
    scores.det_curves,
    scores.layer_map,
    classes.emotion_pairs,
    scores.strata,
    scores.unseen,
    classes.embeddings,
}


def has_errors_page(folder: Path) -> bool:
    """Tell whether `ser.bin.make_errors_page` has written the page of errors."""
    return (folder / "errors.html").is_file()


def write_report(folder: Path) -> int:
    """Write ``report.html`` and ``figures/``, replacing those of an earlier report; return the number of pictures."""
    run = read_experiment(folder)
    sections = [make(run) for make in SECTIONS if run.scores_pairs or make not in OF_PAIRS]
    if cross.is_across(run):
        sections.insert(1, cross.cross_corpus(run))
    drawn = [picture for section in sections for picture in section.pictures]
    for picture in drawn:
        pictures.write_files(picture, folder / "figures")
    names = {picture.name for picture in drawn}
    for old in (folder / "figures").glob("*.*"):
        if old.suffix in (".png", ".tsv") and old.stem not in names:
            old.unlink()
    head = summary(run)
    if has_errors_page(folder):
        head += page.link("Misclassified utterances, with sound", "errors.html")
    write_text(folder / "report.html", page.page(f"Report of {folder.name}", head, sections))
    return len(drawn)
