"""Read YAML settings strictly: the keys of a file are exactly the fields of a frozen dataclass."""

import dataclasses
import json
import reprlib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ser.errors import SerError
from ser.files import read_text

Config = TypeVar("Config")

# The key that names another file of settings, from which this file differs in some values.
LIKE = "like"


def load_config(cls: type[Config], path: str | Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read the YAML file `path` into the dataclass `cls`.

    Parameters
    ----------
    cls : frozen dataclass; a field may be a dataclass too, and then is a nested mapping in the file.
    path : YAML file. Every field without a default must be there, and nothing else.
    overrides : ``key=value`` or ``section.key=value``, the value in YAML; they replace values of the file.

    Raises
    ------
    SerError
        On an unknown or missing key (the valid ones are listed), a value of the wrong type, or bad YAML.
    """
    data = read_yaml(path)
    data = {} if data is None else data
    for override in overrides:
        _override(data, override, path)
    return from_mapping(cls, data, str(path))


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file, or a JSON file if its name ends in .json, as plain data.

    ``like: other.yaml`` in it takes all values that it does not give from there.

    Raises
    ------
    SerError
        If the file cannot be read or is neither, or if the file that ``like`` names has a ``like`` of its own.
    """
    data = _read_one(path)
    if not isinstance(data, dict) or LIKE not in data:
        return data
    other = Path(path).parent / str(data.pop(LIKE))
    base = _read_one(other)
    if not isinstance(base, dict) or LIKE in base:
        raise SerError(f"{path}: like: {other} must be a file of settings without a 'like' of its own")
    return _replaced(base, data)


def base_of(path: str | Path) -> Path | None:
    """Return the file that ``like`` in a file of settings names; None where it has no ``like``."""
    data = _read_one(path)
    return Path(path).parent / str(data[LIKE]) if isinstance(data, dict) and LIKE in data else None


def _replaced(base: dict, changes: dict) -> dict:
    """Return `base` with the values of `changes` in place of its own, section by section."""
    both = dict(base)
    for key, value in changes.items():
        inner = both.get(key)
        both[key] = _replaced(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both


def _read_one(path: str | Path) -> Any:
    text = read_text(path, "give an existing file of settings")
    # JSON may be indented by tabs, YAML may not.
    is_json = Path(path).suffix == ".json"
    try:
        return json.loads(text) if is_json else yaml.safe_load(text)
    except RecursionError as error:
        raise SerError(f"{path}: not a file of settings: hundreds of brackets inside each other") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an impossible date or number, or not UTF-8
        raise SerError(f"{path}: not {'JSON' if is_json else 'YAML'}: {error}") from error


def from_mapping(cls: type[Config], data: Any, where: str) -> Config:
    """Build a `cls` from the plain mapping `data`; messages of errors begin with `where`."""
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    valid = ", ".join(fields)
    if not isinstance(data, dict):
        raise SerError(f"{where}: expected a mapping with the keys {valid}; found {_shown(data)}")
    for key in data:
        if key not in fields:
            raise SerError(f"{where}: unknown key '{key}'; valid keys: {valid}")
    hints = typing.get_type_hints(cls)
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _convert(data[name], hints[name], f"{where}: {name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SerError(f"{where}: missing key '{name}'; valid keys: {valid}")
    return cls(**values)


def check_ranges(section: str, config: Any, **ranges: str) -> None:
    """Check that the numbers of a dataclass lie in their intervals; NaN lies in none. Call it in `__post_init__`.

    Parameters
    ----------
    section : name of the dataclass in messages, such as ``fit``.
    ranges : field -> interval, such as ``[0, 1)`` or ``(0, inf)``; a square bracket includes the end.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Sgd:
    ...     momentum: float
    >>> check_ranges("fit", Sgd(3.0), momentum="[0, 1)")
    Traceback (most recent call last):
    ...
    ser.errors.SerError: fit: momentum must lie in [0, 1); found 3.0
    """
    for name, interval in ranges.items():
        value = getattr(config, name)
        low, high = map(float, interval[1:-1].split(","))
        above = value >= low if interval[0] == "[" else value > low
        below = value <= high if interval[-1] == "]" else value < high
        if not (above and below):
            raise SerError(f"{section}: {name} must lie in {interval}; found {value}")


def to_yaml(config: Any) -> str:
    """Return a dataclass as YAML text that `load_config` reads back."""
    return yaml.safe_dump(_plain(dataclasses.asdict(config)), sort_keys=False, allow_unicode=True)


def _shown(value: Any) -> str:
    # Cut the value short: a few lines of YAML aliases can stand for gigabytes.
    short = reprlib.Repr()
    short.maxlevel, short.maxstring = 2, 80
    return short.repr(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _override(data: dict, override: str, path: str | Path) -> None:
    name, equals, value = override.partition("=")
    if not equals:
        raise SerError(f"{path}: expected key=value, found '{override}'")
    *sections, key = name.split(".")
    for section in sections:
        data = data.setdefault(section, {}) if isinstance(data, dict) else data
    if not isinstance(data, dict):
        raise SerError(f"{path}: '{name}' is inside '{data}', which has no keys")
    try:
        data[key] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SerError(f"{path}: {name}: not YAML: '{value}'") from error


def _convert(value: Any, hint: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return from_mapping(typing.cast(type, hint), value, where)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return _convert(value, inner, where)
    if origin is typing.Literal:
        if value not in arguments:
            raise SerError(f"{where}: expected one of {', '.join(map(str, arguments))}; found {_shown(value)}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise SerError(f"{where}: expected a list; found {_shown(value)}")
        return tuple(_convert(item, arguments[0], f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise SerError(f"{where}: expected a mapping; found {_shown(value)}")
        return {key: _convert(item, arguments[1], f"{where}.{key}") for key, item in value.items()}
    # YAML 1.1 reads 1e-3 as a string; and where a float is expected, an integer will do.
    if hint is float and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    elif type(value) is hint:
        return value
    raise SerError(f"{where}: expected {getattr(hint, '__name__', hint)}; found {_shown(value)}")
