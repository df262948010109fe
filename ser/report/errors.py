"""The errors of a system, utterance by utterance: predictions of a row's cells, joined with the data dirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text
from ser.kaldi import datadir, tables
from ser.report.experiment import Experiment, MeanRow
from ser.results import result_table

# Lists that an utterance can be on -> their titles on the page.
LISTS = {
    "mistakes": "most confident mistakes",
    "unsure": "least certain",
    "sure": "most certain and correct",
    "pairs": "examples of each pair of classes",
    "speakers": "mistakes of each speaker",
}


@dataclass(frozen=True)
class Known:
    """The tables of data dirs: table -> utterance -> value; `files` are the entries of wav.scp."""

    tables: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, data_dirs: Iterable[str | Path]) -> Known:
        """Read the tables of data dirs; if two have the same utterance, the first one's value is used."""
        merged: dict[str, dict[str, str]] = {}
        for data_dir in data_dirs:
            for name in ("utt2spk", "utt2emo", "text", "utt2votes", "wav.scp", "segments"):
                if (Path(data_dir) / name).is_file():
                    merged[name] = {**datadir.read_table(data_dir, name), **merged.get(name, {})}
        return cls(merged)

    def get(self, table: str, utt: str) -> str:
        """Return a value, '' if there is none."""
        return self.tables.get(table, {}).get(utt, "")


@dataclass(frozen=True)
class Judged:
    """A classified utterance; its posteriors are in the order of `Judgements.classes`."""

    utt: str
    truth: str
    predicted: str
    posteriors: tuple[float, ...]
    fold: str
    speaker: str
    text: str = ""
    votes: str = ""
    nearest: tuple[tuple[str, float], ...] = ()  # training utterances and their scores
    lists: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return self.truth == self.predicted

    @property
    def confidence(self) -> float:
        """The posterior of the class that was chosen."""
        return max(self.posteriors)

    @property
    def margin(self) -> float:
        """The highest posterior minus the second highest."""
        first, *others = sorted(self.posteriors, reverse=True)
        return first - (others[0] if others else 0.0)


@dataclass(frozen=True)
class Judgements:
    """All utterances of a row of the results."""

    row: MeanRow
    classes: tuple[str, ...]
    utterances: tuple[Judged, ...]


def parse_row(words: str) -> dict[str, str]:
    """Parse the words ``<column>=<value>`` that choose a row of the results: column -> value.

    >>> parse_row("layer=nested variant=pretrained")
    {'layer': 'nested', 'variant': 'pretrained'}
    """
    wanted = {}
    for word in words.split():
        name, equals, value = word.partition("=")
        if not equals or name not in result_table.NAMES:
            raise SerError(f"--row: expected <column>=<value> of {', '.join(result_table.NAMES)}; found '{word}'")
        wanted[name] = value
    return wanted


def choose_row(run: Experiment, wanted: Mapping[str, str]) -> MeanRow:
    """Choose, among the rows of the results with these values, the one with the best EER, or else the best UAR.

    Rows whose training set has the other folds of the test corpus come before rows trained without that corpus.

    Raises
    ------
    SerError
        If no row has these values; the message lists the values that the rows have.
    """
    rows = [row for panel in run.panels for row in panel.cells]

    def told(one: MeanRow) -> dict[str, str]:
        return {name: result_table.format_field(name, getattr(one.row, name)) for name in wanted}

    fitting = [one for one in rows if told(one) == wanted]
    if not fitting:
        there = sorted({" ".join(f"{name}={value}" for name, value in told(one).items()) for one in rows})
        asked = " ".join(f"{name}={value}" for name, value in wanted.items())
        raise SerError(f"{run.folder}/results.tsv: no row {asked}; it has {', '.join(there) or 'nothing'}")

    def order(one: MeanRow) -> tuple[bool, float]:
        outside = one.row.test not in result_table.trained_corpora(one.row.train)
        return outside, -(one.row.uar or 0.0) if one.row.eer is None else one.row.eer

    return min(fitting, key=order)


