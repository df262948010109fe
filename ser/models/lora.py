"""LoRA: low-rank adaptation of linear layers, whose own weights stay fixed.

Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022, section 4.1: W x + (alpha / r) B A x. A (r
by inputs) is initialised at random and B (outputs by r) at zero, so that training starts from the original layer.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LoraLinear(nn.Module):
    """A fixed linear layer plus a trained low-rank update."""

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
        """Add the update to the weights and return the plain linear layer."""
        with torch.no_grad():
            self.linear.weight += self.scale * (self.up @ self.down)
        return self.linear


def add_lora(blocks: Sequence[nn.Module], rank: int, alpha: float) -> int:
    """Replace both linear layers of the feed-forward part of each block by `LoraLinear`; return how many.

    They are recognised by their shape: their numbers of inputs and outputs differ, where attention's are equal.
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
    """Replace every `LoraLinear` of the model by its merged linear layer."""
    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLinear):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.merged())
