"""The factored TDNN (TDNN-F) for speech recognition, with the layers of Kaldi's TED-LIUM recipe run_tdnn_1g.

Povey et al., "Semi-orthogonal low-rank matrix factorization for deep neural networks", Interspeech 2018. Inside, frames
are time first, (T, B, C), so that shifted frames are views. The output has every third frame. As in Kaldi, also in
training, layers above which all offsets are multiples of three are computed only at every third frame.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.errors import SerError
from ser.models.factored import FactoredLayer, FixedAffine, Prefinal, TimeDelayLayer, constrain, linear

SUBSAMPLING = 3  # frames of input for one of output


@dataclass(frozen=True)
class AsrTdnnConfig:
    """The section `model:` of the training configuration of a speech recogniser."""

    dim: int  # width of each layer
    bottleneck_dim: int  # width inside a factored layer
    strides: tuple[int, ...]  # offsets in frames at which the factored layers tdnnf2, tdnnf3 ... see t - s, t, t + s
    bypass_scale: float  # scale of a layer's input where it is added to the layer's output
    prefinal_dim: int  # width before the output layers


class AsrTdnn(nn.Module):
    """lda (fixed), tdnn1, factored layers tdnnf2 ..., prefinal-l, and two branches to the outputs: chain and xent.

    Parameters
    ----------
    config : sizes.
    feature_dim, ivector_dim : sizes of the input; `ivector_dim` is 0 for a net without i-vectors.
    num_pdfs : width of each output.
    """

    modulus = 1
    steps: Tensor

    def __init__(self, config: AsrTdnnConfig, feature_dim: int, ivector_dim: int, num_pdfs: int) -> None:
        super().__init__()
        _check(config)
        self.config = config
        self.feature_dim, self.ivector_dim, self.num_pdfs = feature_dim, ivector_dim, num_pdfs
        self.lda = FixedAffine(3 * feature_dim + ivector_dim)
        self.tdnn1 = TimeDelayLayer(3 * feature_dim + ivector_dim, config.dim)
        self.layers = []
        for number, stride in enumerate(config.strides, start=2):
            self.layers.append(f"tdnnf{number}")
            self.add_module(f"tdnnf{number}", FactoredLayer(config.dim, config.bottleneck_dim, stride))
        self.prefinal_l = linear(config.dim, config.prefinal_dim, bias=False)
        self.prefinal_chain = Prefinal(config.prefinal_dim, config.dim)
        self.prefinal_xent = Prefinal(config.prefinal_dim, config.dim)
        self.output = nn.Linear(config.prefinal_dim, num_pdfs)
        self.output_xent = nn.Linear(config.prefinal_dim, num_pdfs)
        for layer in (self.output, self.output_xent):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        # The step decides which matrices are constrained, in the same way in all processes of a training.
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("input_dims", torch.tensor([feature_dim, ivector_dim]))

    @classmethod
    def from_weights(cls, config: AsrTdnnConfig, weights: Mapping[str, Tensor]) -> "AsrTdnn":
        """Build the network that `weights` (of ``state_dict``) belong to, in eval mode."""
        try:
            feature_dim, ivector_dim = weights["input_dims"].tolist()
            net = cls(config, feature_dim, ivector_dim, len(weights["output.bias"]))
            net.load_state_dict(weights)
        except (KeyError, ValueError, RuntimeError) as error:
            message = " ".join(str(error).split())[:300]
            raise SerError(f"asr tdnn: the weights are not those of a net of these settings: {message}") from error
        return net.eval()

    @property
    def left_context(self) -> int:
        """Number of frames before t on which the output at t depends; it is the same after t."""
        return 1 + sum(self.config.strides)

    right_context = left_context

    @property
    def node_names(self) -> list[str]:
        """The nodes that can be asked for, by Kaldi's names; ``output-xent`` is after its log-softmax."""
        layers = [f"{layer}.noop" for layer in self.layers]
        chain = [f"prefinal-chain.{part}" for part in ("batchnorm1", "batchnorm2")]
        return ["lda", "tdnn1.dropout", *layers, "prefinal-l", *chain, "output", "output-xent"]

    def check_node(self, node: str) -> None:
        """Raise a `SerError` that lists the nodes unless `node` is one."""
        if node not in self.node_names:
            raise SerError(f"asr tdnn: no node '{node}'; there are {', '.join(self.node_names)}")

    def width(self, node: str) -> int:
        """Dimension of a node's output."""
        self.check_node(node)
        widths = {"lda": 3 * self.feature_dim + self.ivector_dim, "prefinal-l": self.config.prefinal_dim}
        widths |= {"prefinal-chain.batchnorm2": self.config.prefinal_dim}
        widths |= {"output": self.num_pdfs, "output-xent": self.num_pdfs}
        return widths.get(node, self.config.dim)

    def context(self, node: str) -> tuple[int, int]:
        """Numbers of frames before and after t on which `node` at t depends."""
        self.check_node(node)
        frames = 1 + sum(self.config.strides[: self.depth(node)])
        return frames, frames

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map features and i-vectors to the outputs.

        Parameters
        ----------
        inputs : ``features`` (B, left_context + T + right_context, F); ``ivectors`` (B, S), where the net takes them.

        Returns
        -------
        (B, ceil(T / 3), 2 P): the chain output, then the xent output before its log-softmax.
        """
        if self.training:
            self._constrain()
        x = self._run(inputs["features"].transpose(0, 1), inputs.get("ivectors"), SUBSAMPLING, len(self.layers))
        x = self.prefinal_l(x)
        outputs = [self.output(self.prefinal_chain(x)), self.output_xent(self.prefinal_xent(x))]
        return torch.cat(outputs, dim=2).transpose(0, 1)

    @torch.inference_mode()
    def compute(self, features: Tensor, ivectors: Tensor | None, node: str, step: int = 1) -> Tensor:
        """Compute a node: see `ser.models.nnet3_graph.Nnet3Graph.compute`, whose arguments these are."""
        self.check_node(node)
        x = self._run(features, ivectors, step, self.depth(node), node == "lda")
        return self.finish(x, node)

    def finish(self, x: Tensor, node: str) -> Tensor:
        """Compute a node of the output (T, B, C) of the last layer below it."""
        if node == "lda" or node.endswith((".noop", "tdnn1.dropout")):
            return x
        x = self.prefinal_l(x)
        if node == "prefinal-l":
            return x
        if node.endswith("batchnorm1"):
            return self.prefinal_chain.expand(x)
        if node == "output-xent":
            return functional.log_softmax(self.output_xent(self.prefinal_xent(x)), dim=2)
        x = self.prefinal_chain(x)
        return self.output(x) if node == "output" else x

    def depth(self, node: str) -> int:
        """Return the number of factored layers up to a node."""
        if node in ("lda", "tdnn1.dropout"):
            return 0
        return 1 + self.layers.index(node[: -len(".noop")]) if node.endswith(".noop") else len(self.layers)

    def dense_layers(self, depth: int, step: int) -> int:
        """Count the first layers (of `depth`) that are needed at all frames; strides above are multiples of `step`."""
        strides = self.config.strides[:depth]
        return next(n for n in range(depth + 1) if all(stride % step == 0 for stride in strides[n:]))

    def _run(self, features: Tensor, ivectors: Tensor | None, step: int, depth: int, lda_only: bool = False) -> Tensor:
        """Compute the first `depth` factored layers of (T, B, F), at every step-th frame: (T', B, C)."""
        strides = self.config.strides[:depth]
        dense = self.dense_layers(depth, step)
        if features.shape[2] != self.feature_dim or len(features) < 3 + 2 * sum(strides):
            raise SerError(
                f"asr tdnn: {len(features)} frames of {features.shape[2]} features; expected {self.feature_dim} a "
                f"frame, at least {3 + 2 * sum(strides)} frames"
            )
        joined = [features[:-2], features[1:-1], features[2:]]  # frames t - 1, t, t + 1
        if dense == 0:
            joined = [part[::step] for part in joined]
        if self.ivector_dim:
            if ivectors is None or ivectors.shape[-1] != self.ivector_dim:
                raise SerError(f"asr tdnn: expected i-vectors of dimension {self.ivector_dim}")
            joined.append(ivectors.expand(len(joined[0]), -1, -1))
        x = self.lda(torch.cat(joined, dim=2))
        if lda_only:
            return x
        x = self.tdnn1(x)
        for number, layer in enumerate(self.layers[:depth], start=1):
            # The last of the dense layers reads all frames, and is itself computed at every step-th frame.
            every, unit = (step if number == dense else 1), (1 if number <= dense else step)
            x = self.factored(layer)(x, self.config.bypass_scale, every, unit)
        return x

    def factored(self, layer: str) -> FactoredLayer:
        """Return a factored layer by its name."""
        found = self.get_submodule(layer)
        if not isinstance(found, FactoredLayer):
            raise TypeError(f"{layer} is not a factored layer")
        return found

    def orthonormal(self) -> Iterator[Tensor]:
        """Yield the matrices that are kept semi-orthogonal (Kaldi's orthonormal-constraint=-1)."""
        for layer in self.layers:
            yield self.factored(layer).linear.weight
        yield self.prefinal_l.weight
        yield self.prefinal_chain.linear.weight
        yield self.prefinal_xent.linear.weight

    def _constrain(self) -> None:
        # After a minibatch Kaldi constrains each matrix with probability 1/4; here a quarter of them take turns.
        for number, matrix in enumerate(self.orthonormal()):
            if matrix.requires_grad and (number + int(self.steps)) % 4 == 0:
                constrain(matrix)
        self.steps += 1


def _check(config: AsrTdnnConfig) -> None:
    if min(config.dim, config.bottleneck_dim, config.prefinal_dim) < 1 or min(config.strides, default=0) < 0:
        raise SerError(f"model: widths must be at least 1 and strides at least 0; found {config}")
    if not config.strides:
        raise SerError("model: strides is empty; give one for each factored layer, such as [1, 1, 1, 0, 3, 3]")
