"""Late fusion: the sum of a linear layer of each model's class probabilities; and a linear layer on embeddings.

Zhou et al., "A multi-modal approach to speech emotion recognition", section 5.3 and figure 2.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class LateFusion(nn.Module):
    """The sum of a linear layer of each model's class probabilities; its softmax gives the fused probabilities.

    Each layer is initialised as the identity, so that before training the models have equal weight.

    Parameters
    ----------
    inputs : name of each model -> its number of class probabilities.
    num_classes : K.
    """

    def __init__(self, inputs: Mapping[str, int], num_classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({name: nn.Linear(width, num_classes) for name, width in inputs.items()})
        for layer in self.layers.values():
            torch.nn.init.eye_(layer.get_parameter("weight"))
            torch.nn.init.zeros_(layer.get_parameter("bias"))

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map probabilities (B, U, K) of each model to logits (N, K) of the N utterances in `mask` (B, U)."""
        mask = inputs["mask"]
        return sum(layer(inputs[name][mask]) for name, layer in self.layers.items())


class LinearProbe(nn.Module):
    """A linear layer on embeddings of frozen encoders, normalised by the mean and variance of the training set.

    Parameters
    ----------
    inputs : name of each modality -> dimension of its embeddings.
    num_classes : K.
    """

    def __init__(self, inputs: Mapping[str, int], num_classes: int) -> None:
        super().__init__()
        # Batch norm's running mean and variance come to be those of the training set; it has no other parameters.
        norms = {name: nn.BatchNorm1d(width, affine=False) for name, width in inputs.items()}
        self.norms = nn.ModuleDict(norms)
        self.layers = nn.ModuleDict({name: nn.Linear(width, num_classes) for name, width in inputs.items()})

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map embeddings (B, U, D) of each modality to logits (N, K) of the N utterances in `mask` (B, U)."""
        mask = inputs["mask"]
        return sum(layer(self.norms[name](inputs[name][mask])) for name, layer in self.layers.items())
