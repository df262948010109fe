"""Parse the wiring of an nnet3 network: its nodes, and the inputs of each, as ``Append(Offset(input, -1), input)``.

Kaldi's nnet3/nnet-descriptor.h defines the language; the part of it that feed-forward networks use is read here.
"""

import re
from dataclasses import dataclass

import numpy as np

from ser.errors import SerError


@dataclass(frozen=True)
class Descriptor:
    """The input of a node at time t. `kind` says how it is made from its `parts`:

    ``Node`` is the output of the node `name`; ``Append`` concatenates and ``Sum`` adds the parts; ``Offset`` is the
    part at time t + `number`; ``Scale`` the part times `number`; ``ReplaceIndex`` the part at time `number` for every
    t; ``Round`` the part at t rounded down to a multiple of `number`; ``IfDefined`` the part, or zeros if it is not
    defined, which never happens here.
    """

    kind: str
    parts: tuple["Descriptor", ...] = ()
    name: str = ""
    number: float = 0.0


@dataclass(frozen=True)
class Node:
    """A node. `kind` is input, component, output or dim-range; inputs have `dim`, dim-ranges `dim` and `start`."""

    kind: str
    name: str
    component: str = ""
    source: Descriptor | None = None
    dim: int = 0
    start: int = 0


def parse_node(line: str) -> Node:
    """Read one line of the wiring.

    Raises
    ------
    SerError
        If the kind of node or of descriptor is unknown (the message names it), or if the line is incomplete.
    """
    kind, _, rest = line.partition(" ")
    values = dict(re.findall(r"(\S+?)=(.*?)(?=\s+[\w-]+=|\s*$)", rest))
    name = values.get("name", "")
    try:
        if kind == "input-node" and name:
            return Node("input", name, dim=int(values["dim"]))
        if kind == "component-node" and name:
            return Node("component", name, values["component"], parse_descriptor(values["input"], name))
        if kind == "output-node" and name:
            return Node("output", name, source=parse_descriptor(values["input"], name))
        if kind == "dim-range-node" and name:
            source = Descriptor("Node", name=values["input-node"])
            return Node("dim-range", name, "", source, int(values["dim"]), int(values["dim-offset"]))
    except (KeyError, ValueError) as error:
        raise SerError(f"nnet3: the node '{line[:200]}' lacks a field, or a number in it is wrong: {error}") from error
    raise SerError(f"nnet3: unknown kind of node '{line[:200]}'")


def parse_descriptor(text: str, node: str = "") -> Descriptor:
    """Parse a descriptor; `node` is the name of its node, for messages.

    >>> found = parse_descriptor("Offset(tdnn1.relu, -3)")
    >>> found.kind, found.parts[0].name, found.number
    ('Offset', 'tdnn1.relu', -3.0)
    """
    words = re.findall(r"[^\s(),]+|[(),]", text)
    try:
        descriptor, end = _parse(words, 0, node)
    except IndexError as error:
        raise SerError(f"nnet3: the input of the node '{node}' ends too early: '{text[:200]}'") from error
    except RecursionError as error:
        raise SerError(f"nnet3: the input of the node '{node}' nests hundreds of brackets") from error
    if end != len(words):
        raise SerError(f"nnet3: the input of the node '{node}' goes on after its end: '{text[:200]}'")
    return descriptor


def all_parts(source: Descriptor | None) -> list[Descriptor]:
    """Yield a descriptor and all descriptors inside it."""
    return [] if source is None else [source, *(inner for part in source.parts for inner in all_parts(part))]


def moved(source: Descriptor, times: np.ndarray) -> np.ndarray:
    """Return the times at which a descriptor reads its parts in order to give its value at `times`."""
    number = int(source.number)
    if source.kind == "Offset":
        return times + number
    if source.kind == "Round":
        return times // number * number
    return np.full_like(times, number) if source.kind == "ReplaceIndex" else times


_FARTHEST = 1000
_NUMBERED = ("Offset", "Scale", "ReplaceIndex", "Round")


def _parse(words: list[str], place: int, node: str) -> tuple[Descriptor, int]:
    word, place = words[place], place + 1
    if word in "(),":
        raise SerError(f"nnet3: the input of the node '{node}' has '{word}' where a node should be")
    if place == len(words) or words[place] != "(":
        return Descriptor("Node", name=word), place
    if word not in ("Append", "Sum", "IfDefined", *_NUMBERED):
        raise SerError(
            f"nnet3: the node '{node}' reads {word[:40]}(...), which cannot be computed here; known: "
            f"Append, Sum, IfDefined, {', '.join(_NUMBERED)}"
        )
    numbers: list[str] = []
    parts: list[Descriptor] = []
    while words[place] != ")":
        place += 1  # skip the opening bracket or the comma
        if _is_number(words[place]) or (word == "ReplaceIndex" and parts):
            numbers.append(words[place])
            place += 1
        else:
            part, place = _parse(words, place, node)
            parts.append(part)
        if words[place] not in (",", ")"):
            raise SerError(f"nnet3: the input of the node '{node}' has '{words[place][:40]}' where a comma should be")
    return _make(word, parts, numbers, node), place + 1


def _make(word: str, parts: list[Descriptor], numbers: list[str], node: str) -> Descriptor:
    if word == "ReplaceIndex" and numbers[:1] == ["t"]:
        numbers = numbers[1:]
    elif word == "Offset" and len(numbers) == 2 and numbers[1] == "0":
        numbers = numbers[:1]  # the second offset is for the index x, not for the time t
    if len(numbers) != (word in _NUMBERED) or not all(map(_is_number, numbers)):
        raise SerError(f"nnet3: the node '{node}' reads {word} with {', '.join(numbers) or 'no number'}; expected one")
    if not parts or (len(parts) > 1 and word not in ("Append", "Sum")):
        raise SerError(f"nnet3: the node '{node}' reads {word} of {len(parts)} parts")
    number = float(numbers[0]) if numbers else 0.0
    if word in ("Offset", "ReplaceIndex", "Round") and (number != int(number) or (word == "Round" and number < 1)):
        raise SerError(f"nnet3: the node '{node}' reads {word} with {numbers[0]}; expected an integer")
    if word != "Scale" and abs(number) > _FARTHEST:
        raise SerError(f"nnet3: the node '{node}' reads {word} with {numbers[0]}; expected at most {_FARTHEST} frames")
    return Descriptor(word, tuple(parts), number=number)


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[+-]?([0-9]{1,9}\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?", word) is not None
