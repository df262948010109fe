"""The co-attention with the net of speech in front of it, so that both are trained together."""

from typing import Any

from torch import Tensor, nn

from ser.features.audioset import NUM_BANDS, PATCH_FRAMES
from ser.models.coattention import CoAttention


class TunedCoAttention(nn.Module):
    """Patches of log mel energies to states of a net's layer, then the co-attention.

    Layers for `fit.unfreezing` are ``coattention`` and ``encoder``, whose own are the net's.

    Parameters
    ----------
    encoder : net over patches, such as `ser.models.yamnet.Yamnet`: ``states(patches (B, 96, 64), layers)``.
    layer : of it.
    coattention : its rows of speech are the layer's states.
    """

    def __init__(self, encoder: nn.Module, layer: str, coattention: CoAttention) -> None:
        super().__init__()
        self.encoder: Any = encoder
        self.layer = layer
        self.coattention = coattention

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map a batch to logits (B, K): ``speech`` (B, N, 96 x 64), the others as of `CoAttention`."""
        mask = inputs["speech_mask"]
        rows = inputs["speech"][mask].reshape(-1, PATCH_FRAMES, NUM_BANDS)
        states = self.encoder.states(rows, [self.layer])[self.layer]
        padded = states.new_zeros(*mask.shape, states.shape[1])
        padded[mask] = states
        return self.coattention({**inputs, "speech": padded})
