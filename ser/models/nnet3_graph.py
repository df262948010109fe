"""A feed-forward nnet3 network, computed node by node: any wiring of known components, such as Kaldi's chain TDNN-F.

As in Kaldi's compiler, each node is computed only at the times that the requested frames depend on. So upper layers
whose offsets are multiples of 3 cost a third where every third frame is requested.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ser.errors import SerError
from ser.kaldi.nnet3 import Nnet3
from ser.kaldi.nnet3_nodes import Descriptor, Node, all_parts, moved, parse_node
from ser.models.nnet3_components import Affine, Elementwise, make_module, tensors

INPUT, IVECTOR = "input", "ivector"


@dataclass(frozen=True)
class GraphConfig:
    """The section `nnet3:` of an imported model: its wiring, and the type of each component; see `ser.kaldi.nnet3`."""

    nodes: tuple[str, ...]
    components: dict[str, str]


class _Plan(NamedTuple):
    """A plan of computation: the rising times at which each node of `order` is computed.

    `first` and `last` are the first and last frame of the input that are read. `done` lists, for each node, the nodes
    that are not needed after it is computed.
    """

    order: list[str]
    times: dict[str, np.ndarray]
    first: int
    last: int
    done: dict[str, list[str]]


class Nnet3Graph(nn.Module):
    """The network of `config` with the `weights` of its ``state_dict``, in eval mode.

    Raises
    ------
    SerError
        For an unsupported or missing node or component, a loop, or widths that do not fit; the message names it.
    """

    def __init__(self, config: GraphConfig, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        nodes = [parse_node(line) for line in config.nodes]
        self.nodes: dict[str, Node] = {}
        for node in nodes:
            if node.name in self.nodes:
                raise SerError(f"nnet3: the node '{node.name}' comes twice")
            self.nodes[node.name] = node
        self.parts = nn.ModuleDict()
        held: dict[str, dict[str, Tensor]] = {}
        for key, value in weights.items():
            _, component, part = key.split(".")
            held.setdefault(component, {})[part] = value
        for name, kind in config.components.items():
            self.parts[_key(name)] = make_module(name, kind, held.get(_key(name), {}))
        self.dims: dict[str, int] = {}
        self.order = self._sort()
        for name in self.order:
            self.dims[name] = self._check(self.nodes[name])
        if INPUT not in self.dims:
            raise SerError(f"nnet3: no input-node '{INPUT}'; there are {', '.join(self.node_names) or 'none'}")
        self._plan = lru_cache(maxsize=256)(self._make_plan)
        self.eval()

    @property
    def node_names(self) -> list[str]:
        """The nodes that can be asked for."""
        return [name for name in self.nodes if name not in (INPUT, IVECTOR)]

    @property
    def feature_dim(self) -> int:
        """Feature dimension."""
        return self.dims[INPUT]

    @property
    def ivector_dim(self) -> int:
        """Numbers of an i-vector; 0 if the network takes none."""
        return self.dims.get(IVECTOR, 0)

    def check_node(self, node: str) -> None:
        """Raise a `SerError` that lists the nodes unless `node` is one."""
        if node not in self.nodes or node in (INPUT, IVECTOR):
            raise SerError(f"nnet3: no node '{node}'; there are {', '.join(self.node_names)}")

    def width(self, node: str) -> int:
        """Dimension of a node's output."""
        self.check_node(node)
        return self.dims[node]

    def component(self, node: str) -> Affine | Elementwise:
        """Return the module of a component-node."""
        module = self.parts[_key(self.nodes[node].component)]
        if not isinstance(module, (Affine, Elementwise)):
            raise TypeError(f"{node} is of a {type(module)}")
        return module

    def context(self, node: str) -> tuple[int, int]:
        """Numbers of frames before and after t on which `node` at t depends."""
        self.check_node(node)
        # With Round descriptors the context differs from frame to frame: take the largest.
        plans = [self._plan(node, count + 1, count + 1, count) for count in range(self.modulus)]
        return max(0, *(start - plan.first for start, plan in enumerate(plans))), max(
            0, *(plan.last - start for start, plan in enumerate(plans))
        )

    @property
    def modulus(self) -> int:
        """The least shift of the input, in frames, that only shifts the output; over 1 with Round descriptors."""
        rounds = [
            part.number for node in self.nodes.values() for part in all_parts(node.source) if part.kind == "Round"
        ]
        return math.lcm(1, *map(int, rounds))

    @torch.inference_mode()
    def compute(self, features: Tensor, ivectors: Tensor | None, node: str, step: int = 1) -> Tensor:
        """Compute a node.

        Parameters
        ----------
        features : (T, B, F) float32, time first, with the frames of the node's context at both ends.
        ivectors : (B, S), one for each sequence; None if the network takes none.
        step : every step-th frame is computed, beginning with the first.

        Returns
        -------
        (T', B, D): T' is the number of frames without the context, divided by `step` and rounded up.
        """
        left, right = self.context(node)
        plan = self._plan(node, len(features) - left - right, step)
        # Leave out the frames that no computed frame needs.
        features = features[left + plan.first : left + plan.last + 1]
        values: dict[str, Tensor] = {}
        for name in plan.order:
            times, this = plan.times[name], self.nodes[name]
            if this.source is None:
                given = _pick(features, np.arange(plan.first, plan.last + 1), times) if name == INPUT else ivectors
                if given is None:
                    raise SerError(f"nnet3: the network takes i-vectors of dimension {self.ivector_dim}")
                values[name] = given if name == INPUT else given.unsqueeze(0)
            elif this.kind == "component":
                module = self.component(name)
                inputs = [self._read(this.source, times + offset, values, plan) for offset in module.times]
                values[name] = module(inputs)
            else:
                value = self._read(this.source, times, values, plan)
                values[name] = value[:, :, this.start : this.start + this.dim] if this.kind == "dim-range" else value
            for finished in plan.done[name]:
                del values[finished]
        return values[node]

    def _read(self, source: Descriptor, times: np.ndarray, values: dict[str, Tensor], plan: _Plan) -> Tensor:
        """Compute a descriptor at `times`: (T, B, C)."""
        if source.kind == "Node":
            return _pick(values[source.name], plan.times[source.name], times)
        if source.kind == "ReplaceIndex" and source.parts[0].kind == "Node":
            one = self._read(source.parts[0], np.array([int(source.number)]), values, plan)
            return one.expand(len(times), -1, -1)
        parts = [self._read(part, moved(source, times), values, plan) for part in source.parts]
        if source.kind == "Append":
            return torch.cat(parts, dim=2)
        if source.kind == "Scale":
            return parts[0] * source.number
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def _make_plan(self, node: str, count: int, step: int, start: int = 0) -> _Plan:
        needed: dict[str, list[np.ndarray]] = {node: [np.arange(start, count, step)]}
        times: dict[str, np.ndarray] = {}
        for name in reversed(self.order):
            if name not in needed:
                continue
            this = self.nodes[name]
            times[name] = np.unique(np.concatenate(needed[name]))
            if this.source is not None:
                offsets = self.component(name).times if this.kind == "component" else (0,)
                for offset in offsets:
                    _demand(this.source, times[name] + offset, needed)
        inputs = times.get(INPUT, np.zeros(1, int))
        order = [name for name in self.order if name in times]
        last_reader = {source: name for name in order for source in _names(self.nodes[name].source)}
        done: dict[str, list[str]] = {name: [] for name in order}
        for source, reader in last_reader.items():
            if source != node:
                done[reader].append(source)
        return _Plan(order, times, int(inputs[0]), int(inputs[-1]), done)

    def _sort(self) -> list[str]:
        """Order the nodes so that each comes after what it reads."""
        waiting = {name: set(_names(node.source)) for name, node in self.nodes.items()}
        for name, sources in waiting.items():
            if missing := sorted(sources - waiting.keys()):
                raise SerError(f"nnet3: the node '{name}' reads '{missing[0]}', which is no node")
        order: list[str] = []
        while waiting:
            ready = [name for name, sources in waiting.items() if not sources]
            if not ready:
                raise SerError(
                    f"nnet3: the nodes {', '.join(waiting)[:500]} form a loop; recurrent nets are not computed"
                )
            order += ready
            waiting = {name: sources.difference(ready) for name, sources in waiting.items() if name not in ready}
        return order

    def _check(self, node: Node) -> int:
        """Check a node and return its width; the widths of its sources must be known."""
        if node.source is None:
            if node.name not in (INPUT, IVECTOR) or node.dim < 1:
                raise SerError(
                    f"nnet3: unknown input-node '{node.name}' of dim {node.dim}; there are input and ivector"
                )
            return node.dim
        width = self._width(node.source, node.name)
        if node.kind == "dim-range":
            if node.start < 0 or node.dim < 1 or node.start + node.dim > width:
                raise SerError(
                    f"nnet3: the node '{node.name}' takes {node.dim} of {width} dimensions from number {node.start} on"
                )
            return node.dim
        if node.kind == "output":
            return width
        if _key(node.component) not in self.parts:
            raise SerError(f"nnet3: the node '{node.name}' has no component '{node.component}'")
        module = self.parts[_key(node.component)]
        expected = getattr(module, "inputs", width)
        if width != expected or width % getattr(module, "block", 1):
            raise SerError(
                f"nnet3: the node '{node.name}' reads {width} dimensions; its component takes "
                f"{getattr(module, 'inputs', getattr(module, 'block', 1))}"
            )
        return getattr(module, "outputs", width)

    def _width(self, source: Descriptor, node: str) -> int:
        if source.kind == "Node":
            if source.name == IVECTOR:
                raise SerError(f"nnet3: the node '{node}' reads '{IVECTOR}' without ReplaceIndex({IVECTOR}, t, 0)")
            return self.dims[source.name]
        if source.kind == "ReplaceIndex" and source.parts[0] == Descriptor("Node", name=IVECTOR):
            if source.number:
                raise SerError(f"nnet3: the node '{node}' reads the i-vector of time {source.number:g}; expected 0")
            return self.dims[IVECTOR]
        widths = [self._width(part, node) for part in source.parts]
        if source.kind == "Append":
            return sum(widths)
        if len(set(widths)) > 1:
            raise SerError(f"nnet3: the node '{node}' adds inputs of dimensions {' and '.join(map(str, widths))}")
        return widths[0]


