"""Faster inference of a trained `AsrTdnn`: batch norms and the LDA transform are folded into neighbouring matrices.

A batch norm after a ReLU is x -> s x + o with s > 0. The scale s is multiplied into the matrix before the ReLU:
s relu(y) = relu(s y). The offset o is constant over time, so each layer passes on its output without the offset, and
the next layer's bias accounts for it. Besides the matrix products, only a ReLU and the bypass remain, both in place.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ser.errors import SerError
from ser.models.asr_tdnn import AsrTdnn


class _Layer(NamedTuple):
    """A factored layer: `linear` by frame, parts of (C, N); `affine` (parts x N, C'), transposed; `bias` (C',)."""

    linear: tuple[Tensor, ...]
    affine: Tensor
    bias: Tensor
    offset: Tensor  # (C',) the offset that is left out of the layer's output


class FoldedTdnn(nn.Module):
    """Computes the nodes of `net`, an `AsrTdnn` in eval mode, faster; the results differ only by rounding.

    Its interface is `ser.models.node_outputs.SharingNet`.
    """

    modulus = 1
    weight: Tensor
    ivector_weight: Tensor
    bias: Tensor
    offset: Tensor

    @torch.no_grad()
    def __init__(self, net: AsrTdnn) -> None:
        super().__init__()
        self.net = net.eval()
        self.feature_dim, self.ivector_dim = net.feature_dim, net.ivector_dim
        scale, offset = _scale_offset(net.tdnn1.batchnorm)
        # tdnn1 after the LDA transform, as one affine map, with the scale of its batch norm.
        weight = scale[:, None] * net.tdnn1.affine.weight.double() @ net.lda.weight.double()
        bias = scale * (net.tdnn1.affine.weight.double() @ net.lda.bias.double() + net.tdnn1.affine.bias.double())
        spliced = 3 * self.feature_dim
        for name, part in (("weight", weight[:, :spliced]), ("ivector_weight", weight[:, spliced:])):
            self.register_buffer(name, part.float().T.contiguous(), persistent=False)
        self.register_buffer("bias", bias.float(), persistent=False)
        self.register_buffer("offset", offset.float(), persistent=False)
        self._layers: list[_Layer] = []
        carried = offset  # the offset that the previous layer left out
        for name in net.layers:
            layer = net.factored(name)
            parts = 2 if layer.stride else 1
            scale, offset = _scale_offset(layer.batchnorm)
            linear, affine = layer.linear.weight.double(), layer.affine.weight.double()
            constant = linear @ carried.repeat(parts)  # (bottleneck,) what that offset would add here
            bias = scale * (affine @ constant.repeat(parts) + layer.affine.bias.double())
            carried = offset + net.config.bypass_scale * carried
            self._layers.append(
                _Layer(
                    tuple(part.T.contiguous() for part in linear.float().chunk(parts, dim=1)),
                    (scale[:, None] * affine).float().T.contiguous(),
                    bias.float(),
                    carried.float(),
                )
            )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "FoldedTdnn":
        # Moves the layers' tensors with the module; they are in tuples, which PyTorch does not search.
        super()._apply(fn, recurse)
        self._layers = [
            _Layer(tuple(map(fn, layer.linear)), fn(layer.affine), fn(layer.bias), fn(layer.offset))
            for layer in self._layers
        ]
        return self

    @property
    def node_names(self) -> list[str]:
        """The nodes that can be asked for."""
        return self.net.node_names

    def check_node(self, node: str) -> None:
        """Raise a `SerError` that lists the nodes unless `node` is one."""
        self.net.check_node(node)

    def width(self, node: str) -> int:
        """Dimension of a node's output."""
        return self.net.width(node)

    def context(self, node: str) -> tuple[int, int]:
        """Numbers of frames before and after t on which `node` at t depends."""
        return self.net.context(node)

    @torch.inference_mode()
    def compute(self, features: Tensor, ivectors: Tensor | None, node: str, step: int = 1) -> Tensor:
        """Compute a node: see `ser.models.nnet3_graph.Nnet3Graph.compute`, whose arguments these are."""
        first = self.first_layer(features, node)
        if first is None:
            return self.net.compute(features, ivectors, node, step)
        return self.compute_rest(first, ivectors, node, step)

    @torch.inference_mode()
    def first_layer(self, features: Tensor, node: str) -> Tensor | None:
        """Map features (T, ..., F) to their part of the first layer, (T - 2, ..., C): see `SharingNet`."""
        if node == "lda":
            return None
        joined = torch.cat([features[:-2], features[1:-1], features[2:]], dim=-1)
        rows = torch.addmm(self.bias, joined.view(-1, joined.shape[-1]), self.weight)
        return rows.view(*joined.shape[:-1], -1)

    @torch.inference_mode()
    def compute_rest(self, first: Tensor, ivectors: Tensor | None, node: str, step: int = 1) -> Tensor:
        """Compute a node from `first_layer`, (T, B, C), which is overwritten, and the i-vectors (B, S)."""
        depth = self.net.depth(node)
        dense = self.net.dense_layers(depth, step)
        x = first[::step].contiguous() if dense == 0 else first
        if self.ivector_dim:
            if ivectors is None or ivectors.shape[-1] != self.ivector_dim:
                raise SerError(f"asr tdnn: expected i-vectors of dimension {self.ivector_dim}")
            x.add_(ivectors @ self.ivector_weight)
        x.relu_()
        offset = self.offset
        for number, layer in enumerate(self._layers[:depth], start=1):
            every, unit = (step if number == dense else 1), (1 if number <= dense else step)
            stride = self.net.config.strides[number - 1] // unit
            x = self._run(layer, x, stride, every)
            offset = layer.offset
        return self.net.finish(x + offset, node)

    def _run(self, layer: _Layer, x: Tensor, stride: int, every: int) -> Tensor:
        count = len(x) - 2 * stride
        bypass = x[stride : stride + count : every]
        if not stride:
            narrow = [_product(layer.linear, [bypass])]
        elif every == 1:
            whole = _product(layer.linear, [x[:-stride], x[stride:]])
            narrow = [whole[:-stride], whole[stride:]]
        else:
            before, at, after = (x[start : start + count : every].contiguous() for start in (0, stride, 2 * stride))
            narrow = [_product(layer.linear, [before, at]), _product(layer.linear, [at, after])]
        # Joining the narrow halves costs less than a second product that is added to the wide output.
        joined = narrow[0] if len(narrow) == 1 else torch.cat(narrow, dim=2)
        y = torch.addmm(layer.bias, joined.view(-1, joined.shape[2]), layer.affine).view(*joined.shape[:2], -1)
        return y.relu_().add_(bypass, alpha=self.net.config.bypass_scale)


def _product(matrices: tuple[Tensor, ...], parts: list[Tensor]) -> Tensor:
    """Sum the products of each part (T, B, C) with its matrix (C, C'): (T, B, C')."""
    frames, batch = parts[0].shape[:2]
    rows = [part.reshape(frames * batch, -1) for part in parts]
    out = rows[0] @ matrices[0]
    for row, matrix in zip(rows[1:], matrices[1:], strict=True):
        out.addmm_(row, matrix)
    return out.view(frames, batch, -1)


def _scale_offset(batchnorm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    statistics = batchnorm.state_dict()
    scale = (statistics["running_var"].double() + batchnorm.eps).rsqrt()
    return scale, -statistics["running_mean"].double() * scale
