"""What training makes small."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class LossConfig:
    """The section `loss:` of a training configuration."""

    label_smoothing: float  # share of the target spread evenly over all classes
    class_weights: Literal["none", "balanced"]  # balanced: a class counts by the inverse of its number of examples


def cross_entropy(config: LossConfig, class_counts: Sequence[int] | np.ndarray) -> nn.CrossEntropyLoss:
    """Make the loss ``loss(logits (B, K), targets (B,)) -> ()``, a (weighted) mean over the batch, in nats.

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
    return nn.CrossEntropyLoss(weight=weight, label_smoothing=config.label_smoothing)
