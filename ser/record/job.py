"""Jobs that were done before: a job notes what it made, of what and how, and does nothing when all of that still holds.

A stage that is run again so does what is missing, and what others would now make: by contents, settings and code, not
by times alone as make does.
"""

import argparse
import hashlib
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import ser
from ser.errors import SerError
from ser.files import sha256
from ser.kaldi import specifiers, tables
from ser.record.code import Sources
from ser.record.note import Note, first_changed, observe

logger = logging.getLogger(__name__)


class Job:
    """A job and its note, in the file that --done names; without that option every job is to do.

    Parameters
    ----------
    command : module of the command; its code, and that of the modules which it imports, counts.
    args : its arguments, all of which count.
    files : inputs whose contents count; None and names of no file are passed over.
    rspecifiers : tables that are read: their contents count, and size and time of the files that they name.
    outputs : files that the job writes; None is passed over.
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
        inputs = {str(path): sha256(path) for path in files if path and os.path.isfile(path)}
        self._note = Note(
            settings={name: str(value) for name, value in vars(args).items()},
            inputs=inputs | {rspecifier: _digest(rspecifier) for rspecifier in rspecifiers},
            code=Sources(Path(ser.__file__).parents[1]).used_by(f"-m {command}"),
        )

    def is_valid(self) -> bool:
        """Tell, and say, that nothing is to do: the note is of the same, and the outputs are what it says.

        A valid note gets the time of now, so that the record of the stage knows that its outputs were looked at.
        """
        if self._path is None or not self._path.is_file():
            return False
        try:
            before = Note.read(self._path)
        except SerError:
            return False  # a damaged note says nothing
        if before.made_of() != self._note.made_of() or before.outputs.keys() != set(self._made()):
            return False
        if first_changed(before.outputs) is not None:
            return False
        os.utime(self._path)
        logger.info("%s: made before of the same, by the same code and settings; nothing to do", self._path)
        return True

    def write(self) -> None:
        """Note that the job is done."""
        if self._path is not None:
            Note(self._note.settings, self._note.inputs, self._note.code, observe(self._made())).write(self._path)

    def _made(self) -> list[str]:
        """The outputs that are there: a job may have nothing to write in one of them."""
        return [path for path in self._outputs if os.path.isfile(path)]


def _digest(rspecifier: str) -> str:
    return hashlib.sha256("\n".join(_state(rspecifier)).encode()).hexdigest()


def _state(rspecifier: str) -> Iterable[str]:
    """Yield what tells whether the table of an rspecifier, and the files that it names, are the same as before."""
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
