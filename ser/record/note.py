r"""The note of something that was made: its settings, inputs, code and outputs.

A job, a training, a stage and an artefact of a grid each leave one. It is a text file of tab-separated lines,

    setting  <name>  <value>
    input    <SHA-256>  <name>
    code     <digest>  <file, or package>
    output   <SHA-256>  <bytes>  <time of change, ns>  <file>

in which tabs, line feeds and backslashes of names and values are escaped. The first three kinds say what it was made
of: as long as they are equal, the outputs would be made again as they are.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ser.errors import SerError
from ser.files import sha256, write_text

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNESCAPES = {escaped: char for char, escaped in _ESCAPES.items()}


class Output(NamedTuple):
    """A file as it was written: SHA-256 of its contents, size in bytes, time of its last change in nanoseconds."""

    digest: str
    size: int
    time: int


@dataclass(frozen=True)
class Note:
    """What something was made of, and what became of it.

    Attributes
    ----------
    settings : name -> value.
    inputs : name -> digest of what was read.
    code : file of the repository -> digest, and package -> version.
    outputs : file -> what it was when it was written.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)

    def made_of(self) -> str:
        """Return the lines of settings, inputs and code: equal where the same would be made again."""
        lines = [("setting", name, value) for name, value in sorted(self.settings.items())]
        lines += [("input", digest, name) for name, digest in sorted(self.inputs.items())]
        lines += [("code", digest, name) for name, digest in sorted(self.code.items())]
        return "".join(_line(*line) for line in lines)

    def digest(self) -> str:
        """Digest what was made of what. Times are left out: the same made again has the same digest."""
        outputs = "".join(_line("output", made.digest, name) for name, made in sorted(self.outputs.items()))
        return hashlib.sha256((self.made_of() + outputs).encode()).hexdigest()

    def write(self, path: str | Path) -> None:
        """Write the note, whole or not at all."""
        outputs = "".join(_line("output", *map(str, made), name) for name, made in sorted(self.outputs.items()))
        write_text(path, self.made_of() + outputs)

    @classmethod
    def read(cls, path: str | Path) -> "Note":
        """Read a note.

        Raises
        ------
        SerError
            Where it cannot be read, or a line is none of a note.
        """
        try:
            lines = Path(path).read_bytes().decode().split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SerError(
                f"{path}: cannot be read: {error}; remove it and run the step again that wrote it"
            ) from error
        settings, inputs, code, outputs = {}, {}, {}, {}
        for number, line in enumerate(lines[:-1], start=1):
            match [_unescape(part) for part in line.split("\t")]:
                case ["setting", name, value]:
                    settings[name] = value
                case ["input", digest, name]:
                    inputs[name] = digest
                case ["code", digest, name]:
                    code[name] = digest
                case ["output", digest, size, time, name] if size.isdecimal() and time.isdecimal():
                    outputs[name] = Output(digest, int(size), int(time))
                case _:
                    raise SerError(
                        f"{path}:{number}: not a line of a note: '{line[:80]}'; remove it and run its step again"
                    )
        return cls(settings, inputs, code, outputs)

    def difference(self, now: "Note") -> str:
        """Say what differs in what was made of this and what is to be made of `now`; empty where nothing does.

        The code is left out: a model that other code trained is still the model of these settings and inputs.
        """
        for name in sorted(self.settings.keys() | now.settings.keys()):
            if self.settings.get(name) != now.settings.get(name):
                return f"{name}: {self.settings.get(name)}; it is {now.settings.get(name)} now"
        for name in sorted(self.inputs.keys() | now.inputs.keys()):
            if self.inputs.get(name) != now.inputs.get(name):
                return f"another {name}"
        return ""


def observe(paths: Iterable[str | Path], known: Mapping[str, Output] | None = None) -> dict[str, Output]:
    """Digest files, several at a time.

    Parameters
    ----------
    paths : of the files.
    known : file -> what it was when it was digested before; one of the same size and time is not read again.
    """
    names = [str(path) for path in paths]
    states = {name: os.stat(name) for name in names}
    observed = {
        name: known[name]
        for name, state in states.items()
        if known and name in known and known[name][1:] == (state.st_size, state.st_mtime_ns)
    }
    unread = [name for name in names if name not in observed]
    for name, digest in zip(unread, digests(unread), strict=True):
        observed[name] = Output(digest, states[name].st_size, states[name].st_mtime_ns)
    return observed


def first_changed(outputs: Mapping[str, Output], contents: bool = True) -> str | None:
    """Find the first file that is gone, or is not what it was when it was written.

    Parameters
    ----------
    outputs : files as they were.
    contents : whether to read each file, which notices a disk that rots too. Else a file of the same size and time is
        taken to be the same, and only others are read.
    """
    unread = []
    for name, made in outputs.items():
        if not os.path.isfile(name) or (state := os.stat(name)).st_size != made.size:
            return name
        if contents or state.st_mtime_ns != made.time:
            unread.append(name)
    return next((name for name, now in zip(unread, digests(unread), strict=True) if now != outputs[name].digest), None)


def digests(paths: list[str]) -> list[str]:
    """Return the SHA-256 of each file; one thread a core reads them."""
    if len(paths) < 2:
        return [sha256(path) for path in paths]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(sha256, paths))


def _line(*parts: str) -> str:
    return "\t".join(re.sub(r"[\\\t\n\r]", lambda match: _ESCAPES[match[0]], part) for part in parts) + "\n"


def _unescape(part: str) -> str:
    return re.sub(r"\\[\\tnr]", lambda match: _UNESCAPES[match[0]], part)
