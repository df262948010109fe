"""A small residual network (ResNet) over patches of log-mel energies.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, section 3, with basic blocks; the
patches are those of Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ser.errors import SerError

# Name of the layer after the last stage: the mean over time and frequency.
FINAL = "final"


@dataclass(frozen=True)
class ResnetConfig:
    """The section `model:` of a training configuration."""

    channels: tuple[int, ...]  # of each stage; each stage except the first halves time and frequency
    blocks: int  # in each stage


class Block(nn.Module):
    """A basic block: two convolutions of 3 by 3 and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        return self.activation(self.convolutions(x) + self.shortcut(x))


class Resnet(nn.Module):
    """A convolution of 3 by 3 that halves time and frequency, then stages of blocks.

    Raises
    ------
    SerError
        If there are no stages or no blocks.
    """

    def __init__(self, config: ResnetConfig) -> None:
        super().__init__()
        if not config.channels or config.blocks < 1:
            raise SerError(f"ResNet: stages of {config.channels} channels with {config.blocks} blocks; give 1 or more")
        inputs = config.channels[0]
        self.stem = nn.Sequential(nn.Conv2d(1, inputs, 3, 2, padding=1, bias=False), nn.BatchNorm2d(inputs), nn.ReLU())
        self.stages = nn.ModuleList()
        for number, outputs in enumerate(config.channels):
            blocks = [Block(inputs if block == 0 else outputs, outputs, 2 if number and block == 0 else 1)
                      for block in range(config.blocks)]  # fmt: skip
            self.stages.append(nn.Sequential(*blocks))
            inputs = outputs
        self.embedding_dim = inputs

    @classmethod
    def from_weights(cls, config: ResnetConfig, weights: Mapping[str, Tensor]) -> "Resnet":
        """Build the net that `weights` (of `state_dict`) belong to, in eval mode."""
        model = cls(config)
        model.load_state_dict(weights)
        return model.eval()

    @property
    def layers(self) -> list[str]:
        """Names of the layers of `states`: ``1`` to the number of stages, and ``final``."""
        return [*(str(number) for number in range(1, len(self.stages) + 1)), FINAL]

    def forward(self, patches: Tensor) -> Tensor:
        """Map patches (B, T, F) to the mean over all places of the last stage, (B, D)."""
        return self.embed(patches)

    def embed(self, patches: Tensor) -> Tensor:
        """Map patches (B, T, F) to the mean over all places of the last stage, (B, D)."""
        return self.states(patches, [FINAL])[FINAL]

    def states(self, patches: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Compute one vector for each patch at each of `layers`, the mean of the output over time and frequency."""
        wanted = list(layers)
        if unknown := [name for name in wanted if name not in self.layers]:
            raise SerError(f"ResNet: no layer '{unknown[0]}'; there are {', '.join(self.layers)}")
        x = self.stem(patches.unsqueeze(1))  # (B, 1, T, F)
        means = {}
        for number, stage in enumerate(self.stages, start=1):
            x = stage(x)
            means[str(number)] = x.mean(dim=(2, 3))
        means[FINAL] = means[str(len(self.stages))]
        return {name: means[name] for name in wanted}
