"""Weighted sum of the layers of an encoder, with learnt weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class LayerSum(nn.Module):
    """The sum of the states of L layers, weighted by a softmax; the weights are equal before training.

    Yang et al., "SUPERB: speech processing universal performance benchmark", Interspeech 2021, section 3.

    Parameters
    ----------
    num_layers : L.
    normalised : whether each state is first normalised to mean 0 and variance 1 over its D dimensions.
    """

    def __init__(self, num_layers: int, normalised: bool) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(num_layers))
        self.normalised = normalised

    def weights(self) -> Tensor:
        """Return the weights (L,), which sum to 1."""
        return self.logits.softmax(dim=0)

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """Sum L states of one shape (..., D)."""
        stacked = torch.stack(list(states))  # (L, ..., D)
        if self.normalised:
            stacked = functional.layer_norm(stacked, stacked.shape[-1:])
        return torch.einsum("l,l...->...", self.weights(), stacked)
