"""The protocol card of a run: its data, labels, audit, seeds and versions, gathered from the files of the run."""

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser.config import read_yaml
from ser.corpora.folds import natural_key
from ser.corpora.label_map import apply_label_map, read_label_map
from ser.errors import SerError
from ser.files import read_text, read_text_lines, tab_separated
from ser.plan.layout import Layout
from ser.protocol import audit
from ser.protocol.inventory import Corpora, Inventory
from ser.results import calibrated_on, result_table
from ser.versions import package_version, project_version

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "transformers")


NOTES = {
    "corpora": "As prepared, with their own labels. The column utterances counts originals, the column copies their "
    "augmented or speed-perturbed copies.",
    "data": "The data dirs that the run scored and trained on. test_<fold> is the test set of a fold; fold none is the "
    "whole test corpus, scored by models that were not trained on it.",
    "signal-to-noise ratio": "WADA-SNR of the test corpus's clips, estimated from their samples alone: right to within "
    "some decibels below 20 dB, coarse above.",
    "audit": "What the test set of each fold shares with the training data of its models. Fold none is the whole test "
    "corpus, with models that were not trained on it. 'not told' means that one side lacks the table for this check; "
    "'shared' means that both sides have these sentences, which is no fault.",
    "calibration": "Scores and posteriors are calibrated on these speakers of the training data.",
    "speaker normalisation": "In rows other than none, the mean of a speaker's embeddings is subtracted from each of "
    "them. For a test speaker it uses other recordings of this speaker, without their labels. Such a row does not tell "
    "how well a single recording of an unknown speaker is recognised.",
    "notes": "Read this before you compare the figures of this system with others.",
    "missing": "The card lacks what these files would say.",
}


class Entry(NamedTuple):
    """One value of the card, at `row` and `column` of its section's table; `column` is '' if there is only one."""

    section: str
    row: str
    column: str
    value: str


def make_card(
    exp_dir: Path,
    corpora: Corpora,
    label_map: Path | None,
    text_condition: str | None = None,
    notes: Path | None = None,
    nets: Iterable[Path] = (),
) -> list[Entry]:
    """Gather the entries of a run.

    Parameters
    ----------
    exp_dir : the run's folder, with ``audit/<fold>.tsv`` (which names the scored and the training data dirs),
        ``commands.txt``, ``text_used.txt`` and the folders of the models. A section of its own lists missing files.
    corpora : the data dirs of the corpora, with their own labels.
    label_map : file that maps these labels to classes.
    notes : file of lines ``<subject> tab <note>``.
    nets : folders of further nets, outside the run's folder, that the run took.
    """
    findings, missing = _read_audits(exp_dir)
    entries = [
        *_run(exp_dir, missing),
        *_corpora(corpora, missing),
        *_labels(corpora, label_map, missing),
        *_data(findings, corpora, missing),
        *_signal_to_noise(exp_dir),
        *_text(exp_dir, text_condition, missing),
        *_audit(findings),
        *_calibration(exp_dir),
        *_speaker_normalisation(exp_dir),
        *_models(exp_dir, nets, missing),
        *_notes(notes),
    ]
    return entries + [Entry("missing", what, "", remedy) for what, remedy in missing.items()]


def to_tsv(entries: Iterable[Entry]) -> str:
    """Write section, key and value, tab separated; the key is ``row: column`` if the entry has a column."""
    lines = ((entry.section, f"{entry.row}: {entry.column}".removesuffix(": "), entry.value) for entry in entries)
    return tab_separated(("section", "key", "value"), ([" ".join(field.split()) for field in line] for line in lines))


def to_markdown(entries: Iterable[Entry], title: str) -> str:
    """Write a Markdown page with one table for each section."""
    sections: dict[str, list[Entry]] = {}
    for entry in entries:
        sections.setdefault(entry.section, []).append(entry)
    blocks = [f"# {title}\n"]
    for section, members in sections.items():
        columns = list(dict.fromkeys(entry.column for entry in members))
        header = ["", *(column or "value" for column in columns)]
        rows: dict[str, dict[str, str]] = {}
        for entry in members:
            rows.setdefault(entry.row, {})[entry.column] = entry.value
        lines = [header, ["---"] * len(header)]
        lines += [[row, *(cells.get(column, "") for column in columns)] for row, cells in rows.items()]
        table = "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
        note = f"{NOTES[section]}\n\n" if section in NOTES else ""
        blocks.append(f"## {section.capitalize()}\n\n{note}{table}")
    return "\n".join(blocks)


