"""Conversion of an imported Kaldi TDNN-F to an `AsrTdnn`, which is faster, if its wiring is that of the recipe."""

import torch
from torch import Tensor, nn

from ser.kaldi.nnet3_nodes import parse_descriptor
from ser.models.asr_tdnn import AsrTdnn, AsrTdnnConfig
from ser.models.asr_tdnn_folded import FoldedTdnn
from ser.models.factored import FixedAffine
from ser.models.nnet3_components import Affine, Elementwise
from ser.models.nnet3_graph import INPUT, IVECTOR, Nnet3Graph


class MappedGraph(nn.Module):
    """An imported network: `fast` computes the nodes that it has, `graph` the others. A `SharingNet`."""

    def __init__(self, graph: Nnet3Graph, fast: FoldedTdnn) -> None:
        super().__init__()
        self.graph, self.fast = graph, fast
        self.feature_dim, self.ivector_dim, self.modulus = graph.feature_dim, graph.ivector_dim, graph.modulus
        self.node_names, self.check_node, self.width, self.context = (
            graph.node_names, graph.check_node, graph.width, graph.context
        )  # fmt: skip

    def compute(self, features: Tensor, ivectors: Tensor | None, node: str, step: int = 1) -> Tensor:
        """Compute a node: see `ser.models.nnet3_graph.Nnet3Graph.compute`, whose arguments these are."""
        name = self._fast_name(node)
        if name is None:
            return self.graph.compute(features, ivectors, node, step)
        return self.fast.compute(features, ivectors, name, step)

    def first_layer(self, features: Tensor, node: str) -> Tensor | None:
        """Return the part of the first layer that depends on features: see `ser.models.node_outputs.SharingNet`."""
        name = self._fast_name(node)
        return None if name is None else self.fast.first_layer(features, name)

    def compute_rest(self, first: Tensor, ivectors: Tensor | None, node: str, step: int = 1) -> Tensor:
        """Compute a node from the result of `first_layer`."""
        name = self._fast_name(node)
        if name is None:
            raise ValueError(f"{node} is not computed from the first layer")
        return self.fast.compute_rest(first, ivectors, name, step)

    def _fast_name(self, node: str) -> str | None:
        """Return the name that `fast` has for a node; None if it does not compute it."""
        name = "output" if node == "output.affine" else node
        name = "output-xent" if node == "output-xent.log-softmax" else name
        name = "tdnn1.dropout" if node == "tdnn1.batchnorm" else name
        return name if name in self.fast.node_names and name != "lda" else None


def faster(graph: Nnet3Graph) -> Nnet3Graph | MappedGraph:
    """Return the network in its faster form, or unchanged if its wiring is not that of the recipe."""
    try:
        net = to_asr_tdnn(graph)
    except _OtherWiring:
        return graph
    return MappedGraph(graph, FoldedTdnn(net))


class _OtherWiring(Exception):
    """The network does not have the wiring of the recipe."""


