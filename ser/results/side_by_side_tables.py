"""Tables of the comparison of systems, as tab-separated text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ser.files import tab_separated
from ser.results.side_by_side import Summary, Way, summarise
from ser.results.side_by_side_run import SideBySide

# Figures that are shown, with their decimals.
DECIMALS = {"uar": 1, "wa": 1, "eer": 1, "eer_two": 1, "cllr": 2, "ece": 1}
Chosen = Mapping[tuple[str, str], Way]


def write_tables(run: SideBySide, chosen: Chosen) -> dict[str, str]:
    """Return name -> text of the files that ser.bin.compare_systems lists."""
    return {
        "table.tsv": best_of_each(run, chosen),
        "all.tsv": every_way(run),
        "folds.tsv": by_fold(run, chosen),
        "speakers.tsv": by_speaker(run, chosen),
        "offsets.tsv": offsets(run),
        "predictions.tsv": predicted(run, chosen),
    }


def best_of_each(run: SideBySide, chosen: Chosen) -> str:
    """Write the chosen way of each row: figures of all folds with intervals, UAR and EER also of some folds.

    For the folds of choice and for the other folds there are only means: about three folds are too few for an interval.
    """
    columns = ["row", "speakers", "systems", "backend", "seeds", *DECIMALS]
    parts = {"choice": list(run.config.choice_folds), "other": run.other_folds}
    columns += [f"{name}_{part}" for part in parts for name in ("uar", "eer")]
    rows = []
    for (row, speakers), way in chosen.items():
        whole = _summary(run, way, run.folds)
        line = [row, speakers, way.name, way.backend, str(len(run.seeds(way)))]
        line += [_with_interval(whole, name) for name in DECIMALS]
        for folds in parts.values():
            part = _summary(run, way, folds) if folds else None
            line += ["-" if part is None else _short(part, name) for name in ("uar", "eer")]
        rows.append(line)
    return tab_separated(columns, rows)


def every_way(run: SideBySide) -> str:
    """Write the means over the folds of choice, by which choices are made, for every system and back end."""
    folds, names = list(run.config.choice_folds), ("uar", "wa", "eer", "eer_two", "cllr")
    rows = []
    for way in run.singles():
        found = _summary(run, way, folds)
        rows.append([way.name, way.speakers, way.backend, *(_short(found, name) for name in names)])
    return tab_separated(["system", "speakers", "backend", *names], rows)


def by_fold(run: SideBySide, chosen: Chosen) -> str:
    """Write the figures of each fold, means over seeds."""
    rows = []
    for (row, speakers), way in chosen.items():
        for fold in run.folds:
            found = _summary(run, way, [fold])
            rows.append([row, speakers, fold, *(_short(found, name) for name in DECIMALS)])
    return tab_separated(["row", "speakers", "fold", *DECIMALS], rows)


def by_speaker(run: SideBySide, chosen: Chosen) -> str:
    """Write the number of right predictions, a mean over seeds, and of utterances, for each speaker and class."""
    rows = []
    for (row, speakers), way in chosen.items():
        counts, seeds = run.recalls(way), len(run.seeds(way))
        for speaker in sorted({name for name, _ in counts}):
            mine = [counts.get((speaker, name), (0, 0)) for name in run.corpus.classes]
            total = sum(right for right, _ in mine), sum(of for _, of in mine)
            shown = (f"{right / seeds:.1f}/{of // seeds}" for right, of in (*mine, total))
            rows.append([row, speakers, speaker, *shown])
    return tab_separated(["row", "speakers", "speaker", *run.corpus.classes, "all"], rows)


def offsets(run: SideBySide) -> str:
    """Write the distance of each speaker's mean from that of the others, for each system."""
    found = {name: run.offsets(name) for name, system in run.config.systems.items() if not system.posteriors}
    speakers = sorted({str(name) for name in run.corpus.speakers})
    rows = ([speaker, *(f"{one[speaker]:.2f}" for one in found.values())] for speaker in speakers)
    return tab_separated(["speaker", *found], rows)


def predicted(run: SideBySide, chosen: Chosen) -> str:
    """Write the true class of each utterance and the class that each chosen way predicts."""
    found = {f"{row}, {speakers}": run.predictions(way) for (row, speakers), way in chosen.items()}
    corpus = run.corpus
    rows = (
        [utt, corpus.classes[label], *(guesses[utt] for guesses in found.values())]
        for utt, label in zip(corpus.utts, corpus.labels, strict=True)
    )
    return tab_separated(["utt", "class", *found], rows)


def _summary(run: SideBySide, way: Way, folds: Sequence[str]) -> Summary:
    protocol = run.protocol
    return summarise(run.figures(way, folds), folds, protocol.resamples, protocol.level, protocol.seed)


def _short(found: Summary, name: str) -> str:
    return f"{found.mean[name]:.{DECIMALS[name]}f}"


def _with_interval(found: Summary, name: str) -> str:
    places = DECIMALS[name]
    return f"{_short(found, name)} [{found.low[name]:.{places}f}, {found.high[name]:.{places}f}]"
