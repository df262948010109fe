"""Late fusion: what two models say of the classes, each through a linear layer, summed.

Zhou et al., "A multi-modal approach to speech emotion recognition", section 5.3 and figure 2.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class LateFusion(nn.Module):
    """The sum of a linear layer of each model's class probabilities; its softmax gives the fused ones.

    Each layer begins as the identity: before training the models count alike, and a class that both favour wins.

    Parameters
    ----------
    inputs : name of each model.
    num_classes : K.
    """

    def __init__(self, inputs: Mapping[str, int], num_classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({name: nn.Linear(width, num_classes) for name, width in inputs.items()})
        for layer in self.layers.values():
            torch.nn.init.eye_(layer.get_parameter("weight"))
            torch.nn.init.zeros_(layer.get_parameter("bias"))

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map probabilities (B, U, K) of each model, of the utterances in `mask` (B, U), to logits (N, K)."""
        mask = inputs["mask"]
        return sum(layer(inputs[name][mask]) for name, layer in self.layers.items())
