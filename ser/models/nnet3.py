"""Import of Kaldi's nnet3 x-vector networks as `XVector`."""

import re

import numpy as np
import torch
from torch import Tensor

from ser.errors import SerError
from ser.kaldi.nnet3 import Component, Nnet3
from ser.models.pooling import VARIANCE_FLOOR
from ser.models.tdnn import BATCHNORM_EPSILON
from ser.models.xvector import CONTEXTS, XVectorConfig

# Component types that a node may have, by the end of its name; by its beginning for the statistics.
_TYPES = {
    "affine": ("NaturalGradientAffineComponent", "AffineComponent", "FixedAffineComponent"),
    "relu": ("RectifiedLinearComponent",),
    "batchnorm": ("BatchNormComponent",),
    "stats-extraction": ("StatisticsExtractionComponent",),
    "stats-pooling": ("StatisticsPoolingComponent",),
    "log-softmax": ("LogSoftmaxComponent",),
}
# Component type -> field -> the value that it must have.
_EXPECTED: dict[str, dict[str, float | str]] = {
    "BatchNormComponent": {"Epsilon": BATCHNORM_EPSILON, "TargetRms": 1.0},
    "StatisticsExtractionComponent": {"InputPeriod": 1, "OutputPeriod": 1, "IncludeVarinance": "T"},
    "StatisticsPoolingComponent": {
        "InputPeriod": 1,
        "LeftContext": 0,
        "RightContext": 10_000,
        "NumLogCountFeatures": 0,
        "OutputStddevs": "T",
        "VarianceFloor": VARIANCE_FLOOR,
    },
}


def is_xvector(nnet: Nnet3) -> bool:
    """Return whether a network pools over time, as x-vector networks do; acoustic models go to `Nnet3Graph`."""
    return any(component.type.startswith("Statistics") for component in nnet.components.values())


def from_nnet3(nnet: Nnet3) -> tuple[XVectorConfig, dict[str, Tensor]]:
    """Convert an nnet3 x-vector network.

    Parameters
    ----------
    nnet : a network with the wiring of tdnn1 to tdnn7 and output in Kaldi's voxceleb/v2, of any widths; further
        segment layers tdnn8 ... may follow tdnn7.

    Returns
    -------
    The widths, and the weights for `XVector.from_weights`.

    Raises
    ------
    SerError
        For a node, component or setting outside of this topology; the message names it.
    """
    nodes = dict(map(_parse_node, nnet.nodes))
    wiring = nodes.keys() - {"input", "output"}
    layers = [name.partition(".")[0] for name in nodes if re.fullmatch(r"tdnn\d+\.affine", name)]
    expected = _expected_wiring(nodes, len(layers))
    for name in nodes.keys() | expected.keys():
        found = nodes.get(name)
        if found is None or name not in expected:
            raise SerError(f"nnet3: {'no node' if found is None else 'unknown node'} '{name}'; {_REMEDY}")
        if name != "input" and found.replace(" ", "") != expected[name].replace(" ", ""):
            raise SerError(f"nnet3: the node '{name}' has the input {found}, expected {expected[name]}; {_REMEDY}")
    for name in wiring:
        if name not in nnet.components:
            raise SerError(f"nnet3: the node '{name}' has no component; {_REMEDY}")
    for name, component in nnet.components.items():
        if name not in wiring:
            raise SerError(f"nnet3: the component '{name}', a {component.type}, is of no node; {_REMEDY}")
        _check_component(name, component)
    weights: dict[str, Tensor] = {}
    width = 0  # inputs of the next layer at each offset; 0: any, for tdnn1
    for index, layer in enumerate([*layers, "output"]):
        offsets = len(CONTEXTS[index]) if index < len(CONTEXTS) else 1
        matrix, bias = _affine(nnet, f"{layer}.affine", width * offsets)
        # Kaldi concatenates frame after frame: (C', offsets x C) -> a convolution's (C', C, offsets).
        if index < len(CONTEXTS):
            matrix = matrix.reshape(len(matrix), offsets, -1).transpose(0, 2, 1)
        weights[f"{layer}.affine.weight"] = torch.from_numpy(matrix.copy())
        weights[f"{layer}.affine.bias"] = torch.from_numpy(bias.copy())
        width = len(bias)
        if layer != "output":
            name = f"{layer}.batchnorm"
            weights[f"{name}.running_mean"] = torch.from_numpy(_array(nnet, name, "StatsMean", (width,)).copy())
            weights[f"{name}.running_var"] = torch.from_numpy(_array(nnet, name, "StatsVar", (width,)).copy())
            weights[f"{name}.num_batches_tracked"] = torch.tensor(1)
        if index == len(CONTEXTS) - 1:
            width *= 2  # mean and standard deviation
    widths = [len(weights[f"{layer}.affine.bias"]) for layer in layers]
    frames = len(CONTEXTS)
    return XVectorConfig(tuple(widths[:frames]), tuple(widths[frames:])), weights


