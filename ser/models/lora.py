"""Low-rank changes to linear layers, whose own weights stay as they are.

Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022, section 4.1: W x + (alpha / r) B A x, where
A (r by inputs) begins at random and B (outputs by r) at zero, so that training begins with the layer as it was.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LoraLinear(nn.Module):
    """A linear layer with a low-rank change beside it."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.down = nn.Parameter(torch.empty(rank, linear.in_features))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))
        self.scale = alpha / rank
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        return self.linear(x) + self.scale * ((x @ self.down.T) @ self.up.T)

    def merged(self) -> nn.Linear:
        """Give one linear layer that does the same."""
        with torch.no_grad():
            self.linear.weight += self.scale * (self.up @ self.down)
        return self.linear


def add_lora(blocks: Sequence[nn.Module], rank: int, alpha: float) -> int:
    """Put a change of `rank` beside both linear layers of the feed-forward part of each of `blocks`; count them.

    These are the layers whose inputs and outputs differ in number; attention's are square.
    """
    count = 0
    for block in blocks:
        for name, module in list(block.named_modules()):
            if isinstance(module, nn.Linear) and module.in_features != module.out_features:
                parent, _, child = name.rpartition(".")
                setattr(block.get_submodule(parent), child, LoraLinear(module, rank, alpha))
                count += 1
    return count


def merge_lora(model: nn.Module) -> None:
    """Add every change to the layer that it is beside, and leave the plain layers."""
    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLinear):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.merged())
