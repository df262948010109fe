"""The x-vector network (Snyder et al., ICASSP 2018, table 1), with the layers of Kaldi's voxceleb/v2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ser.errors import SerError
from ser.models.pooling import AttentivePooling, mean_stddev
from ser.models.tdnn import Layer, frame_layer, segment_layer

# Offsets in frames at which tdnn1 to tdnn5 see the layer before.
CONTEXTS = ((-2, -1, 0, 1, 2), (-2, 0, 2), (-3, 0, 3), (0,), (0,))
# Input frames minus pooled frames.
CONTEXT_FRAMES = sum(context[-1] - context[0] for context in CONTEXTS)


@dataclass(frozen=True)
class XVectorConfig:
    """The section `model:` of a training configuration."""

    frame_dims: tuple[int, ...]  # widths of tdnn1 to tdnn5
    segment_dims: tuple[int, ...]  # widths of tdnn6, tdnn7 and of any further layers tdnn8, tdnn9 ...
    attention_dim: int = 0  # hidden width of attentive statistics pooling; 0: all frames weigh alike, as in Kaldi

    def __post_init__(self) -> None:
        if self.attention_dim < 0:
            raise SerError(f"model: attention_dim is 0 (no attention) or more; found {self.attention_dim}")


class XVector(nn.Module):
    """Frame layers tdnn1 to tdnn5, mean and standard deviation over time, segment layers from tdnn6 on, output.

    Parameters
    ----------
    config : widths.
    feature_dim : features per frame.
    num_classes : width of the output.
    """

    def __init__(self, config: XVectorConfig, feature_dim: int, num_classes: int) -> None:
        super().__init__()
        if len(config.frame_dims) != len(CONTEXTS) or not config.segment_dims:
            raise SerError(
                f"model: expected {len(CONTEXTS)} frame_dims (tdnn1 to tdnn5) and at least one of segment_dims (tdnn6);"
                f" found {list(config.frame_dims)} and {list(config.segment_dims)}"
            )
        self.frame_layers: list[str] = []
        self.segment_layers: list[str] = []
        width = feature_dim
        for outputs, context in zip(config.frame_dims, CONTEXTS, strict=True):
            width = self._add(self.frame_layers, frame_layer(width, outputs, context), outputs)
        self.attention = AttentivePooling(width, config.attention_dim) if config.attention_dim else None
        width *= 2  # mean and standard deviation
        for outputs in config.segment_dims:
            width = self._add(self.segment_layers, segment_layer(width, outputs), outputs)
        self.output = nn.Sequential()
        self.output.add_module("affine", nn.Linear(width, num_classes))

    def _add(self, names: list[str], layer: nn.Module, width: int) -> int:
        name = f"tdnn{len(self.frame_layers) + len(self.segment_layers) + 1}"
        self.add_module(name, layer)
        names.append(name)
        return width

    @classmethod
    def from_weights(cls, config: XVectorConfig, weights: Mapping[str, Tensor]) -> "XVector":
        """Build the network that `weights` (of `state_dict`) belong to, in eval mode."""
        model = cls(config, weights["tdnn1.affine.weight"].shape[1], weights["output.affine.weight"].shape[0])
        model.load_state_dict(weights)
        return model.eval()

    @property
    def feature_dim(self) -> int:
        """Feature dimension."""
        return cast(nn.Conv1d, self.get_submodule("tdnn1.affine")).in_channels

    def check_layers(self, layers: Sequence[str]) -> None:
        """Raise a `SerError` unless `layers` are segment-level layers of this network, at least one."""
        names = [*self.segment_layers, "output"]
        for name in layers or [""]:
            if name not in names:
                raise SerError(f"x-vector: no segment-level layer '{name}'; there are {', '.join(names)}")

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, T, F) to logits (B, K)."""
        return self.embed(features, ["output"])["output"]

    def embed(self, features: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Compute the outputs of the affine maps, before the ReLU, of the segment-level `layers`.

        Parameters
        ----------
        features : (B, T, F) with T > `CONTEXT_FRAMES`; T - `CONTEXT_FRAMES` frames are pooled.
        layers : of `segment_layers` and ``output``.

        Returns
        -------
        dict[str, Tensor]
            Layer -> (B, D).

        Raises
        ------
        SerError
            For an unknown layer, another number of features, or too few frames.
        """
        self.check_layers(layers)
        if features.shape[2] != self.feature_dim or features.shape[1] <= CONTEXT_FRAMES:
            raise SerError(
                f"x-vector: expected over {CONTEXT_FRAMES} frames of {self.feature_dim} features;"
                f" found {features.shape[1]} of {features.shape[2]}"
            )
        x = features.transpose(1, 2)  # (B, F, T)
        for name in self.frame_layers:
            x = self.get_submodule(name)(x)  # (B, C, T')
        x = mean_stddev(x) if self.attention is None else self.attention(x)  # (B, 2 C)
        outputs = {}
        names = [*self.segment_layers, "output"]
        for name in names[: 1 + max(map(names.index, layers))]:
            layer = cast(Layer, self.get_submodule(name))
            outputs[name] = layer.affine(x)
            if name != "output":
                x = layer.activate(outputs[name])
        return {name: outputs[name] for name in layers}


@torch.inference_mode()
def embed_utterance(
    model: XVector, features: np.ndarray, layers: Sequence[str], min_frames: int = 25, max_frames: int = 10_000
) -> dict[str, np.ndarray]:
    """Compute the embeddings of one utterance as Kaldi's nnet3-xvector-compute does.

    Parameters
    ----------
    model : in eval mode, on any device.
    features : (T, F) float32.
    layers : segment-level layers, see `XVector.embed`.
    min_frames : shorter pieces are padded to this length by repeating the first and the last frame equally often.
    max_frames : longer utterances are cut into pieces of this length; embeddings are averaged, weighted by length.

    Returns
    -------
    dict[str, np.ndarray]
        Layer -> (D,) float32.

    Raises
    ------
    SerError
        If there is no frame, or `XVector.embed` raises it.
    """
    if not len(features):
        raise SerError("x-vector: an utterance without frames has no embedding")
    device = next(model.parameters()).device
    sums: dict[str, Tensor | float] = dict.fromkeys(layers, 0.0)
    for start in range(0, len(features), max_frames):
        piece = features[start : start + max_frames]
        frames = len(piece)
        missing = max(min_frames - frames, 0)
        if missing:
            piece = np.pad(piece, ((missing // 2, missing - missing // 2), (0, 0)), mode="edge")
        batch = torch.from_numpy(np.ascontiguousarray(piece, dtype=np.float32)).unsqueeze(0).to(device)
        for name, vector in model.embed(batch, layers).items():
            sums[name] = sums[name] + frames * vector[0]
    return {name: (torch.as_tensor(total) / len(features)).cpu().numpy() for name, total in sums.items()}