_REMEDY = "only the x-vector TDNN of Kaldi's voxceleb/v2 can be imported"


def _parse_node(line: str) -> tuple[str, str]:
    kind, _, rest = line.partition(" ")
    name = re.search(r"name=(\S+)", rest)
    source = re.search(r"input=(.*?)(?:\s+\S+=.*)?$", rest)
    if kind not in ("input-node", "component-node", "output-node") or name is None:
        raise SerError(f"nnet3: unknown node '{line}'; {_REMEDY}")
    component = re.search(r"component=(\S+)", rest)
    if component is not None and component[1] != name[1]:
        raise SerError(f"nnet3: the node '{name[1]}' is of the component '{component[1]}'; {_REMEDY}")
    return name[1], source[1] if source else ""


def _expected_wiring(nodes: dict[str, str], num_layers: int) -> dict[str, str]:
    """Return node -> input, for a network of `num_layers` hidden layers."""
    extraction, pooling = (
        next((name for name in nodes if name.startswith(kind)), kind) for kind in ("stats-extraction", "stats-pooling")
    )
    wiring, last = {"input": ""}, "input"
    for number in range(1, max(num_layers, len(CONTEXTS) + 1) + 1):
        if number <= len(CONTEXTS):
            offsets = [f"Offset({last},{offset})" if offset else last for offset in CONTEXTS[number - 1]]
            source = f"Append({','.join(offsets)})" if len(offsets) > 1 else last
        else:
            source = last
        if number == len(CONTEXTS) + 1:
            wiring[extraction], wiring[pooling] = last, extraction
            source = f"Round({pooling},1)"
        layer = f"tdnn{number}"
        wiring[f"{layer}.affine"] = source
        wiring[f"{layer}.relu"] = f"{layer}.affine"
        wiring[f"{layer}.batchnorm"] = f"{layer}.relu"
        last = f"{layer}.batchnorm"
    wiring |= {"output.affine": last, "output.log-softmax": "output.affine", "output": "output.log-softmax"}
    return wiring


def _check_component(name: str, component: Component) -> None:
    kind = next(kind for kind in _TYPES if name.endswith(f".{kind}") or name.startswith(kind))
    if component.type not in _TYPES[kind]:
        raise SerError(f"nnet3: the component '{name}' is a {component.type}, expected {_TYPES[kind][0]}; {_REMEDY}")
    for field, wanted in _EXPECTED.get(component.type, {}).items():
        found = component.fields.get(field)
        if isinstance(found, float) and isinstance(wanted, float):
            found = wanted if np.isclose(found, wanted, rtol=1e-5, atol=0) else found
        if found != wanted:
            raise SerError(f"nnet3: the component '{name}' has <{field}> {found}, expected {wanted}; {_REMEDY}")
    fields = component.fields
    if component.type == "BatchNormComponent" and (
        fields.get("BlockDim") != fields.get("Dim") or not fields.get("Count")
    ):
        raise SerError(f"nnet3: the batch norm '{name}' holds no statistics, or works in blocks; {_REMEDY}")


def _affine(nnet: Nnet3, name: str, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return matrix and bias of an affine component; check for `columns` columns, unless that is 0."""
    field = "LinearParams" if "LinearParams" in nnet.components[name].fields else "Params"
    bias = _array(nnet, name, "BiasParams", (None,))
    matrix = _array(nnet, name, field, (len(bias), columns or None))
    return matrix, bias


def _array(nnet: Nnet3, name: str, field: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return an array of a component, after a check of its shape, in which None is any size."""
    found = np.asarray(nnet.components[name].fields.get(field, 0.0), np.float32)
    if found.ndim != len(shape) or any(want not in (None, size) for want, size in zip(shape, found.shape, strict=True)):
        wanted = " x ".join("any" if size is None else str(size) for size in shape)
        raise SerError(f"nnet3: <{field}> of the component '{name}' is of shape {found.shape}, expected {wanted}")
    return found
