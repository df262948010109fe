"""Something that a grid makes once for all cells that need it, in a folder named by what it is made of.

The folder ``<step>-<12 digits>`` holds ``note.tsv``, which says what it is made of, and whose SHA-256 begins with these
digits; ``make.sh``, the commands; ``needs``, the artefacts that must be finished before; files that the commands read;
what the commands make; ``make.log``; and ``done``, written last: the note again, with what was made. Where it is, the
artefact is finished.
"""

import hashlib
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
# What a folder holds that is not made by its commands.
_NOT_MADE = {NOTE, DONE, LOG, "make.sh", "needs", "lock"}


@dataclass(frozen=True, eq=False)
class Artefact:
    """What an artefact is made of.

    Attributes
    ----------
    step : such as ``net``.
    commands : shell, one command each; ``$dir`` is the artefact's folder, ``$artefacts`` that of all.
    inputs : the artefacts that the commands read.
    given : path -> digest of what the commands read of the finished run.
    code : path -> digest of the files of the repository that the commands use, and package -> version.
    files : name -> text of a file in the folder that the commands read, such as settings.
    shortcuts : commands before the others that may spare them work, and change nothing of what is made.
    after : artefacts that must be finished before and are no input, such as an audit.
    trains : whether it is the training of a net, for which there may be a GPU.
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
        """All that decides what is made. The inputs are in the commands, by their names."""
        commands = {f"{self.step}, command {number}": text for number, text in enumerate(self.commands, start=1)}
        return Note(commands | {f"file {name}": text for name, text in self.files.items()}, self.given, self.code)

    @cached_property
    def name(self) -> str:
        """Name of the folder."""
        return f"{self.step}-{hashlib.sha256(self.note.made_of().encode()).hexdigest()[:12]}"

    @property
    def path(self) -> str:
        """The folder, as commands of other artefacts name it."""
        return f"$artefacts/{self.name}"

    @property
    def needs(self) -> tuple["Artefact", ...]:
        """The artefacts that must be finished before this one is begun."""
        return (*self.inputs, *self.after)

    def is_done(self, store: Path) -> bool:
        """Tell whether it is finished in the folder of all artefacts."""
        return (store / self.name / DONE).exists()

    def check(self, store: Path, contents: bool) -> None:
        """Check that what was made, if it is finished, is still what it was; `contents` as `first_changed` takes it.

        Raises
        ------
        SerError
            Naming a file that is not.
        """
        folder = store / self.name
        if self.is_done(store) and (path := first_changed(Note.read(folder / DONE).outputs, contents)):
            raise SerError(f"{path}: changed or gone since {self.name} was made; remove {folder} and run again")

    def write(self, store: Path) -> None:
        """Write what `utils/make_artefact.sh` needs to make it."""
        folder = store / self.name
        script = (
            f"# Makes {self.name}; what that is, is in {folder}/{NOTE}.\n"
            f"set -euo pipefail\nartefacts={store}\ndir=$artefacts/{self.name}\n"
        )
        lines = "".join(f"{command}\n" for command in (*self.shortcuts, *self.commands))
        texts = {"make.sh": script + lines, "needs": "".join(f"{need.name}\n" for need in self.needs)}
        for name, text in (texts | dict(self.files)).items():
            write_text(folder / name, text)
        self.note.write(folder / NOTE)


def finish(folder: Path) -> None:
    """Write ``done`` into the folder of an artefact whose commands have ended well."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _NOT_MADE)
    note = Note.read(folder / NOTE)
    Note(note.settings, note.inputs, note.code, observe(files)).write(folder / DONE)


class Workshop:
    """Makes descriptions of artefacts: of equal keys one and the same, with the digests of the code they use."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[str, Artefact] = {}

    def artefact(self, step: str, *commands: str, **more: object) -> Artefact:
        """Describe an artefact; `more` are the other attributes of `Artefact`."""
        code = self._sources.used_by("\n".join(commands))
        made = Artefact(step, commands, code=code, **more)  # type: ignore[arg-type]
        return self._known.setdefault(made.name, made)


def all_needed(artefacts: Iterable[Artefact]) -> list[Artefact]:
    """List these artefacts and all that they need, each once, each after what it needs."""
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
    """Arrange the unfinished artefacts in waves: each needs finished ones and those of earlier waves only."""
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
