"""Artefacts: what a grid makes once for all cells that need it, in a folder named by the digest of all inputs.

The folder ``<step>-<12 digits>`` holds ``note.tsv``, the list of inputs, settings and code, whose SHA-256 begins with
these digits; ``make.sh``, the commands; ``needs``, the artefacts that must be finished before; files that the commands
read; the files that they make; ``make.log``; and ``done``: the note again, with the digests of the outputs. ``done`` is
written last, so an artefact that has it is finished.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ser.errors import SerError
from ser.files import write_text
from ser.record.code import Sources
from ser.record.note import Note, first_changed, observe

NOTE = "note.tsv"
DONE = "done"
LOG = "make.log"
# Words that the shell takes as they are; and characters that it would change between double quotes.
_PLAIN = re.compile(r"(?:[\w./:,+=@%-]|\$(?:dir|artefacts)\b)+")
_SPECIAL = re.compile(r'(["`\\]|\$(?!(?:dir|artefacts)\b))')
# Folders and files below it that no other artefact reads.
_NOT_READ = re.compile(r"log|q|split\d+(utt)?|.*\.done")
# Files of the folder that its commands do not make.
_NOT_MADE = {NOTE, DONE, LOG, "make.sh", "needs", "lock"}


@dataclass(frozen=True, eq=False)
class Artefact:
    """The description of an artefact: its commands and all that they depend on.

    Attributes
    ----------
    step : kind of artefact, such as ``net``.
    commands : shell commands; ``$dir`` is the artefact's folder, ``$artefacts`` the folder of all artefacts.
    inputs : artefacts that the commands read.
    given : path -> digest, for files of the finished run that the commands read.
    code : path -> digest, for files of the repository that the commands use; and package -> version.
    files : name -> text, for files that are written to the folder before the commands, such as settings.
    shortcuts : commands that run first and may save work, without any effect on the result.
    after : artefacts that must be finished before but are not read, such as an audit.
    trains : whether it trains a net, which may use a GPU.
    """

    step: str
    commands: tuple[str, ...]
    inputs: tuple["Artefact", ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    shortcuts: tuple[str, ...] = ()
    after: tuple["Artefact", ...] = ()
    trains: bool = False

    @cached_property
    def note(self) -> Note:
        """The note: everything that determines the outputs. Inputs are in it through their names in the commands."""
        commands = {f"{self.step}, command {number}": text for number, text in enumerate(self.commands, start=1)}
        return Note(commands | {f"file {name}": text for name, text in self.files.items()}, self.given, self.code)

    @cached_property
    def name(self) -> str:
        """Name of the folder."""
        return f"{self.step}-{hashlib.sha256(self.note.made_of().encode()).hexdigest()[:12]}"

    @property
    def path(self) -> str:
        """The folder as the commands of other artefacts write it."""
        return f"$artefacts/{self.name}"

    @property
    def needs(self) -> tuple["Artefact", ...]:
        """The artefacts that must be finished before this one starts."""
        return (*self.inputs, *self.after)

    def is_done(self, store: Path) -> bool:
        """Tell whether it is finished in `store`, the folder of all artefacts."""
        return (store / self.name / DONE).exists()

    def check(self, store: Path, contents: bool) -> None:
        """Check that the outputs of a finished artefact are unchanged; `contents` as in `first_changed`.

        Raises
        ------
        SerError
            If a file changed or is gone; the message names it.
        """
        folder = store / self.name
        if self.is_done(store) and (path := first_changed(Note.read(folder / DONE).outputs, contents)):
            raise SerError(f"{path}: changed or gone since {self.name} was made; remove {folder} and run again")

    def write(self, store: Path) -> None:
        """Write the files that `utils/make_artefact.sh` needs to make the artefact."""
        folder = store / self.name
        script = (
            f"# Makes {self.name}; {folder}/{NOTE} describes it.\n"
            f"set -euo pipefail\nartefacts={store}\ndir=$artefacts/{self.name}\n"
        )
        lines = "".join(f"{command}\n" for command in (*self.shortcuts, *self.commands))
        texts = {"make.sh": script + lines, "needs": "".join(f"{need.name}\n" for need in self.needs)}
        for name, text in (texts | dict(self.files)).items():
            write_text(folder / name, text)
        self.note.write(folder / NOTE)


def finish(folder: Path) -> None:
    """Write ``done`` into the folder of an artefact whose commands have succeeded.

    Logs, parts of data dirs and the notes of jobs are no outputs: no other artefact reads them.
    """
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _NOT_MADE)
    files = [path for path in found if not any(map(_NOT_READ.fullmatch, path.relative_to(folder).parts))]
    note = Note.read(folder / NOTE)
    Note(note.settings, note.inputs, note.code, observe(files)).write(folder / DONE)


def shell_words(command: str, words: Iterable[str]) -> str:
    """Return a command with its arguments as make.sh writes them: ``$dir`` and ``$artefacts`` keep their meaning.

    >>> shell_words("steps/x.sh", ["--drawn", "a b", "$dir/data", ""])
    'steps/x.sh --drawn "a b" $dir/data ""'
    """
    quoted = (word if _PLAIN.fullmatch(word) else '"' + _SPECIAL.sub(r"\\\1", word) + '"' for word in words)
    return " ".join([command, *quoted])


class Workshop:
    """Makes descriptions of artefacts with the digests of their code; equal keys give the same object."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[str, Artefact] = {}

    def artefact(self, step: str, *commands: str, **more: object) -> Artefact:
        """Describe an artefact; `more` are the other attributes of `Artefact`."""
        code = self._sources.used_by("\n".join(commands))
        made = Artefact(step, commands, code=code, **more)  # type: ignore[arg-type]
        return self._known.setdefault(made.name, made)


def all_needed(artefacts: Iterable[Artefact]) -> list[Artefact]:
    """List these artefacts and all that they need, in topological order, each once."""
    ordered: dict[str, Artefact] = {}

    def add(artefact: Artefact) -> None:
        if artefact.name not in ordered:
            for need in artefact.needs:
                add(need)
            ordered[artefact.name] = artefact

    for artefact in artefacts:
        add(artefact)
    return list(ordered.values())


def waves(artefacts: Iterable[Artefact], store: Path) -> list[list[Artefact]]:
    """Sort the unfinished artefacts into waves: each needs only finished artefacts and those of earlier waves."""
    wave_of: dict[str, int] = {}
    arranged: list[list[Artefact]] = []
    for artefact in all_needed(artefacts):
        if artefact.is_done(store):
            wave_of[artefact.name] = 0
            continue
        number = 1 + max((wave_of[need.name] for need in artefact.needs), default=0)
        wave_of[artefact.name] = number
        arranged += [[] for _ in range(number - len(arranged))]
        arranged[number - 1].append(artefact)
    return arranged
