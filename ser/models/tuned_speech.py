"""Co-attention with the speech encoder in front of it, so that both are trained together."""

from typing import Any

from torch import Tensor, nn

from ser.features.audioset import NUM_BANDS, PATCH_FRAMES
from ser.models.coattention import CoAttention


class TunedCoAttention(nn.Module):
    """An encoder of patches of log-mel energies, then the co-attention over the states of one of its layers.

    Layer names for `fit.unfreezing` are ``coattention``, and ``encoder`` with the encoder's own layers inside.

    Parameters
    ----------
    encoder : net over patches, such as `ser.models.yamnet.Yamnet`: ``states(patches (B, 96, 64), layers)``.
    layer : layer of the encoder.
    coattention : its rows of speech are the states of this layer.
    """

    def __init__(self, encoder: nn.Module, layer: str, coattention: CoAttention) -> None:
        super().__init__()
        self.encoder: Any = encoder
        self.layer = layer
        self.coattention = coattention

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map a batch to logits (B, K): ``speech`` (B, N, 96 x 64), the other keys as in `CoAttention`."""
        mask = inputs["speech_mask"]
        rows = inputs["speech"][mask].reshape(-1, PATCH_FRAMES, NUM_BANDS)
        states = self.encoder.states(rows, [self.layer])[self.layer]
        padded = states.new_zeros(*mask.shape, states.shape[1])
        padded[mask] = states
        return self.coattention({**inputs, "speech": padded})