def _read_audits(exp_dir: Path) -> tuple[dict[str, list[audit.Finding]], dict[str, str]]:
    """Return fold -> findings, and missing file -> remedy."""
    audits = Layout(exp_dir, exp_dir).audits
    paths = sorted(audits.glob("*.tsv"), key=lambda path: natural_key(path.stem))
    found = {path.stem: audit.from_tsv(read_text(path), str(path)) for path in paths}
    return found, {} if found else {str(audits): "local/audit_protocol.sh makes it; no data set is counted"}


def _run(exp_dir: Path, missing: dict[str, str]) -> Iterator[Entry]:
    versions = {"project": project_version(), "Python": platform.python_version()}
    versions |= {name: package_version(name) for name in PACKAGES}
    yield from (Entry("run", name, "", version) for name, version in versions.items())
    for number, line in enumerate(_lines(exp_dir / "commands.txt", missing, "run.sh writes it"), start=1):
        yield Entry("run", f"command {number}", "", line)


def _corpora(corpora: Corpora, missing: dict[str, str]) -> Iterator[Entry]:
    for name, path in corpora.dirs.items():
        side = Inventory(path, corpora)
        yield from _counts("corpora", name, side)
        reasons: Counter[str] = Counter()
        # Two lists: the corpus's own, and that of its normalised features, which omit utterances without voiced frames.
        for listed in (path / "left_out", *sorted(path.parent.glob(f"{name}_*/left_out"))):
            lines = _lines(listed, missing, "the corpus's preparation writes it")
            reasons.update(line.partition(" ")[2].partition(":")[0] for line in lines)
        yield Entry("corpora", name, "left out by preparation", _list(reasons) or "none")


def _labels(corpora: Corpora, label_map: Path | None, missing: dict[str, str]) -> Iterator[Entry]:
    if label_map is None or not label_map.is_file():
        missing[str(label_map or "label map")] = "give --label-map"
        return
    comments = [line[1:].strip() for line in read_text_lines(label_map) if line[:1] == "#"]
    yield Entry("label map", "file", "", str(label_map))
    yield Entry("label map", "says", "", " ".join(comments))
    mapping = read_label_map(label_map)
    natives: dict[str, list[str]] = {}
    for native, name in mapping.items():
        natives.setdefault(name, []).append(native)
    yield from (Entry("label map", f"class {name}", "", ", ".join(labels)) for name, labels in natives.items())
    for name, path in corpora.dirs.items():
        if (path / "utt2emo").is_file():
            mapped, unlisted = apply_label_map(mapping, Inventory(path, corpora).own_table("utt2emo"))
            value = f"{_list(unlisted)} (not in the map)" if unlisted else "none"
            yield Entry("label map", f"left out of {name}", "", f"{value}; kept {len(mapped)}")


def _data(findings: Mapping[str, list[audit.Finding]], corpora: Corpora, missing: dict[str, str]) -> Iterator[Entry]:
    """Count the utterances of the scored and of the training data dirs, each data dir once."""
    roles: dict[str, str] = {}
    for found in findings.values():
        roles.update((finding.test, "scored") for finding in found)
    for found in findings.values():
        roles.update((finding.train, f"trains {finding.role}") for finding in found)
    for path, role in roles.items():
        if (Path(path) / "utt2spk").is_file():
            name = Path(path).name
            yield Entry("data", name, "role", role)
            yield from _counts("data", name, Inventory(path, corpora), with_corpora=True)
        else:
            missing[path] = "removed since the audit"


def _signal_to_noise(exp_dir: Path) -> Iterator[Entry]:
    """Yield quantiles of the ratios of ser.bin.measure_snr, if it was run: in system D, as its paper checks them."""
    path = exp_dir / "snr.tsv"
    if not path.is_file():
        return
    ratios = [float(line.split("\t")[1]) for line in read_text_lines(path)[1:]]
    low, middle, high = np.quantile(ratios, (0.05, 0.5, 0.95))
    yield Entry("signal-to-noise ratio", "clips", "", str(len(ratios)))
    yield Entry("signal-to-noise ratio", "median", "", f"{middle:.1f} dB")
    yield Entry("signal-to-noise ratio", "5 to 95 % of the clips", "", f"{low:.1f} to {high:.1f} dB")


def _text(exp_dir: Path, text_condition: str | None, missing: dict[str, str]) -> Iterator[Entry]:
    yield Entry("text", "condition", "", text_condition or "no text")
    if text_condition:
        for line in _lines(exp_dir / "text_used.txt", missing, "run.sh writes it"):
            corpus, _, words = line.partition(": ")
            yield Entry("text", corpus, "", words)


