"""Alternating co-attention of speech and text: attention over each modality is guided by the result of the other.

J. Deng, C. Leung, "Towards learning a joint representation from transformer in multimodal emotion recognition", Brain
Informatics 2021, after J. Lu, J. Yang, D. Batra, D. Parikh, "Hierarchical question-image co-attention for visual
question answering", NeurIPS 2016, equation 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ser.errors import SerError

MODALITIES = ("speech", "text")


@dataclass(frozen=True)
class CoAttentionConfig:
    """The section `model:` of a training configuration.

    Attributes
    ----------
    dim : d, to which each modality's states are projected.
    hidden : k, of the attention.
    order : modalities in the order of the attention steps; the first has no guide, each other is guided by the result
        of the step before. Deng and Leung: text, speech, text. The last result of each modality is used.
    layers, heads, inner : sizes of the transformer encoder (self-attention) over each modality's states before the
        co-attention; with 0 layers the network is that of the paper's equations.
    dropout : probability, in that encoder and on the fused vector.
    """

    dim: int
    hidden: int
    order: tuple[Literal["speech", "text"], ...]
    layers: int
    heads: int
    inner: int
    dropout: float


class Attention(nn.Module):
    """Guided attention A(X; g): the weighted sum of the rows of X, with weights that depend on X and the guide g.

    H = tanh(W_x X + (W_g g) 1^T), a = softmax(w^T H), x = sum of a_i x_i.

    Parameters
    ----------
    dim : d, of the rows and of the guide.
    hidden : k.
    is_guided : whether there is a guide; without one g is 0.
    """

    def __init__(self, dim: int, hidden: int, is_guided: bool) -> None:
        super().__init__()
        self.rows = nn.Linear(dim, hidden, bias=False)
        self.guide = nn.Linear(dim, hidden, bias=False) if is_guided else None
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, rows: Tensor, mask: Tensor, guide: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Sum up the rows.

        Parameters
        ----------
        rows : (B, N, d).
        mask : (B, N) bool, true for the rows that are used; at least one for each utterance.
        guide : (B, d).

        Returns
        -------
        tuple
            The sums (B, d), and the weights (B, N), which sum to 1.
        """
        agreement = self.rows(rows)  # (B, N, k)
        if self.guide is not None:
            agreement = agreement + self.guide(guide)[:, None]
        scores = self.score(torch.tanh(agreement))[..., 0].masked_fill(~mask, -torch.inf)
        weights = scores.softmax(1)
        return (weights[..., None] * rows).sum(1), weights


class Side(nn.Module):
    """The layers of one modality before the attention: normalisation, projection to d, transformer encoder.

    The normalisation is saved with the weights. An utterance without rows gets one learnt row, which carries no
    information on its emotion but still guides the other modality.

    Parameters
    ----------
    mean, stddev : (D,) of the rows over the training set.
    config : see `CoAttentionConfig`.
    """

    mean: Tensor
    stddev: Tensor

    def __init__(self, mean: Tensor, stddev: Tensor, config: CoAttentionConfig) -> None:
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("stddev", stddev.float().clamp(min=1e-5))
        self.projection = nn.Linear(len(mean), config.dim)
        self.nothing = nn.Parameter(torch.zeros(config.dim))
        self.encoder = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.dim, config.heads, config.inner, config.dropout, batch_first=True, norm_first=True
            )
            for _ in range(config.layers)
        )

    def forward(self, rows: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Map rows (B, N, D), N > 0, with their `mask` (B, N) to (B, N, d) and a mask with a row for each utterance."""
        states = self.projection((rows - self.mean) / self.stddev)
        is_empty = ~mask.any(1, keepdim=True)  # (B, 1)
        is_first = torch.arange(mask.shape[1], device=mask.device) == 0
        stands_in = is_empty & is_first
        states = torch.where(stands_in[..., None], self.nothing, states)
        mask = mask | stands_in
        for layer in self.encoder:
            states = layer(states, src_key_padding_mask=~mask)
        return states, mask


class CoAttention(nn.Module):
    """Alternating co-attention, then z = LayerNorm(W_x x + W_y y), dropout and a linear layer.

    With one modality it is unguided attention and z = LayerNorm(W_x x).

    Parameters
    ----------
    config : see `CoAttentionConfig`.
    statistics : for each modality, the mean and standard deviation (D,) of its rows.
    num_classes : K.

    Raises
    ------
    SerError
        If the order lacks a modality or one follows itself, or the sizes don't fit each other.
    """

    def __init__(
        self, config: CoAttentionConfig, statistics: Mapping[str, tuple[Tensor, Tensor]], num_classes: int
    ) -> None:
        super().__init__()
        if config.layers and config.dim % config.heads:
            raise SerError(f"model: dim {config.dim} is no multiple of heads {config.heads}; change one of them")
        modalities = [name for name in MODALITIES if name in statistics]
        self.order = config.order if len(modalities) > 1 else tuple(modalities)
        if set(self.order) != set(modalities) or any(
            one == other for one, other in zip(self.order, self.order[1:], strict=False)
        ):
            raise SerError(
                f"model: order {' '.join(config.order)}: expected {' and '.join(modalities)} in turn, such as text "
                "speech text"
            )
        self.sides = nn.ModuleDict({name: Side(*statistics[name], config) for name in modalities})
        self.steps = nn.ModuleList(
            Attention(config.dim, config.hidden, is_guided=number > 0) for number in range(len(self.order))
        )
        self.fusion = nn.ModuleDict({name: nn.Linear(config.dim, config.dim, bias=False) for name in modalities})
        self.norm = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.dim, num_classes)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map a batch to logits (B, K).

        The keys of each modality are ``<name>`` (B, N, D) float32 and ``<name>_mask`` (B, N) bool; others are ignored.
        """
        return self.output(self.dropout(self.embed(inputs)))

    def embed(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map a batch to the fused vectors z (B, d)."""
        attended, _ = self._attend(inputs)
        return self.norm(sum(layer(attended[name]) for name, layer in self.fusion.items()))

    def weights(self, inputs: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
        """Return, for each attention step, the modality and the weights (B, N) of its rows."""
        return self._attend(inputs)[1]

    def _attend(self, inputs: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[tuple[str, Tensor]]]:
        states = {name: side(inputs[name], inputs[f"{name}_mask"]) for name, side in self.sides.items()}
        guide, attended, weights = None, {}, []
        for name, step in zip(self.order, self.steps, strict=True):
            guide, weight = step(*states[name], guide)
            attended[name] = guide
            weights.append((name, weight))
        return attended, weights
