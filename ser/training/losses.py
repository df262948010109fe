"""Loss functions, and their sums over batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.config import check_ranges
from ser.errors import SerError


@dataclass(frozen=True)
class LossConfig:
    """The section `loss:` of a training configuration."""

    label_smoothing: float  # share of the target that is spread evenly over all classes; only with cross_entropy
    class_weights: Literal["none", "balanced"]  # balanced: the weight of a class is inverse to its number of examples
    kind: Literal["cross_entropy", "binary"] = "cross_entropy"  # binary: a sigmoid per class

    def __post_init__(self) -> None:
        check_ranges("loss", self, label_smoothing="[0, 1)")


class MeanCrossEntropy(nn.Module):
    """Class-weighted cross-entropy in nats: each row's loss times the weight of its class, averaged over the rows.

    PyTorch's own weighted mean divides by the sum of the weights in the batch. Then the weight of an example would
    depend on the classes of the others, and the parts of a batch on several processes would not add up.
    """

    weight: Tensor | None

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


class MeanBinaryCrossEntropy(nn.Module):
    """Binary cross-entropy in nats of each class's sigmoid, averaged over classes and rows.

    A row may have several classes, or none.

    Parameters
    ----------
    positive_weight : (K,) weight of a class in the rows that have it; None: 1.
    """

    positive_weight: Tensor | None

    def __init__(self, positive_weight: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("positive_weight", positive_weight)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Map logits (B, K) and targets, classes (B,) or shares of each class (B, K) in [0, 1], to the loss."""
        if targets.ndim == 1:
            targets = functional.one_hot(targets, logits.shape[1])
        return functional.binary_cross_entropy_with_logits(
            logits, targets.to(logits.dtype), pos_weight=self.positive_weight
        )


def classification_loss(
    config: LossConfig, class_counts: Sequence[int] | np.ndarray, num_examples: int | None = None
) -> MeanCrossEntropy | MeanBinaryCrossEntropy:
    """Make the loss that `config` names.

    Parameters
    ----------
    config : see `LossConfig`.
    class_counts : (K,) number of training examples of each class.
    num_examples : N, needed where an example may have several classes; default: the sum of `class_counts`.

    Raises
    ------
    SerError
        If a binary loss is combined with label smoothing.

    Examples
    --------
    >>> classification_loss(LossConfig(0.0, "balanced", "binary"), [30, 10]).positive_weight
    tensor([0.3333, 3.0000])
    """
    if config.kind == "cross_entropy":
        return cross_entropy(config, class_counts)
    if config.label_smoothing:
        raise SerError("loss: label_smoothing works only with kind: cross_entropy; set it to 0 for kind: binary")
    weight = None
    if config.class_weights == "balanced":
        counts = torch.as_tensor(np.asarray(class_counts), dtype=torch.float32).clamp(min=1)
        weight = ((num_examples or counts.sum()) - counts) / counts
    return MeanBinaryCrossEntropy(weight)


def class_probabilities(logits: Tensor, kind: str) -> Tensor:
    """Turn logits (B, K) into class probabilities that sum to 1; `kind` is the loss that the net was trained with.

    For ``binary`` they are the sigmoids divided by their sum.
    """
    if kind == "cross_entropy":
        return logits.softmax(1)
    return functional.logsigmoid(logits).softmax(1)


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


def count_right(logits: Tensor, targets: Tensor) -> Tensor:
    """Count the right answers among `logits` (B, K).

    If `targets` are shares of the classes (B, K), the class with the largest share is the right answer.
    """
    answers = logits.argmax(1)
    if targets.ndim == 2:
        return (targets.gather(1, answers[:, None])[:, 0] == targets.amax(1)).sum()
    return (answers == targets).sum()


class RunningLoss:
    """Running sums of loss times rows, right answers, and rows; kept on the device, so that a GPU never waits.

    `right` counts the right answers of a batch; a loss may define its own, such as a triplet loss.
    """

    def __init__(
        self,
        device: torch.device,
        sums: Sequence[float] = (0.0, 0.0, 0.0),
        right: Callable[[Tensor, Tensor], Tensor] = count_right,
    ) -> None:
        self.right = right
        self.total = torch.tensor(sums, dtype=torch.float64, device=device)
        self._last: tuple[Tensor, str] | None = None

    def add(self, loss: Tensor, logits: Tensor, targets: Tensor, where: str) -> None:
        """Add a batch: its mean `loss`, `logits` (B, K) and `targets`; `where` begins the error message for a NaN."""
        self._check()
        self._last = loss, where
        right = self.right(logits, targets)
        self.total += torch.stack([loss.double() * len(targets), right.double(), right.new_full((), len(targets))])

    def values(self) -> list[float]:
        """Return the three sums."""
        self._check()
        self._last = None
        return self.total.tolist()

    def _check(self) -> None:
        # Check each loss one step late: by then the GPU has computed it, and is busy with the next step.
        if self._last is not None and not torch.isfinite(self._last[0]):
            loss, where = self._last
            remedy = "lower fit.learning_rate, or look for NaNs in the inputs"
            raise SerError(f"{where}: the loss is {loss.item()}; {remedy}")