def _audit(findings: Mapping[str, list[audit.Finding]]) -> Iterator[Entry]:
    for fold, found in findings.items():
        for finding in found:
            counted = finding.status if not finding.count else f"{finding.count} {finding.status}"
            if finding.check == audit.SENTENCE_TABLE and finding.count:
                counted = finding.examples
            yield Entry("audit", f"{fold}, {finding.role}", finding.check, counted)


def _calibration(exp_dir: Path) -> Iterator[Entry]:
    """Say on which speakers each cell's scores are calibrated; cells with the same speakers are counted together."""
    listed = _lines(exp_dir / "cells" / "list", {}, "")
    known = Counter(found for name in listed if (found := calibrated_on.read(Path(name))) is not None)
    for (speakers, new), count in known.items():
        nets = "that no net was trained on" if new else "that nets were trained on: too confident for new speakers"
        yield Entry("calibration", f"{len(speakers)} speakers {nets}: {' '.join(speakers)}", "cells", str(count))


def _speaker_normalisation(exp_dir: Path) -> Iterator[Entry]:
    """Count the rows of the results by their speaker normalisation, if any row has one."""
    path = exp_dir / "results.tsv"
    rows = result_table.from_tsv(read_text(path), str(path)) if path.is_file() else []
    counts = Counter(row.speaker_normalisation for row in rows)
    if counts.keys() - {result_table.NO_NORMALISATION}:
        yield from (Entry("speaker normalisation", name, "rows", str(count)) for name, count in counts.items())


def _models(exp_dir: Path, nets: Iterable[Path], missing: dict[str, str]) -> Iterator[Entry]:
    """Yield the seeds and the version of every trained model, and the source of an imported one and of `nets`."""
    for path in sorted(exp_dir.glob("*/config.yaml")):
        folder = path.parent
        for key, seed in _seeds(read_yaml(path)):
            yield Entry("models", folder.name, key, str(seed))
        # Only training leaves a note; a toy net of random weights has neither note nor source.
        if (folder / "note.tsv").is_file():
            for line in _lines(folder / "version.txt", missing, "training writes it"):
                yield Entry("models", folder.name, "version", line)
        yield from _source(folder, folder.name)
    for folder in nets:
        yield from _source(folder, str(folder))


def _source(folder: Path, row: str) -> Iterator[Entry]:
    """Yield the file, its digest and its licence of an imported net, as one value."""
    if lines := _lines(folder / "SOURCE", {}, ""):
        yield Entry("models", row, "source", "; ".join(lines))


def _notes(path: Path | None) -> Iterator[Entry]:
    for number, line in enumerate(read_text_lines(path) if path else (), start=1):
        what, tab, text = line.partition("\t")
        if not tab:
            raise SerError(f"{path}:{number}: expected '<subject> tab <note>'; found '{line[:60]}'")
        yield Entry("notes", what, "", text)


def _seeds(config: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in config.items() if isinstance(config, dict) else ():
        if key == "seed":
            yield f"{prefix}seed", value
        yield from _seeds(value, f"{prefix}{key}.")


def _counts(section: str, row: str, side: Inventory, with_corpora: bool = False) -> Iterator[Entry]:
    originals = set(side.originals.values())
    yield Entry(section, row, "utterances", str(len(originals)))
    yield Entry(section, row, "copies", str(len(side.utt2spk.keys() - originals)))
    yield Entry(section, row, "speakers", _speakers(side))
    if with_corpora:
        yield Entry(section, row, "of corpora", _list(Counter(side.corpora.corpus(utt) or "?" for utt in originals)))
    labels = side.own_table("utt2emo")
    yield Entry(section, row, "classes", _list(Counter(labels[utt] for utt in originals if utt in labels)) or "-")
    folds = side.own_table("utt2fold")
    yield Entry(section, row, "folds", ", ".join(sorted(set(folds.values()), key=natural_key)) or "-")


def _speakers(side: Inventory) -> str:
    """Count the speakers. In the data dirs, each utterance of an unknown speaker is a separate speaker."""
    count = str(len(set(side.utt2spk.values())))
    unknown = sum(utt == spk for utt, spk in side.utt2spk.items())
    if not unknown or not side.own_table("utt2emo"):
        return count
    return (
        f"{count}; WARNING: {unknown} utterances have no known speaker, and each counts as one; folds may share "
        "speakers"
    )


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {counts[name]}" for name in sorted(counts))


def _lines(path: Path, missing: dict[str, str], remedy: str) -> list[str]:
    if path.is_file():
        return read_text_lines(path, errors="backslashreplace")
    missing[str(path)] = remedy
    return []
