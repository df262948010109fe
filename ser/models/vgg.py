"""A small VGG: convolutions with max pooling over log-mel spectrograms, then two linear layers.

Zhou et al., "A multi-modal approach to speech emotion recognition", section 5.2, figure 1 and table 2, after Simonyan
and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ser.errors import SerError


@dataclass(frozen=True)
class VggConfig:
    """The section `model:` of a training configuration."""

    channels: tuple[int, ...]  # of each convolution of 3 by 3; max pooling over 2 by 2 follows each
    batch_norm: bool  # after each convolution
    cells: int  # places in time to which the last feature map is averaged; 1: average over all time
    hidden: int  # width of the first linear layer, which is the embedding
    dropout: float  # probability, before each linear layer


class Vgg(nn.Module):
    """Normalisation, convolutions, linear layer, output.

    The normalisation is saved with the weights, so that test data are normalised by the training set.

    Parameters
    ----------
    config : sizes.
    mean, stddev : (F,) of each feature over the training set.
    num_classes : K.

    Raises
    ------
    SerError
        If there is no convolution, or so many that their pooling leaves none of the F bands.
    """

    mean: Tensor
    stddev: Tensor

    def __init__(self, config: VggConfig, mean: Tensor, stddev: Tensor, num_classes: int) -> None:
        super().__init__()
        height = len(mean) >> len(config.channels)
        if not config.channels or not height:
            raise SerError(
                f"VGG: {len(config.channels)} convolutions, each with pooling over 2 bands, on {len(mean)} bands; "
                f"use 1 to {len(mean).bit_length() - 1} convolutions for {len(mean)} bands"
            )
        self.register_buffer("mean", mean.float())
        self.register_buffer("stddev", stddev.float().clamp(min=1e-5))
        self.convolutions = nn.Sequential()
        inputs = 1
        for number, outputs in enumerate(config.channels, start=1):
            layer = nn.Sequential(nn.Conv2d(inputs, outputs, kernel_size=3, padding=1))
            if config.batch_norm:
                layer.append(nn.BatchNorm2d(outputs))
            layer.extend([nn.LeakyReLU(), nn.MaxPool2d(2)])
            self.convolutions.add_module(f"conv{number}", layer)
            inputs = outputs
        self.cells = nn.AdaptiveAvgPool2d((config.cells, height))
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Linear(inputs * config.cells * height, config.hidden)
        self.activation = nn.LeakyReLU()
        self.output = nn.Linear(config.hidden, num_classes)

    @classmethod
    def from_weights(cls, config: VggConfig, weights: Mapping[str, Tensor]) -> "Vgg":
        """Build the network that `weights` (of `state_dict`) belong to, in eval mode."""
        model = cls(config, weights["mean"], weights["stddev"], len(weights["output.bias"]))
        model.load_state_dict(weights)
        return model.eval()

    def forward(self, clips: Tensor) -> Tensor:
        """Map clips (B, T, F) to logits (B, K)."""
        return self.output(self.dropout(self.embed(clips)))

    def embed(self, clips: Tensor) -> Tensor:
        """Map clips (B, T, F), T at least 2 to the power of the number of convolutions, to embeddings (B, D)."""
        pictures = ((clips - self.mean) / self.stddev).unsqueeze(1)  # (B, 1, T, F)
        cells = self.cells(self.convolutions(pictures))  # (B, C, cells, height)
        return self.activation(self.linear(self.dropout(cells.flatten(1))))
