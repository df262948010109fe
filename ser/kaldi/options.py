"""Read Kaldi option files, one ``--name=value`` per line, into a frozen dataclass."""

import dataclasses
import typing
from pathlib import Path
from typing import Any, TypeVar

from ser.errors import SerError
from ser.files import read_text_lines

Options = TypeVar("Options")


def read_options(cls: type[Options], path: str | Path) -> Options:
    """Read the option file `path` into the dataclass `cls`. Options that the file lacks keep the default of the field.

    Field ``sample_frequency`` is option ``--sample-frequency``; fields are bool, int, float or str. As in Kaldi, ``#``
    starts a comment, a boolean without a value is true, and the last of several lines for one option counts.

    Raises
    ------
    SerError
        If an option is unknown (the message lists the valid ones) or a value has the wrong type; with file and line.
    """
    hints = typing.get_type_hints(cls)
    types = {field.name: hints[field.name] for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for number, line in enumerate(read_text_lines(path, "give a file of Kaldi's options"), start=1):
        option = line.partition("#")[0].strip()
        if not option:
            continue
        if not option.startswith("--"):
            raise SerError(f"{path}:{number}: expected --name=value, found '{option[:80]}'")
        name, equals, value = option[2:].partition("=")
        field = name.strip().replace("-", "_").lower()
        if field not in types:
            valid = ", ".join("--" + known.replace("_", "-") for known in types)
            raise SerError(f"{path}:{number}: unknown option --{name}; valid options: {valid}")
        if not equals and types[field] is not bool:
            raise SerError(f"{path}:{number}: --{name} needs a value: --{name}=...")
        values[field] = _convert(value.strip() if equals else "true", types[field], f"{path}:{number}: --{name}")
    try:
        return cls(**values)
    except SerError as error:
        raise SerError(f"{path}: {error}") from error


def _convert(text: str, kind: type, where: str) -> Any:
    if kind is bool:
        if text.lower() in ("true", "t", "1", ""):
            return True
        if text.lower() in ("false", "f", "0"):
            return False
        raise SerError(f"{where}: expected true or false, found '{text}'")
    try:
        return kind(text)
    except ValueError as error:
        raise SerError(f"{where}: expected {kind.__name__}, found '{text}'") from error