def read_judgements(row: MeanRow, known: Known) -> Judgements:
    """Read the cells of a row; `known` has the true classes, from ``utt2emo`` of the test data dir.

    Raises
    ------
    SerError
        If the cells have different classes, or an utterance is not in the data dir.
    """
    classes: tuple[str, ...] = ()
    utterances: dict[str, Judged] = {}
    for folder in row.folders:
        here = tuple(read_text(folder / "classes.txt", "the evaluation writes it").split())
        if classes and here != classes:
            raise SerError(f"{folder}/classes.txt: {' '.join(here)}; other folds have {' '.join(classes)}")
        classes = here
        predictions = tables.read_map(folder / "predictions.txt")
        posteriors = tables.read_map(folder / "posteriors.txt")
        nearest = tables.read_map(folder / "nearest.txt") if (folder / "nearest.txt").exists() else {}
        (fold,) = _column(folder / "result.tsv", "fold")
        for utt, value in predictions.items():
            truth = known.get("utt2emo", utt)
            if not truth:
                raise SerError(
                    f"{folder}/predictions.txt: '{utt}' has no class in the test data dir; give that of the run"
                )
            fields = nearest.get(utt, "").split()
            # With several seeds an utterance has several predictions; the page shows the last.
            utterances[utt] = Judged(
                utt=utt,
                truth=truth,
                predicted=value.split()[0],
                posteriors=tuple(map(float, posteriors[utt].split())),
                fold=fold,
                speaker=known.get("utt2spk", utt),
                text=known.get("text", utt),
                votes=known.get("utt2votes", utt),
                nearest=tuple(zip(fields[::2], map(float, fields[1::2]), strict=True)),
            )
    if not utterances:
        raise SerError(f"{row.name}: it has no cells; run the recipe's stage of scores again")
    return Judgements(row, classes, tuple(utterances[utt] for utt in sorted(utterances)))


def choose(judgements: Judgements, count: int) -> list[Judged]:
    """Choose the utterances that the page shows, and note on each which of `LISTS` it is on.

    Parameters
    ----------
    count : length of the lists of mistakes, of least certain and of most certain utterances; each pair of classes and
        each speaker gets an eighth as many, at least two.
    """
    few = max(2, count // 8)
    wrong = sorted((one for one in judgements.utterances if not one.is_right), key=lambda one: -one.confidence)
    right = sorted((one for one in judgements.utterances if one.is_right), key=lambda one: -one.confidence)
    chosen: dict[str, list[Judged]] = {
        "mistakes": wrong[:count],
        "unsure": sorted(judgements.utterances, key=lambda one: one.margin)[:count],
        "sure": right[:count],
        "pairs": _few_of_each(wrong, lambda one: (one.truth, one.predicted), few),
        "speakers": _few_of_each(wrong, lambda one: one.speaker, few),
    }
    for name, listed in chosen.items():
        for one in listed:
            one.lists.append(name)
    found = {one.utt: one for listed in chosen.values() for one in listed}
    return sorted(found.values(), key=lambda one: (one.is_right, -one.confidence))


def pair_counts(utterances: Iterable[Judged]) -> Counter[tuple[str, str]]:
    """Count utterances by true and chosen class."""
    return Counter((one.truth, one.predicted) for one in utterances)


def speaker_counts(utterances: Iterable[Judged]) -> dict[str, tuple[int, int]]:
    """Return speaker -> (mistakes, utterances), the largest share of mistakes first."""
    totals: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for one in utterances:
        totals[one.speaker] += 1
        wrong[one.speaker] += not one.is_right
    order = sorted(totals, key=lambda spk: (-wrong[spk] / totals[spk], spk))
    return {spk: (wrong[spk], totals[spk]) for spk in order}


def _few_of_each(utterances: Sequence[Judged], kind, few: int) -> list[Judged]:
    seen: Counter = Counter()
    chosen = []
    for one in utterances:
        seen[kind(one)] += 1
        if seen[kind(one)] <= few:
            chosen.append(one)
    return chosen


def _column(path: Path, name: str) -> list[str]:
    header, *lines = (line.split("\t") for line in read_text(path, "the evaluation writes it").splitlines())
    return [line[header.index(name)] for line in lines]
