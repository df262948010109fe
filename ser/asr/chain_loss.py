"""The loss of LF-MMI training: numerator minus denominator, a cross-entropy branch, and what keeps outputs small.

D. Povey et al., "Purely sequence-trained neural networks for ASR based on lattice-free MMI", Interspeech 2016; Kaldi's
chain-training.cc. Per output frame:

    loss = - (log Z_num - log Z_den) + xent * cross-entropy(second output, numerator's posteriors) + l2 / 2 |x|^2

The posteriors of the numerator are the targets of the second output, so that it works without alignments too. On half
of the minibatches outputs outside of -30 to 30 are drawn back, since the denominator clamps them.
"""

import logging
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ser.asr import numerator
from ser.asr.denominator import LARGEST_OUTPUT, Denominator
from ser.errors import SerError

logger = logging.getLogger(__name__)

OUT_OF_RANGE = 0.01  # Kaldi's out-of-range-regularize
BAD_LOSS = 10.0  # a frame, of a minibatch that is not finite, as Kaldi counts it
LARGEST_SHARE_BAD = 0.05
# Denominator posteriors of a frame must sum to 1; Kaldi gives a minibatch up whose sums are off by more than this.
LARGEST_POSTERIOR_ERROR = 2.0
_FEWEST_STEPS = 20  # before the share of bad minibatches says anything


@dataclass(frozen=True)
class ChainLossConfig:
    """The section `loss:` of an LF-MMI training."""

    leak: float = 0.1  # Kaldi's leaky-hmm-coefficient
    xent: float = 0.1  # weight of the cross-entropy branch
    l2: float = 5e-5  # on the outputs


class _Objective(torch.autograd.Function):
    """Log Z of the numerators minus log Z of the denominator, summed over sequences; numerators' posteriors too."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, den: Denominator, numerators: list, lengths: Tensor) -> Any:
        values = outputs.detach().float() if outputs.dtype != torch.float64 else outputs.detach()
        num_log_z, num_posteriors = numerator.forward_backward(values, numerators, lengths.tolist())
        den_log_z, den_posteriors = den(values, lengths.to(values.device))
        objective = num_log_z.sum() - den_log_z.sum()
        error = (den_posteriors.sum() - lengths.sum()).abs()
        is_good = torch.isfinite(objective) & torch.isfinite(values).all() & (error <= LARGEST_POSTERIOR_ERROR)
        zero = torch.zeros((), dtype=values.dtype, device=values.device)
        gradient = torch.where(is_good, num_posteriors - den_posteriors, zero)
        num_posteriors = torch.where(is_good, num_posteriors, zero)
        objective = torch.where(is_good, objective.to(values.dtype), -BAD_LOSS * lengths.sum().to(values.dtype))
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(num_posteriors, is_good)
        return objective, num_posteriors, is_good

    @staticmethod
    def backward(ctx: Any, by_objective: Tensor, _posteriors: Tensor, _is_good: Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        return gradient * by_objective, None, None, None


class ChainLoss(nn.Module):
    """``loss(outputs (B, T, 2 P), targets)``, the targets packed by `ser.asr.numerator.pack`.

    A minibatch that is not finite counts as 10 a frame and moves nothing; over 5 % of them end the training.

    Attributes
    ----------
    bad, steps : minibatches that were not finite, and all of them.
    """

    def __init__(self, den: Denominator, config: ChainLossConfig) -> None:
        super().__init__()
        self.den, self.config = den, config
        self.bad = self.steps = 0

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give the loss a frame, averaged over all frames of the minibatch."""
        num_pdfs = self.den.num_pdfs
        if outputs.shape[2] != 2 * num_pdfs:
            raise SerError(f"LF-MMI: the network has {outputs.shape[2]} outputs; the graph takes {2 * num_pdfs}")
        numerators, counts = numerator.unpack(targets)
        lengths = torch.as_tensor(counts, device=outputs.device)
        if int(counts.max()) > outputs.shape[1]:
            raise SerError(f"LF-MMI: {outputs.shape[1]} frames of outputs for a sequence of {counts.max()} frames")
        chain, xent = outputs.split(num_pdfs, 2)
        objective, posteriors, is_good = _Objective.apply(chain, self.den, numerators, lengths)
        inside = (torch.arange(outputs.shape[1], device=outputs.device) < lengths.unsqueeze(1)).unsqueeze(2)
        loss = -objective
        # The frames behind a sequence's end have no posteriors.
        loss = loss - self.config.xent * (posteriors * xent.log_softmax(2)).sum()
        loss = loss + self.config.l2 / 2 * (chain * inside).square().sum()
        if self.training and torch.is_grad_enabled() and torch.rand(()) < 0.5:
            excess = (chain.abs() - LARGEST_OUTPUT).clamp(min=0) * inside
            loss = loss + OUT_OF_RANGE * excess.square().sum()
        self._count(bool(is_good))
        if not is_good:
            # Nothing of such outputs may come into the gradient: 0 times NaN is NaN.
            return _Bad.apply(outputs)
        return loss / lengths.sum()

    def count_right(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Sum over the sequences the share of frames whose likeliest pdf is the numerator's: the `accuracy`."""
        chain, xent = outputs.split(self.den.num_pdfs, 2)
        numerators, counts = numerator.unpack(targets)
        lengths = torch.as_tensor(counts, device=outputs.device)
        _, posteriors = numerator.forward_backward(chain.float(), numerators, counts.tolist())
        inside = torch.arange(outputs.shape[1], device=outputs.device) < lengths.unsqueeze(1)
        same = (xent.argmax(2) == posteriors.argmax(2)) & inside
        return (same.sum(1) / lengths).sum()

    def _count(self, is_good: bool) -> None:
        self.steps += 1
        if is_good:
            return
        self.bad += 1
        logger.warning("LF-MMI: minibatch %d is not finite; it moves nothing (%d so far)", self.steps, self.bad)
        if self.steps >= _FEWEST_STEPS and self.bad > LARGEST_SHARE_BAD * self.steps:
            raise SerError(
                f"LF-MMI: {self.bad} of {self.steps} minibatches are not finite, over the limit of "
                f"{LARGEST_SHARE_BAD:.0%}; lower fit.learning_rate, or look at the features"
            )


class _Bad(torch.autograd.Function):
    """The loss of a minibatch that is not finite, with a gradient of zeros."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor) -> Tensor:
        ctx.save_for_backward(outputs)
        return outputs.new_full((), BAD_LOSS)

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> Tensor:
        (outputs,) = ctx.saved_tensors
        return torch.zeros_like(outputs)