def to_asr_tdnn(graph: Nnet3Graph) -> AsrTdnn:
    """Convert a network of Kaldi's run_tdnn_1g, of any widths and strides, collapsed or not."""
    reader = _Reader(graph)
    spliced = f"Append(Offset({INPUT}, -1), {INPUT}, Offset({INPUT}, 1)"
    spliced += f", ReplaceIndex({IVECTOR}, t, 0))" if graph.ivector_dim else ")"
    lda = None
    if "lda" in graph.nodes:
        lda, spliced = reader.affine("lda", spliced), "lda"
    tdnn1 = reader.affine("tdnn1.affine", spliced)
    last, norm1 = reader.activation("tdnn1", "tdnn1.affine")
    layers, number = [], 2
    while f"tdnnf{number}.linear" in graph.nodes:
        name = f"tdnnf{number}"
        linear = reader.affine(f"{name}.linear", last, bias=False)
        affine = reader.affine(f"{name}.affine", f"{name}.linear")
        stride = -linear.times[0]
        wanted = ((-stride, 0), (0, stride)) if stride else ((0,), (0,))
        _require(stride >= 0 and (linear.times, affine.times) == wanted)
        inner, norm = reader.activation(name, f"{name}.affine")
        scale = reader.bypass(f"{name}.noop", last, inner)
        layers.append((stride, linear, affine, norm, scale))
        last, number = f"{name}.noop", number + 1
    _require(bool(layers) and len({scale for *_, scale in layers}) == 1)
    narrow = reader.affine("prefinal-l", last, bias=False)
    branches = {}
    for branch, output in (("chain", "output"), ("xent", "output-xent")):
        prefinal = f"prefinal-{branch}"
        if branch == "xent" and f"{prefinal}.affine" not in graph.nodes:
            continue  # collapsed nets may lack it
        wide = reader.affine(f"{prefinal}.affine", "prefinal-l")
        first = reader.activation(prefinal, f"{prefinal}.affine", "batchnorm1")[1]
        back = reader.affine(f"{prefinal}.linear", f"{prefinal}.batchnorm1", bias=False)
        second = reader.norm(f"{prefinal}.batchnorm2", f"{prefinal}.linear")
        final = reader.affine(f"{output}.affine", f"{prefinal}.batchnorm2")
        if branch == "xent":
            reader.module(f"{output}.log-softmax", f"{output}.affine", "LogSoftmaxComponent")
        branches[branch] = wide, first, back, second, final
    strides = tuple(stride for stride, *_ in layers)
    config = AsrTdnnConfig(tdnn1.outputs, layers[0][1].outputs, strides, layers[0][-1], narrow.outputs)
    net = AsrTdnn(config, graph.feature_dim, graph.ivector_dim, branches["chain"][-1].outputs)
    pairs: list[tuple[nn.Linear | FixedAffine, Affine]] = [(net.tdnn1.affine, tdnn1), (net.prefinal_l, narrow)]
    norms = [(net.tdnn1.batchnorm, norm1)]
    for layer, (_, linear, affine, norm, _) in zip(map(net.factored, net.layers), layers, strict=True):
        pairs += [(layer.linear, linear), (layer.affine, affine)]
        norms.append((layer.batchnorm, norm))
    for branch, (wide, first, back, second, final) in branches.items():
        own = net.prefinal_chain if branch == "chain" else net.prefinal_xent
        last_layer = net.output if branch == "chain" else net.output_xent
        pairs += [(own.affine, wide), (own.linear, back), (last_layer, final)]
        norms += [(own.batchnorm1, first), (own.batchnorm2, second)]
    if lda is not None:
        pairs.append((net.lda, lda))
    with torch.no_grad():
        for pair in pairs:
            _copy(*pair)
        for batchnorm, stored in norms:
            statistics, factors = batchnorm.state_dict(), stored.scale.double()
            _require(statistics["running_var"].shape == factors.shape)
            statistics["running_var"].copy_(1 / factors**2 - batchnorm.eps)
            statistics["running_mean"].copy_(-stored.offset.double() / factors)
    return net.eval()


def _copy(own: nn.Linear | FixedAffine, theirs: Affine) -> None:
    _require(own.weight.shape == theirs.linear.shape)
    own.weight.copy_(theirs.linear)
    if theirs.bias is not None:
        own.bias.copy_(theirs.bias)


def _require(holds: bool) -> None:
    if not holds:
        raise _OtherWiring


class _Reader:
    """Returns the modules of a network's nodes, and checks that each node reads the expected input."""

    def __init__(self, graph: Nnet3Graph) -> None:
        self.graph = graph

    def module(self, node: str, source: str, kind: str = "") -> Affine | Elementwise:
        """Return the module of a node, which must read `source`."""
        found = self.graph.nodes.get(node)
        if found is None or found.kind != "component" or found.source != parse_descriptor(source):
            raise _OtherWiring
        module = self.graph.component(node)
        _require(not kind or getattr(module, "kind", "") == kind)
        return module

    def affine(self, node: str, source: str, bias: bool = True) -> Affine:
        """Return an affine component."""
        module = self.module(node, source)
        if not isinstance(module, Affine) or (module.bias is not None) != bias:
            raise _OtherWiring
        return module

    def norm(self, node: str, source: str) -> Elementwise:
        """Return a batch norm."""
        module = self.module(node, source, "BatchNormComponent")
        if not isinstance(module, Elementwise):
            raise _OtherWiring
        return module

    def activation(self, layer: str, source: str, norm: str = "batchnorm") -> tuple[str, Elementwise]:
        """Check ReLU, batch norm and optional dropout; return the name of the last of them, and the batch norm."""
        self.module(f"{layer}.relu", source, "RectifiedLinearComponent")
        module = self.norm(f"{layer}.{norm}", f"{layer}.relu")
        if f"{layer}.dropout" not in self.graph.nodes:
            return f"{layer}.{norm}", module
        dropout = self.module(f"{layer}.dropout", f"{layer}.{norm}")
        _require(isinstance(dropout, Elementwise) and dropout.is_identity)
        return f"{layer}.dropout", module

    def bypass(self, node: str, before: str, inner: str) -> float:
        """Check the sum of a layer and its scaled input; return the scale."""
        found = self.graph.nodes.get(node)
        if found is None or found.source is None or found.source.kind != "Sum":
            raise _OtherWiring
        scale = found.source.parts[0].number
        self.module(node, f"Sum(Scale({scale}, {before}), {inner})", "NoOpComponent")
        return scale
