"""Components of feed-forward nnet3 networks, as PyTorch modules for inference.

Kaldi's nnet3/nnet-simple-component.cc, nnet-tdnn-component.cc, nnet-normalize-component.cc. All map frames (T, B, C),
time first, to (T', B, C').
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.errors import SerError
from ser.kaldi.nnet3 import Component

_AFFINE = ("FixedAffineComponent", "AffineComponent", "NaturalGradientAffineComponent", "LinearComponent")
# These components are the identity at test time.
_IDENTITY = ("NoOpComponent", "DropoutComponent", "GeneralDropoutComponent", "SpecAugmentTimeMaskComponent")
_OTHER = ("TdnnComponent", "BatchNormComponent", "RectifiedLinearComponent", "LogSoftmaxComponent")
COMPUTED = (*_AFFINE, *_OTHER, *_IDENTITY)


class Affine(nn.Module):
    """Affine map of the concatenated frames t + `offsets`; only of frame t where the one offset is 0."""

    linear: Tensor
    bias: Tensor | None

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.register_buffer("linear", weights["linear"])
        self.register_buffer("bias", weights.get("bias"))
        self.register_buffer("offsets", weights.get("offsets"))
        self.times = tuple(weights["offsets"].tolist()) if "offsets" in weights else (0,)
        self.outputs, width = weights["linear"].shape
        self.inputs = width // len(self.times)

    def forward(self, parts: list[Tensor]) -> Tensor:
        """Map the input at each of the offsets, (T, B, C) each, to (T, B, C')."""
        frames, batch, width = parts[0].shape
        rows = [part.reshape(-1, width) for part in parts]
        matrices = [matrix.T for matrix in self.linear.split(width, dim=1)]
        out = rows[0] @ matrices[0] if self.bias is None else torch.addmm(self.bias, rows[0], matrices[0])
        for row, matrix in zip(rows[1:], matrices[1:], strict=True):
            out.addmm_(row, matrix)
        return out.view(frames, batch, -1)


class Elementwise(nn.Module):
    """A map of each frame that keeps its width: batch norm by its stored statistics, ReLU, log-softmax, identity."""

    scale: Tensor
    offset: Tensor
    times = (0,)

    def __init__(self, kind: str, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.kind, self.is_identity = kind, kind in _IDENTITY
        self.register_buffer("scale", weights.get("scale"))
        self.register_buffer("offset", weights.get("offset"))
        # The width of the input must be a multiple of this. A batch norm may work in blocks; others take any width.
        self.block = len(weights["scale"]) if "scale" in weights else 1

    def forward(self, parts: list[Tensor]) -> Tensor:
        """Map (T, B, C) to (T, B, C)."""
        (x,) = parts
        if self.kind == "BatchNormComponent":
            repeats = x.shape[2] // self.block
            return torch.addcmul(self.offset.repeat(repeats), x, self.scale.repeat(repeats))
        if self.kind == "RectifiedLinearComponent":
            return functional.relu(x)
        return functional.log_softmax(x, dim=2) if self.kind == "LogSoftmaxComponent" else x


def make_module(name: str, kind: str, weights: Mapping[str, Tensor]) -> Affine | Elementwise:
    """Make the module of the component `name` of type `kind` with the tensors that `tensors` returns."""
    if kind not in COMPUTED:
        raise SerError(
            f"nnet3: the component '{name}' is a {kind}, which is not computed here; there are {', '.join(COMPUTED)}"
        )
    return Affine(weights) if kind in (*_AFFINE, "TdnnComponent") else Elementwise(kind, weights)


def tensors(name: str, component: Component) -> dict[str, Tensor]:
    """Return the tensors of a component for inference: matrix, bias and offsets, or scale and offset.

    Raises
    ------
    SerError
        If a field is missing or its shape does not fit the others, or a batch norm has no statistics.
    """
    if component.type in _AFFINE or component.type == "TdnnComponent":
        return _affine(name, component)
    if component.type == "BatchNormComponent":
        return _batch_norm(name, component)
    return {}


def _affine(name: str, component: Component) -> dict[str, Tensor]:
    linear = _array(name, component, "Params" if component.type == "LinearComponent" else "LinearParams", 2)
    found = {"linear": linear}
    if component.type != "LinearComponent":
        bias = _array(name, component, "BiasParams", 1)
        if len(bias) or component.type != "TdnnComponent":
            found["bias"] = bias
            if len(bias) != len(linear):
                raise SerError(f"nnet3: the component '{name}' has {len(linear)} rows and a bias of {len(bias)}")
    if component.type == "TdnnComponent":
        offsets = _array(name, component, "TimeOffsets", 1).long()
        if not len(offsets) or linear.shape[1] % len(offsets) or len(set(offsets.tolist())) < len(offsets):
            raise SerError(
                f"nnet3: <TimeOffsets> {offsets.tolist()} of the component '{name}' do not fit its matrix of "
                f"{linear.shape[1]} columns"
            )
        found["offsets"] = offsets
    if not linear.numel():
        raise SerError(f"nnet3: the matrix of the component '{name}' is empty")
    return found


def _batch_norm(name: str, component: Component) -> dict[str, Tensor]:
    fields = component.fields
    mean, variance = (_array(name, component, field, 1).double() for field in ("StatsMean", "StatsVar"))
    block, count = fields.get("BlockDim"), fields.get("Count")
    if not count or not len(mean):
        raise SerError(f"nnet3: the batch norm '{name}' holds no statistics; export a model that has been trained")
    try:
        epsilon, rms = float(fields["Epsilon"]), float(fields.get("TargetRms", 1.0))
    except (KeyError, TypeError, ValueError) as error:
        raise SerError(f"nnet3: the batch norm '{name}' has no <Epsilon> or <TargetRms>") from error
    if len(mean) != len(variance) or len(mean) != block or variance.min() < 0 or epsilon <= 0:
        raise SerError(
            f"nnet3: the batch norm '{name}' of blocks of {block} has {len(mean)} means and {len(variance)} variances,"
            f" the least {float(variance.min()):g}, and the epsilon {epsilon:g}"
        )
    # As in BatchNormComponent::ComputeDerived.
    scale = rms * (variance + epsilon).rsqrt()
    return {"scale": scale.float(), "offset": (-mean * scale).float()}


def _array(name: str, component: Component, field: str, ndim: int) -> Tensor:
    found = np.asarray(component.fields.get(field, 0.0), np.float32)
    if found.ndim != ndim:
        raise SerError(f"nnet3: <{field}> of the component '{name}' is of shape {found.shape}, expected {ndim} axes")
    return torch.from_numpy(found.copy())
