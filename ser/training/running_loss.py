"""Loss and right answers over batches."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ser.errors import SerError


class RunningLoss:
    """Sums of loss times rows, right answers and rows, kept on the device so that a GPU does not wait for the CPU."""

    def __init__(self, device: torch.device, sums: Sequence[float] = (0.0, 0.0, 0.0)) -> None:
        self.total = torch.tensor(sums, dtype=torch.float64, device=device)
        self._last: tuple[Tensor, str] | None = None

    def add(self, loss: Tensor, logits: Tensor, targets: Tensor, where: str) -> None:
        """Add a batch: its mean `loss`, `logits` (B, K) and `targets`; `where` begins the message on a NaN.

        Where `targets` are not classes (B,) but shares of them (B, K), an answer is right that has the largest share.
        """
        self._check()
        if targets.ndim == 2:
            targets = targets.argmax(1)
        self._last = loss, where
        right = (logits.argmax(1) == targets).sum()
        self.total += torch.stack([loss.double() * len(targets), right.double(), right.new_full((), len(targets))])

    def values(self) -> list[float]:
        """Give the three sums."""
        self._check()
        self._last = None
        return self.total.tolist()

    def _check(self) -> None:
        # A loss is looked at one step late: by then a GPU has it, and is busy with the next step.
        if self._last is not None and not torch.isfinite(self._last[0]):
            loss, where = self._last
            remedy = "lower fit.learning_rate, or look for NaNs in the inputs"
            raise SerError(f"{where}: the loss is {loss.item()}; {remedy}")
