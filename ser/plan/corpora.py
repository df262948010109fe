"""Read the table of corpora, ``conf/corpora.tsv``: name, usual folder, contents and published size of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines

TABLE = Path(__file__).parents[2] / "conf" / "corpora.tsv"
COLUMNS = ("name", "folder", "holds", "utterances", "seconds", "folds", "files", "inside", "toy")
HOLDINGS = ("speech", "text", "emotion", "dialogues", "noise")


@dataclass(frozen=True)
class Corpus:
    """A line of the table.

    Attributes
    ----------
    name : name in options, and of the data dir.
    folder : name of the folder in which it is distributed.
    holds : its contents, some of `HOLDINGS`.
    utterances, seconds : published number of utterances, and their mean length (0 for a corpus of text).
    folds : number of folds of the data dir, 1 if it has none.
    files, inside : to count utterances, the suffixes of their files, and a folder on their path ("" for any).
    toy : seconds of an utterance of the toy corpus of this name, None if there is no toy corpus.
    """

    name: str
    folder: str
    holds: frozenset[str]
    utterances: int
    seconds: float
    folds: int
    files: tuple[str, ...]
    inside: str
    toy: float | None

    @property
    def fold_names(self) -> tuple[str, ...]:
        """The names of its folds, as ``utt2fold`` will have them; empty if it has no folds."""
        return tuple(str(number) for number in range(1, self.folds + 1)) if self.folds > 1 else ()


def read_corpora(path: Path = TABLE) -> dict[str, Corpus]:
    """Read the table: name -> corpus.

    Raises
    ------
    SerError
        If the header, a number of fields or a value is wrong; the message names the line.
    """
    text = read_text_lines(path, "it is part of the repository; restore it")
    lines = [(number, line) for number, line in enumerate(text, start=1) if not line.startswith("#")]
    if not lines or tuple(lines[0][1].split("\t")) != COLUMNS:
        raise SerError(f"{path}: expected the header {' '.join(COLUMNS)}, separated by tabs")
    corpora: dict[str, Corpus] = {}
    for number, line in lines[1:]:
        corpus = _corpus(line.split("\t"), f"{path}:{number}")
        if corpus.name in corpora:
            raise SerError(f"{path}:{number}: '{corpus.name}' has an earlier line; keep one line per corpus")
        corpora[corpus.name] = corpus
    return corpora


def find(name: str, known: Mapping[str, Corpus]) -> Corpus:
    """Return the corpus `name`; raise a `SerError` that lists the known names if there is no such corpus."""
    if name not in known:
        raise SerError(f"unknown corpus '{name}'; known: {', '.join(known)} (a new one is a line of conf/{TABLE.name})")
    return known[name]


def holding(what: str, known: Mapping[str, Corpus]) -> list[str]:
    """Return the names of the corpora that hold something, in the order of the table."""
    return [name for name, corpus in known.items() if what in corpus.holds]


def check_holds(option: str, names: Iterable[str], holdings: Iterable[str], known: Mapping[str, Corpus]) -> None:
    """Raise a `SerError` if a corpus that an option names is unknown or lacks what its role needs."""
    for name in names:
        corpus = find(name, known)
        for what in holdings:
            if what not in corpus.holds:
                having = ", ".join(other for other in known if set(holdings) <= known[other].holds)
                raise SerError(f"--{option}: {name} has no {what}; corpora that do: {having}")


def _corpus(fields: list[str], where: str) -> Corpus:
    if len(fields) != len(COLUMNS):
        raise SerError(f"{where}: expected {len(COLUMNS)} fields separated by tabs, found {len(fields)}")
    name, folder, holds, utterances, seconds, folds, files, inside, toy = ("" if f == "-" else f for f in fields)
    if not name.isidentifier() or name != name.lower() or not folder:
        raise SerError(f"{where}: expected a name of small letters, digits and _ and a folder, found '{fields[0]}'")
    if unknown := set(holds.split()) - set(HOLDINGS):
        raise SerError(f"{where}: holds: unknown '{min(unknown)}'; known: {', '.join(HOLDINGS)}")
    try:
        numbers = int(utterances), float(seconds), int(folds or 1), float(toy) if toy else None
    except ValueError as error:
        raise SerError(f"{where}: expected numbers of utterances, seconds, folds and toy: {error}") from error
    return Corpus(
        name, folder, frozenset(holds.split()), *numbers[:3], files=tuple(files.split()), inside=inside, toy=numbers[3]
    )
