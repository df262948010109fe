"""A frame classifier: one dense layer and an output layer on the bottleneck features of another net.

S. Zhou, H. Beigi, "A transfer learning method for speech emotion recognition from automatic speech recognition",
2020, figure 2. Each frame is classified by itself; an utterance gets the class with the largest sum of probabilities.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from ser.errors import SerError


@dataclass(frozen=True)
class FrameClassifierConfig:
    """The section `model:`."""

    hidden: int  # width of the dense layer, which the paper does not give; 0: no dense layer
    dropout: float  # probability, before the output layer

    def __post_init__(self) -> None:
        if self.hidden < 0 or not 0 <= self.dropout < 1:
            raise SerError(f"model: expected hidden >= 0 and dropout in [0, 1); found {self.hidden} and {self.dropout}")


class FrameClassifier(nn.Module):
    """Standardisation over all training batches (a batch norm without parameters), dense layer, output layer."""

    def __init__(self, config: FrameClassifierConfig, feature_dim: int, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(feature_dim, affine=False, momentum=None)
        self.dense = nn.Linear(feature_dim, config.hidden) if config.hidden else None
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden or feature_dim, num_classes)

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames (N, D) to class scores (N, K)."""
        x = self.norm(frames)
        if self.dense is not None:
            x = self.dense(x).relu()
        return self.output(self.dropout(x))
