"""A layer of a time-delay network: affine, ReLU, batch norm (Kaldi's relu-batchnorm-layer)."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from ser.errors import SerError

# The epsilon of Kaldi's BatchNormComponent, which has no trained scale and offset.
BATCHNORM_EPSILON = 1e-3


class Layer(nn.Module):
    """Affine, ReLU, batch norm, dropout; over frames (B, C, T) with a convolution, over segments (B, C) otherwise."""

    def __init__(self, affine: nn.Conv1d | nn.Linear) -> None:
        super().__init__()
        self.affine = affine
        width = affine.out_channels if isinstance(affine, nn.Conv1d) else affine.out_features
        self.batchnorm = nn.BatchNorm1d(width, eps=BATCHNORM_EPSILON, affine=False)
        # Drop whole channels of a segment: dropout frame by frame would add to the pooled standard deviations.
        self.dropout = nn.Dropout1d(0.0) if isinstance(affine, nn.Conv1d) else nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C', T') or (B, C) to (B, C')."""
        return self.activate(self.affine(x))

    def activate(self, x: Tensor) -> Tensor:
        """Apply the layers after the affine map."""
        x = self.batchnorm(functional.relu(x))
        return self.dropout(x) if self.dropout.p else x


def frame_layer(inputs: int, outputs: int, context: Sequence[int]) -> Layer:
    """Make a layer that sees the frames t + `context` of its input; there is no padding, so T shrinks by its span.

    Peddinti, Povey & Khudanpur, "A time delay neural network architecture for efficient modeling of long temporal
    contexts", Interspeech 2015. Since the offsets are evenly spaced, the layer is a dilated convolution.

    Parameters
    ----------
    inputs, outputs : channels.
    context : offsets in frames, rising and evenly spaced, such as -2, 0, 2.
    """
    steps = {after - before for before, after in pairwise(context)} or {1}
    if len(steps) != 1 or min(steps) < 1:
        raise SerError(f"frame layer: offsets must rise evenly; found {', '.join(map(str, context))}")
    return Layer(nn.Conv1d(inputs, outputs, kernel_size=len(context), dilation=steps.pop()))


def segment_layer(inputs: int, outputs: int) -> Layer:
    """Make a layer over whole segments."""
    return Layer(nn.Linear(inputs, outputs))