def from_nnet3(nnet: Nnet3) -> tuple[GraphConfig, dict[str, Tensor]]:
    """Convert a network to the wiring and the weights of `Nnet3Graph`."""
    config = GraphConfig(tuple(nnet.nodes), {name: component.type for name, component in nnet.components.items()})
    weights: dict[str, Tensor] = {}
    for name, component in nnet.components.items():
        weights |= {f"parts.{_key(name)}.{part}": tensor for part, tensor in tensors(name, component).items()}
    return config, weights


def _key(component: str) -> str:
    # Names of PyTorch modules must not contain dots.
    return component.replace(".", "/")


def _names(source: Descriptor | None) -> list[str]:
    return [part.name for part in all_parts(source) if part.kind == "Node"]


def _demand(source: Descriptor, times: np.ndarray, needed: dict[str, list[np.ndarray]]) -> None:
    if source.kind == "Node":
        needed.setdefault(source.name, []).append(times)
    for part in source.parts:
        _demand(part, moved(source, times), needed)


def _pick(value: Tensor, times: np.ndarray, wanted: np.ndarray) -> Tensor:
    """Select the `wanted` times from (T, B, C), whose rising times are `times`; a view if they are evenly spaced."""
    places = np.searchsorted(times, wanted)
    steps = np.diff(places)
    if not len(steps):
        return value[places[0] : places[0] + 1]
    step = int(steps[0])
    if step > 0 and (steps == step).all():
        return value[places[0] : places[-1] + 1 : step]
    return value[torch.from_numpy(places)]
