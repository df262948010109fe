"""Which layers of an encoder count, learnt: a weighted sum of their states."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class LayerSum(nn.Module):
    """The sum of L layers' states by softmax weights, equal at first.

    Yang et al., "SUPERB: speech processing universal performance benchmark", Interspeech 2021, section 3.

    Parameters
    ----------
    num_layers : L.
    normalised : whether each state is brought to mean 0 and variance 1 over its D numbers before.
    """

    def __init__(self, num_layers: int, normalised: bool) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(num_layers))
        self.normalised = normalised

    def weights(self) -> Tensor:
        """Give the weights (L,), which sum to 1."""
        return self.logits.softmax(dim=0)

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """Sum L states of one shape (..., D)."""
        stacked = torch.stack(list(states))  # (L, ..., D)
        if self.normalised:
            stacked = functional.layer_norm(stacked, stacked.shape[-1:])
        return torch.einsum("l,l...->...", self.weights(), stacked)
