"""Jobs that were done before: a job notes what it made, of what and how, and does nothing when all of that still holds.

A stage that is run again so does what is missing, and what others would now make: by contents, settings and code, not
by times alone as make does.
"""

import argparse
import json
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import ser
from ser.experiments.code_version import Sources
from ser.files import sha256, write_text
from ser.kaldi import specifiers, tables

logger = logging.getLogger(__name__)


class Done:
    """The note of one job, in the file that --done names; without that option every job is to do.

    Parameters
    ----------
    command : module of the command; its code, and that of the modules which it imports, counts.
    args : its arguments, all of which count.
    files : inputs whose contents count; None and names of no file are passed over.
    rspecifiers : tables that are read: their contents count, and size and time of the files that they name.
    outputs : files that the job writes.
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
        what = {
            "arguments": {name: str(value) for name, value in vars(args).items()},
            "code": Sources(Path(ser.__file__).parents[1]).used_by(f"-m {command}"),
            "files": {str(path): sha256(path) for path in files if path and os.path.isfile(path)},
            "tables": {rspecifier: list(_named(rspecifier)) for rspecifier in rspecifiers},
        }
        self._what = json.dumps(what, sort_keys=True)

    def is_valid(self) -> bool:
        """Tell, and say, that nothing is to do: the note is of the same, and the outputs are what it says."""
        if self._path is None or not self._path.is_file() or self._path.read_bytes() != self._text():
            return False
        logger.info("%s: made before of the same, by the same code and settings; nothing to do", self._path)
        return True

    def write(self) -> None:
        """Note that the job is done."""
        if self._path is not None:
            write_text(self._path, self._text().decode())

    def _text(self) -> bytes:
        made = {path: sha256(path) if os.path.isfile(path) else None for path in self._outputs}
        return (json.dumps(made, indent=0) + "\n" + self._what + "\n").encode()


def _named(rspecifier: str) -> Iterable[tuple[str, int, int] | str]:
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
        yield path, status.st_size, status.st_mtime_ns
