"""Read Kaldi's nnet3 model files, binary or text: the lines that wire the network, and its components.

These are ``final.raw``, the text that ``nnet3-copy --binary=false`` makes of it, and the acoustic ``final.mdl``, a
transition model followed by a network (Kaldi's nnet3/nnet-nnet.cc, nnet3/am-nnet-simple.cc, hmm/transition-model.cc).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser.errors import SerError
from ser.files import BOM
from ser.kaldi.model_cursor import Cursor, Value

# Components that ser.models.nnet3 or ser.models.nnet3_graph can compute.
_AFFINE = ("FixedAffineComponent", "AffineComponent", "NaturalGradientAffineComponent", "LinearComponent")
_SIMPLE = ("TdnnComponent", "RectifiedLinearComponent", "BatchNormComponent", "NoOpComponent", "LogSoftmaxComponent")
_TRAINING = ("DropoutComponent", "GeneralDropoutComponent", "SpecAugmentTimeMaskComponent")
_STATISTICS = ("StatisticsExtractionComponent", "StatisticsPoolingComponent")
KNOWN_COMPONENTS = _AFFINE + _SIMPLE + _TRAINING + _STATISTICS


@dataclass(frozen=True)
class Component:
    """A component: its type, such as ``BatchNormComponent``, and its fields by name; matrices are (rows, columns)."""

    type: str
    fields: dict[str, Value]


class Transition(NamedTuple):
    """An emitting state of a phone: the pdf on entering it (forward) and the pdf of its self-loop."""

    phone: int
    state: int
    forward_pdf: int
    self_loop_pdf: int


@dataclass(frozen=True)
class Nnet3:
    """A model: `nodes`, the lines that wire it (``component-node name=...``), and `components` by name.

    `transitions` are the states of the transition model in a ``final.mdl``, empty for other files.
    """

    nodes: list[str]
    components: dict[str, Component]
    transitions: tuple[Transition, ...] = ()


def read_nnet3(path: str | Path) -> Nnet3:
    """Read ``final.raw`` or ``final.mdl``, binary or text.

    Raises
    ------
    SerError
        If the file is not an nnet3 model, ends too early, or has a component that cannot be computed here; the message
        names that component.
    """
    try:
        data = Path(path).read_bytes().removeprefix(BOM)
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}") from error
    cursor = Cursor(data, str(path))
    first = cursor.token()
    transitions: tuple[Transition, ...] = ()
    if first == "<TransitionModel>":
        transitions = _read_transitions(cursor)
        cursor.expect("<Nnet3>")
    elif first != "<Nnet3>":
        raise SerError(
            f"{path}: does not begin with <Nnet3> or <TransitionModel>; give Kaldi's final.raw, final.mdl or their text"
        )
    nodes = cursor.lines()
    cursor.expect("<NumComponents>")
    components: dict[str, Component] = {}
    for _ in range(cursor.integer("NumComponents")):
        cursor.expect("<ComponentName>")
        name, kind = cursor.token(), cursor.token()[1:-1]
        if kind not in KNOWN_COMPONENTS:
            raise SerError(
                f"{path}: the component '{name}' is a {kind[:80]}, which cannot be computed "
                f"here; known: {', '.join(KNOWN_COMPONENTS)}"
            )
        if name in components:
            raise cursor.error(f"the component '{name}' comes twice")
        components[name] = Component(kind, _read_fields(cursor, name, kind))
    cursor.expect("</Nnet3>")
    return Nnet3(nodes, components, transitions)


def _read_fields(cursor: Cursor, name: str, kind: str) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    while (field := cursor.token()) != f"</{kind}>":
        if not re.fullmatch(r"<\w+>", field):
            raise cursor.error(f"expected a field of {name}, found '{field[:40]}'")
        fields[field[1:-1]] = value = cursor.value(field[1:-1])
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
            raise SerError(f"{cursor.path}: <{field[1:-1]}> of the component '{name}' holds NaN or infinity")
    return fields


def _read_transitions(cursor: Cursor) -> tuple[Transition, ...]:
    cursor.skip_to("</Topology>")
    kind = cursor.token()
    if kind not in ("<Tuples>", "<Triples>"):
        raise cursor.error(f"expected <Tuples> or <Triples>, found '{kind[:40]}'")
    # <Triples> are those of an ordinary HMM, whose self-loops have the same pdf as entering the state.
    width = 4 if kind == "<Tuples>" else 3
    transitions = []
    for _ in range(cursor.integer("NumTuples")):
        numbers = [cursor.integer("NumTuples") for _ in range(width)]
        transitions.append(Transition(numbers[0], numbers[1], numbers[2], numbers[-1]))
    cursor.expect(kind.replace("<", "</"))
    cursor.skip_to("</TransitionModel>")
    return tuple(transitions)
