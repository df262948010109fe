"""VGGish: a VGG over patches of log-mel energies, trained by Google on tags of videos; 72,141,184 parameters.

Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017; the sizes are those of the
TensorFlow models' research/audioset/vggish.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from ser.errors import SerError

# Channels of each convolution; "M" is max pooling over 2 by 2.
CONVOLUTIONS: tuple[int | str, ...] = (64, "M", 128, "M", 256, 256, "M", 512, 512, "M")
CELLS = (6, 4)  # size of the last feature map in time and frequency
FINAL = "final"


@dataclass(frozen=True)
class VggishConfig:
    """The section `model:` of an imported net's folder."""

    hidden: int  # width of FC1 and FC2: 4,096
    embedding: int  # of the last linear layer: 128


class Vggish(nn.Module):
    """Six convolutions with four poolings, then three linear layers.

    The embedding is the output of the last layer without a ReLU. A PyTorch port that applies one loses half of it.
    """

    def __init__(self, config: VggishConfig) -> None:
        super().__init__()
        self.features = nn.Sequential()
        inputs = 1
        for item in CONVOLUTIONS:
            if item == "M":
                self.features.append(nn.MaxPool2d(2))
            else:
                self.features.extend([nn.Conv2d(inputs, int(item), 3, padding=1), nn.ReLU(inplace=True)])
                inputs = int(item)
        flat = inputs * CELLS[0] * CELLS[1]
        widths = (flat, config.hidden, config.hidden, config.embedding)
        self.embeddings = nn.Sequential(
            nn.Linear(widths[0], widths[1]), nn.ReLU(), nn.Linear(widths[1], widths[2]), nn.ReLU(),
            nn.Linear(widths[2], widths[3]),
        )  # fmt: skip

    @classmethod
    def from_weights(cls, config: VggishConfig, weights: Mapping[str, Tensor]) -> "Vggish":
        """Build the net that `weights` (of `state_dict`) belong to, in eval mode."""
        model = cls(config)
        model.load_state_dict(weights)
        return model.eval()

    @property
    def layers(self) -> list[str]:
        """Names of the layers of `states`: convolutions ``1`` to ``6``, ``fc1``, ``fc2`` and ``final``."""
        numbers = range(1, 1 + sum(item != "M" for item in CONVOLUTIONS))
        return [*map(str, numbers), "fc1", "fc2", FINAL]

    def forward(self, patches: Tensor) -> Tensor:
        """Map patches (B, 96, 64) to embeddings (B, 128)."""
        return self.states(patches, [FINAL])[FINAL]

    def states(self, patches: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Compute one vector for each patch at each of `layers`.

        Parameters
        ----------
        patches : (B, 96, 64) float32.
        layers : of `self.layers`.

        Returns
        -------
        dict[str, Tensor]
            ``1`` to ``6``: the mean over time and frequency of the convolution's output after its ReLU, (B, C);
            ``fc1``, ``fc2``: after their ReLU, (B, 4096); ``final``: (B, 128).
        """
        wanted, names = list(layers), self.layers
        for name in wanted:
            if name not in names:
                raise SerError(f"VGGish: no layer '{name}'; there are {', '.join(names)}")
        outputs: dict[str, Tensor] = {}
        x, number = patches.unsqueeze(1), 0  # (B, 1, 96, 64)
        last = max(map(names.index, wanted))
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                number += 1
                if str(number) in wanted:
                    outputs[str(number)] = x.mean(dim=(2, 3))
                if names.index(str(number)) == last:
                    return outputs
        x = x.permute(0, 2, 3, 1).flatten(1)  # (B, 6, 4, 512), as TensorFlow flattens it, to (B, 12288)
        for name, index in (("fc1", 0), ("fc2", 2), (FINAL, 4)):
            x = self.embeddings[index](x)
            if name != FINAL:
                x = functional.relu(x)
            outputs[name] = x
            if names.index(name) == last:
                break
        return {name: outputs[name] for name in wanted}
