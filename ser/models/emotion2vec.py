"""emotion2vec, a speech encoder that was pretrained on emotional speech without labels; for inference only.

Ma et al., "emotion2vec: self-supervised pre-training for speech emotion representation", Findings of ACL 2024, section
3; the net is that of data2vec 2.0 (Baevski et al., ICML 2023, section 3). Seven convolutions map samples to 50 frames a
second. Convolutions over time encode the positions. Then come transformers of 4 and of 8 blocks, whose attention has a
bias against distant frames (Press et al., "Train short, test long", ICLR 2022). Learnt tokens are put before the frames
and dropped at the end.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.errors import SerError

FINAL = "final"


@dataclass(frozen=True)
class Emotion2vecConfig:
    """The section `model:` of an imported net's folder; the values of the published base model are in brackets."""

    kernels: tuple[int, ...]  # sizes of the convolutions over samples [10 3 3 3 3 2 2]
    strides: tuple[int, ...]  # [5 2 2 2 2 2 2]
    channels: int  # [512]
    dim: int  # of a frame's state [768]
    heads: int  # [12]
    hidden: int  # inside a block's two linear layers [3072]
    first_blocks: int  # [4]
    blocks: int  # [8]
    extra_tokens: int  # [10]
    position_layers: int  # convolutions over frames [5]
    position_kernel: int  # odd [19]
    position_groups: int  # [16]


class SampleConvolution(nn.Module):
    """A convolution without bias, layer norm over the channels, GELU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride, bias=False)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, N) to (B, C', 1 + (N - kernel) // stride)."""
        return functional.gelu(self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2))


class AlibiBlock(nn.Module):
    """A transformer block with layer norms after the sums, and an attention bias by distance."""

    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map (B, T, D) to (B, T, D); `bias` (H, T, T) is added to the scores of each head."""
        batch, frames, dim = x.shape
        parts = self.qkv(x).view(batch, frames, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)  # (B, H, T, D / H)
        x = self.norm1(x + self.proj(attended.transpose(1, 2).reshape(batch, frames, dim)))
        return self.norm2(x + self.fc2(functional.gelu(self.fc1(x))))


class Emotion2vec(nn.Module):
    """Convolutions over samples, over frames, and blocks.

    Raises
    ------
    SerError
        If a size does not fit the others.
    """

    def __init__(self, config: Emotion2vecConfig) -> None:
        super().__init__()
        if len(config.kernels) != len(config.strides) or config.dim % config.heads or not config.position_kernel % 2:
            raise SerError(f"emotion2vec: sizes that do not fit each other: {config}; import the net again")
        self.config = config
        channels = [1, *[config.channels] * len(config.kernels)]
        self.convolutions = nn.Sequential(
            *(
                SampleConvolution(channels[index], channels[index + 1], kernel, stride)
                for index, (kernel, stride) in enumerate(zip(config.kernels, config.strides, strict=True))
            )
        )
        self.project_norm = nn.LayerNorm(config.channels)
        self.project = nn.Linear(config.channels, config.dim)
        self.positions = nn.ModuleList(
            nn.Conv1d(
                config.dim, config.dim, config.position_kernel,
                padding=config.position_kernel // 2, groups=config.position_groups,
            )
            for _ in range(config.position_layers)
        )  # fmt: skip
        self.norm = nn.LayerNorm(config.dim)
        self.extra_tokens = nn.Parameter(torch.zeros(1, config.extra_tokens, config.dim))
        self.alibi_scale = nn.Parameter(torch.ones(config.heads, 1, 1))
        self.blocks = nn.ModuleList(
            AlibiBlock(config.dim, config.heads, config.hidden) for _ in range(config.first_blocks + config.blocks)
        )

    @classmethod
    def from_weights(cls, config: Emotion2vecConfig, weights: Mapping[str, Tensor]) -> "Emotion2vec":
        """Build the net that `weights` (of `state_dict`) belong to, in eval mode."""
        model = cls(config)
        model.load_state_dict(weights)
        return model.eval()

    @property
    def layers(self) -> list[str]:
        """Names of the layers of `states`: ``0`` (the input of the first block) to the number of blocks, ``final``."""
        return [*map(str, range(len(self.blocks) + 1)), FINAL]

    @property
    def receptive_field(self) -> int:
        """Samples that one frame needs: 400 in the published model."""
        field, hop = 1, 1
        for kernel, stride in zip(self.config.kernels, self.config.strides, strict=True):
            field, hop = field + (kernel - 1) * hop, hop * stride
        return field

    def forward(self, samples: Tensor) -> Tensor:
        """Map samples (B, N) to the last states (B, T, D)."""
        return self.states(samples, [FINAL])[FINAL]

    def states(self, samples: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Compute the states of the frames at each of `layers`.

        Parameters
        ----------
        samples : (B, N) at 16 kHz, all of the same length; each row is normalised to mean 0 and variance 1.
        layers : of `self.layers`.

        Returns
        -------
        dict[str, Tensor]
            Layer -> (B, T, D), T = 1 + (N - 400) // 320; ``final`` is the last block's.
        """
        wanted = list(layers)
        for name in wanted:
            if name not in self.layers:
                raise SerError(f"emotion2vec: no layer '{name}'; there are {', '.join(self.layers)}")
        x = functional.layer_norm(samples, samples.shape[1:]).unsqueeze(1)  # (B, 1, N)
        x = self.project(self.project_norm(self.convolutions(x).transpose(1, 2)))  # (B, T, D)
        places = x.transpose(1, 2)
        for convolution in self.positions:
            normed = functional.layer_norm(convolution(places).transpose(1, 2), x.shape[2:])
            places = functional.gelu(normed).transpose(1, 2)
        x = x + places.transpose(1, 2)
        extra = self.config.extra_tokens
        bias = distance_bias(self.config.heads, x.shape[1]).to(x) * self.alibi_scale.clamp(min=0)
        bias = functional.pad(bias, (extra, 0, extra, 0))  # the learnt tokens have no bias
        x = self.norm(torch.cat([self.extra_tokens.expand(len(x), -1, -1), x], dim=1))
        outputs = {"0": x}
        for number, block in enumerate(self.blocks, start=1):
            x = block(x, bias)
            outputs[str(number)] = x
        outputs[FINAL] = x
        return {name: outputs[name][:, extra:] for name in wanted}


def distance_bias(heads: int, frames: int) -> Tensor:
    """Return the attention bias (H, T, T): minus a slope for each head times the distance of two frames.

    The slopes of H = 2^n heads are a geometric series from 2^(-8/H). For other H they are those of the power of 2
    below, then every second slope of the power of 2 above (Press et al., appendix A).

    >>> distance_bias(8, 3)[0, 0].tolist()
    [-0.0, -0.5, -1.0]
    """

    def series(count: int) -> list[float]:
        return [2.0 ** (-8.0 * (index + 1) / count) for index in range(count)]

    power = 2 ** int(math.log2(heads))
    slopes = torch.tensor(series(power) + series(2 * power)[0::2][: heads - power])
    places = torch.arange(frames)
    return -slopes[:, None, None] * (places[:, None] - places).abs()
