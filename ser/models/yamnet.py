"""YAMNet: a MobileNet v1 over patches of log-mel energies, trained by Google on AudioSet's 521 classes.

Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", arXiv 1704.04861,
with the sizes of the TensorFlow models' research/audioset/yamnet: 3,729,481 trained parameters, 69.2 million
multiplications for each patch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.errors import SerError

# Output channels and stride of layers 1 to 14; the first is a convolution, the others are separable.
LAYERS = (
    (32, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1),
    (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
EMBEDDING_DIM = LAYERS[-1][0]
NUM_CLASSES = 521
BATCH_NORM_EPSILON = 1e-4
# Weight of a batch in the running statistics: a trained net's own change slowly.
MOMENTUM = 0.01
# Name of the layer after layer 14: the mean over time and frequency, which the classifier reads.
FINAL = "final"


@dataclass(frozen=True)
class YamnetConfig:
    """The section `model:` of an imported net's folder."""

    batch_norm: bool  # False: the norms are folded into the convolutions, as in files for mobile devices
    num_classes: int


class ConvBlock(nn.Module):
    """A convolution with TensorFlow's SAME padding, batch norm without scale (or a bias in its place), ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, groups: int, batch_norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, groups=groups, bias=not batch_norm)
        self.bn = ShiftNorm(outputs) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        size, stride = self.conv.kernel_size[0], self.conv.stride[0]
        height, width = (self._padding(length, size, stride) for length in x.shape[2:])
        if height[0] == height[1] and width[0] == width[1]:
            # Symmetric padding: the convolution itself pads, without a copy.
            x = functional.conv2d(
                x, self.conv.weight, self.conv.bias, stride, (height[0], width[0]), groups=self.conv.groups
            )
        else:
            x = self.conv(functional.pad(x, (*width, *height)))
        return functional.relu(self.bn(x), inplace=True)

    @staticmethod
    def _padding(length: int, size: int, stride: int) -> tuple[int, int]:
        """Return the zeros before and after; of an odd number, one more comes after."""
        total = max(0, (-(-length // stride) - 1) * stride + size - length)
        return total // 2, total - total // 2


class ShiftNorm(nn.Module):
    """Batch norm that shifts and does not scale (Keras' ``scale=False``)."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.momentum = MOMENTUM
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W); in training by the batch, which updates the running statistics."""
        return functional.batch_norm(
            x, self.running_mean, self.running_var, None, self.bias, self.training, self.momentum, BATCH_NORM_EPSILON
        )


class SeparableConv(nn.Module):
    """A depthwise convolution, then a pointwise convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int, batch_norm: bool) -> None:
        super().__init__()
        self.depthwise_conv = ConvBlock(inputs, inputs, 3, stride, inputs, batch_norm)
        self.pointwise_conv = ConvBlock(inputs, outputs, 1, 1, 1, batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        return self.pointwise_conv(self.depthwise_conv(x))


class Yamnet(nn.Module):
    """Fourteen convolutional layers, the mean over all places, a linear layer.

    Parameters
    ----------
    config : see `YamnetConfig`.
    """

    def __init__(self, config: YamnetConfig) -> None:
        super().__init__()
        inputs = 1
        for number, (outputs, stride) in enumerate(LAYERS, start=1):
            layer = (
                ConvBlock(inputs, outputs, 3, stride, 1, config.batch_norm)
                if number == 1
                else SeparableConv(inputs, outputs, stride, config.batch_norm)
            )
            self.add_module(f"layer{number}", layer)
            inputs = outputs
        self.classifier = nn.Linear(inputs, config.num_classes)

    @classmethod
    def from_weights(cls, config: YamnetConfig, weights: Mapping[str, Tensor]) -> "Yamnet":
        """Build the net that `weights` (of `state_dict`) belong to, in eval mode."""
        model = cls(config)
        model.load_state_dict(weights)
        return model.eval()

    @property
    def layers(self) -> list[str]:
        """Names of the layers of `states`: ``1`` to ``14`` and ``final``."""
        return [*map(str, range(1, len(LAYERS) + 1)), FINAL]

    def forward(self, patches: Tensor) -> Tensor:
        """Map patches (B, 96, 64) to logits (B, K); their sigmoids are the scores."""
        return self.classifier(self.embed(patches))

    def embed(self, patches: Tensor) -> Tensor:
        """Map patches (B, 96, 64) to the input of the classifier: (B, 1024)."""
        return self.states(patches, [FINAL])[FINAL]

    def states(self, patches: Tensor, layers: Iterable[str], after: int = 0) -> dict[str, Tensor]:
        """Compute one vector for each patch at each of `layers`.

        Parameters
        ----------
        patches : (B, 96, 64) float32; with `after`, the output (B, C, H, W) of the layer of this number.
        layers : of `self.layers`, all later than `after`.

        Returns
        -------
        dict[str, Tensor]
            ``1`` to ``14``: the mean over time and frequency of the layer's output, (B, C); ``final``: the 1,024
            numbers before the classifier, (B, 1024).
        """
        outputs = self.maps(patches, self._numbers(layers), after)
        means = {name: output.mean(dim=(2, 3)) for name, output in outputs.items()}
        return {name: means[str(len(LAYERS)) if name == FINAL else name] for name in layers}

    def maps(self, patches: Tensor, layers: Iterable[str], after: int = 0) -> dict[str, Tensor]:
        """Compute the outputs (B, C, H, W), H along time, of the numbered `layers`; later layers are not computed.

        `patches` is (B, 96, 64), or the output of layer `after` if that is not 0.
        """
        wanted = list(layers)
        x = patches if after else patches.unsqueeze(1)  # (B, 1, 96, 64)
        outputs = {}
        for number in range(1 + after, 1 + max(map(int, wanted))):
            x = self.get_submodule(f"layer{number}")(x)
            if str(number) in wanted:
                outputs[str(number)] = x
        return outputs

    def _numbers(self, layers: Iterable[str]) -> list[str]:
        names = self.layers
        for name in layers:
            if name not in names:
                raise SerError(f"YAMNet: no layer '{name}'; there are {', '.join(names)}")
        return [str(len(LAYERS)) if name == FINAL else name for name in layers]
