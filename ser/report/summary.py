"""The first screen of the report: what was run, the best result of each modality, the protocol in a sentence."""

from __future__ import annotations

from ser.protocol.audit import LEAK, SHARED
from ser.report import page, wording
from ser.report.experiment import Experiment, MeanRow, read_table
from ser.report.scores import CHANCE_EER
from ser.results import result_table


def summary(run: Experiment) -> str:
    """Return the HTML of the first screen."""
    if not run.panels:
        return page.missing("scored cells", run.remedy("cells"))
    html = page.paragraph(_what_was_run(run))
    for panel in run.panels:
        html += page.heading(panel.title) + page.cards(map(_card, panel.best()))
    return html + page.paragraph(_protocol(run))


def _what_was_run(run: Experiment) -> str:
    rows = [cell.row for panel in run.panels for cell in panel.cells]
    systems, tests = (sorted({getattr(row, name) for row in rows}) for name in ("system", "test"))
    utts = max(row.utts or 0 for row in rows)
    failed = sum(row.status != result_table.OK for row in run.rows)
    return (
        f"Emotion recognition by {', '.join(systems)}, scored on {', '.join(tests)}: {utts:,} utterances, {len(rows)} "
        + ("results" if len(rows) > 1 else "result")
        + (f", {failed} {'cells' if failed > 1 else 'cell'} failed" if failed else "")
        + ". The best of each modality:"
    )


def _card(cell: MeanRow) -> str:
    row, classes = cell.row, cell.tables("confusion.tsv")
    of_uar = f"UAR {row.shown('uar')} %" + (f"; chance {100 / len(classes[0]):.0f} %" if classes else "")
    trained = f"Trained on {row.train.replace('+', ', ')}"
    if row.eer is None:
        return page.card(cell.name, of_uar, trained)
    interval = "" if row.eer_low is None else f"Interval {row.eer_low:.1f} to {row.eer_high:.1f} %; "
    of_eer = f"{interval}chance {CHANCE_EER:.0f} %"
    return page.card(cell.name, f"EER {row.eer:.1f} %", of_eer, of_uar, trained)


def _protocol(run: Experiment) -> str:
    cells = [cell for panel in run.panels for cell in panel.cells]
    texts = sorted({cell.row.text for cell in cells} - {result_table.NOT_APPLICABLE})
    trials = "A trial is a pair of two test utterances, a target if both are of one class: "
    two_speakers = any(cell.row.pairs == result_table.TWO_SPEAKERS for cell in cells)
    return (
        (f"{trials}{wording.trials_of(cells)}. " if run.scores_pairs else "No pairs of utterances are scored. ")
        + "Pairs of the same speaker are left out for systems that do better or worse on them. " * two_speakers
        + "Brackets: intervals by bootstrap over speakers. "
        + (f"Scored text: {', '.join(texts)}. " if texts else "No text is scored. ")
        + _audit(run)
    )


def _audit(run: Experiment) -> str:
    """Say what the protocol card found that test sets share with training data."""
    found = [row for row in read_table(run.folder / "protocol_card.tsv") if row["section"] == "audit"]
    if not found:
        return "No protocol card here says whether training and test overlap."
    leaks = sorted({row["key"] for row in found if LEAK in row["value"]})
    shared = sorted({row["key"].rpartition(": ")[2] for row in found if SHARED in row["value"]})
    text = f"Audit: LEAK in {'; '.join(leaks)}." if leaks else f"Audit passed: no leak in {len(found)} checks."
    return text + (f" Shared, which is no fault: {', '.join(shared)}." if shared else "")
