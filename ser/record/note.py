r"""Notes: text files that record the settings, inputs, code and outputs of a piece of work.

A job, a training, a stage and an artefact of a grid each leave one. It is a text file of tab-separated lines,

    setting  <name>  <value>
    input    <SHA-256>  <name>
    code     <digest>  <file, or package>
    output   <SHA-256>  <bytes>  <time of change, ns>  <file>

in which tabs, line feeds and backslashes of names and values are escaped. As long as the settings, inputs and code
are equal, the same work would make the same outputs again.
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
    """State of an output file when it was written: SHA-256, size in bytes, time of the last change in nanoseconds."""

    digest: str
    size: int
    time: int


@dataclass(frozen=True)
class Note:
    """The settings, inputs, code and outputs of a piece of work.

    Attributes
    ----------
    settings : name -> value.
    inputs : name -> digest of the input.
    code : file of the repository -> digest, and package -> version.
    outputs : file -> its state when it was written.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)

    def made_of(self) -> str:
        """Return the lines of settings, inputs and code; work with equal lines makes equal outputs."""
        lines = [("setting", name, value) for name, value in sorted(self.settings.items())]
        lines += [("input", digest, name) for name, digest in sorted(self.inputs.items())]
        lines += [("code", digest, name) for name, digest in sorted(self.code.items())]
        return "".join(_line(*line) for line in lines)

    def digest(self) -> str:
        """Digest the note without its times, so that making the same again gives the same digest."""
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
            If the file cannot be read, or a line is not a line of a note.
        """
        try:
            lines = Path(path).read_bytes().decode().split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SerError(
                f"{path}: cannot be read: {error}; remove it and run the step that wrote it again"
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
        """Name the first setting or input that differs from those of `now`; an empty string if none does.

        Code is not compared: a model that an older version of the code trained still has these settings and inputs.
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
    paths : the files.
    known : file -> its state at an earlier digest; a file of unchanged size and time is not read again.
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
    """Find the first file that is gone or has changed since it was written; None if there is none.

    Parameters
    ----------
    outputs : file -> its state when it was written.
    contents : True reads every file, which also notices damage on the disk; False trusts files of unchanged size and
        time and reads only the others.
    """
    unread = []
    for name, made in outputs.items():
        if not os.path.isfile(name) or (state := os.stat(name)).st_size != made.size:
            return name
        if contents or state.st_mtime_ns != made.time:
            unread.append(name)
    return next((name for name, now in zip(unread, digests(unread), strict=True) if now != outputs[name].digest), None)


def digests(paths: list[str]) -> list[str]:
    """Return the SHA-256 of each file; the files are read by one thread for each core."""
    if len(paths) < 2:
        return [sha256(path) for path in paths]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(sha256, paths))


def _line(*parts: str) -> str:
    return "\t".join(re.sub(r"[\\\t\n\r]", lambda match: _ESCAPES[match[0]], part) for part in parts) + "\n"


def _unescape(part: str) -> str:
    return re.sub(r"\\[\\tnr]", lambda match: _UNESCAPES[match[0]], part)
