"""What training makes small."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class LossConfig:
    """The section `loss:` of a training configuration."""

    label_smoothing: float  # share of the target spread evenly over all classes
    class_weights: Literal["none", "balanced"]  # balanced: a class counts by the inverse of its number of examples


class MeanCrossEntropy(nn.Module):
    """Cross-entropy in nats, each row times the weight of its class, averaged over the rows.

    PyTorch's own weighted mean divides by the weights that happen to be in a batch, so that a rare class would count
    for more in the batches that lack it, and the parts of a batch on several processes would not add up.
    """

    def __init__(self, weight: Tensor | None, label_smoothing: float) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Map logits (B, K) and targets, classes (B,) or shares of them (B, K), to the loss, a number."""
        total = functional.cross_entropy(
            logits, targets, weight=self.weight, reduction="sum", label_smoothing=self.label_smoothing
        )
        return total / len(targets)


def cross_entropy(config: LossConfig, class_counts: Sequence[int] | np.ndarray) -> MeanCrossEntropy:
    """Make the loss ``loss(logits (B, K), targets (B,)) -> ()``.

    Parameters
    ----------
    config : see `LossConfig`.
    class_counts : (K,) number of training examples of each class; their weights are N / (K n_k).

    Examples
    --------
    >>> cross_entropy(LossConfig(label_smoothing=0.0, class_weights="balanced"), [30, 10]).weight
    tensor([0.6667, 2.0000])
    """
    weight = None
    if config.class_weights == "balanced":
        counts = torch.as_tensor(np.asarray(class_counts), dtype=torch.float32)
        weight = counts.sum() / (len(counts) * counts.clamp(min=1))
    return MeanCrossEntropy(weight, config.label_smoothing)
