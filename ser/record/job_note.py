"""Skip jobs that were done before: a job notes its inputs, settings, code and outputs, and does nothing if they hold.

So a stage that is run again repeats only the jobs whose outputs are missing or whose inputs, settings or code have
changed. Unlike make, it compares contents, not times alone.
"""

import argparse
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import ser
from ser.config import base_of
from ser.errors import SerError
from ser.files import sha256
from ser.kaldi import specifiers, tables
from ser.record.code import Sources
from ser.record.note import Note, first_changed, observe

logger = logging.getLogger(__name__)


class JobNote:
    """A job and its note, the file that --done names; without --done the job always runs.

    Parameters
    ----------
    command : module of the command; its code and that of the modules which it imports are compared.
    args : arguments of the command; all are compared.
    files : input files, compared by contents; None and names without a file are skipped.
    rspecifiers : input tables, compared by contents; the files that they name by size and time of change.
    outputs : files that the job writes; None is skipped.
    """

    def __init__(
        self,
        command: str,
        args: argparse.Namespace,
        files: Sequence[str | Path | None],
        rspecifiers: Sequence[str],
        outputs: Sequence[str | Path | None],
    ) -> None:
        self._path = Path(args.done) if args.done else None
        if self._path is None:
            return
        self._outputs = [str(path) for path in outputs if path]
        inputs = {str(path): sha256(path) for path in _with_bases(files)}
        self._note = Note(
            settings={name: str(value) for name, value in vars(args).items()},
            inputs=inputs | {rspecifier: _digest(rspecifier) for rspecifier in rspecifiers},
            code=Sources(Path(ser.__file__).parents[1]).used_by(f"-m {command}"),
        )

    def is_valid(self) -> bool:
        """Return, and log, whether the job was done before: its note and its outputs are those that it would make now.

        The time of a valid note is set to now, so that the record of the stage knows that its outputs were checked.
        """
        if self._path is None or not self._path.is_file():
            return False
        try:
            before = Note.read(self._path)
        except SerError:
            return False  # treat a damaged note as no note
        if before.made_of() != self._note.made_of() or before.outputs.keys() != set(self._made()):
            return False
        if first_changed(before.outputs) is not None:
            return False
        os.utime(self._path)
        logger.info("%s: made before from the same inputs, with the same code and settings; nothing to do", self._path)
        return True

    def write(self) -> None:
        """Write the note of the finished job."""
        if self._path is not None:
            Note(self._note.settings, self._note.inputs, self._note.code, observe(self._made())).write(self._path)

    def _made(self) -> list[str]:
        """The outputs that exist: a job may have had nothing to write to some of them."""
        return [path for path in self._outputs if os.path.isfile(path)]


def _with_bases(files: Iterable[str | Path | None]) -> Iterator[str | Path]:
    """Yield the files that exist; after a file of settings the one that it is ``like``."""
    for path in files:
        if path and os.path.isfile(path):
            yield path
            if str(path).endswith(".yaml") and (base := base_of(path)):
                yield base


def _digest(rspecifier: str) -> str:
    return hashlib.sha256("\n".join(_state(rspecifier)).encode()).hexdigest()


def _state(rspecifier: str) -> Iterable[str]:
    """Yield strings that change if the table of an rspecifier, or a file that it names, changes."""
    kind, name = specifiers.parse_rspecifier(rspecifier)
    if kind == "scp" and os.path.isfile(name):
        yield sha256(name)
        names = dict.fromkeys(tables.named_files(name))
    else:
        names = dict.fromkeys([name])
    for path in names:
        if not os.path.isfile(path):
            yield path
            continue
        status = os.stat(path)
        yield f"{path} {status.st_size} {status.st_mtime_ns}"
