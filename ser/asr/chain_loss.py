"""The loss of LF-MMI training: the LF-MMI objective, a cross-entropy branch, and penalties on large outputs.

D. Povey et al., "Purely sequence-trained neural networks for ASR based on lattice-free MMI", Interspeech 2016; Kaldi's
chain-training.cc. Per output frame:

    loss = - (log Z_num - log Z_den) + xent * cross-entropy(second output, numerator's posteriors) + l2 / 2 |x|^2

The numerator's posteriors are the targets of the second output, so that no alignment is needed. On half of the
minibatches, outputs outside of -30 to 30 are penalised, since the denominator clamps them to this range.
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
BAD_LOSS = 10.0  # per frame, the loss reported for a minibatch that is not finite, as in Kaldi
LARGEST_SHARE_BAD = 0.05
# Denominator posteriors must sum to 1 in each frame; like Kaldi, skip a minibatch whose sum is off by more than this.
LARGEST_POSTERIOR_ERROR = 2.0
_FEWEST_STEPS = 20  # the share of bad minibatches is checked from this step on


@dataclass(frozen=True)
class ChainLossConfig:
    """The section `loss:` of an LF-MMI training."""

    leak: float = 0.1  # Kaldi's leaky-hmm-coefficient
    xent: float = 0.1  # weight of the cross-entropy branch
    l2: float = 5e-5  # weight of the squared outputs


class _Objective(torch.autograd.Function):
    """Log Z of the numerators minus log Z of the denominator, summed over sequences; also numerator posteriors."""

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
    """``loss(outputs (B, T, 2 P), targets)``; `ser.asr.numerator.pack` makes the targets.

    A minibatch whose loss is not finite gets the loss 10 per frame and a gradient of zero. Training fails if that
    happens to more than 5 % of the minibatches.

    Attributes
    ----------
    bad, steps : number of minibatches whose loss was not finite, and of all minibatches.
    """

    def __init__(self, den: Denominator, config: ChainLossConfig) -> None:
        super().__init__()
        self.den, self.config = den, config
        self.bad = self.steps = 0

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss per frame, averaged over all frames of the minibatch."""
        num_pdfs = self.den.num_pdfs
        if outputs.shape[2] != 2 * num_pdfs:
            raise SerError(f"LF-MMI: the network has {outputs.shape[2]} outputs; the graph takes {2 * num_pdfs}")
        numerators, counts = numerator.unpack(targets)
        lengths = torch.as_tensor(counts, device=outputs.device)
        if int(counts.max()) > outputs.shape[1]:
            raise SerError(f"LF-MMI: {outputs.shape[1]} output frames for a sequence of {counts.max()} frames")
        chain, xent = outputs.split(num_pdfs, 2)
        objective, posteriors, is_good = _Objective.apply(chain, self.den, numerators, lengths)
        inside = (torch.arange(outputs.shape[1], device=outputs.device) < lengths.unsqueeze(1)).unsqueeze(2)
        loss = -objective
        # The posteriors are 0 after a sequence's end, so this term needs no mask.
        loss = loss - self.config.xent * (posteriors * xent.log_softmax(2)).sum()
        loss = loss + self.config.l2 / 2 * (chain * inside).square().sum()
        if self.training and torch.is_grad_enabled() and torch.rand(()) < 0.5:
            excess = (chain.abs() - LARGEST_OUTPUT).clamp(min=0) * inside
            loss = loss + OUT_OF_RANGE * excess.square().sum()
        self._count(bool(is_good))
        if not is_good:
            # A gradient through these outputs would be NaN, since 0 times NaN is NaN; _Bad returns zeros instead.
            return _Bad.apply(outputs)
        return loss / lengths.sum()

    def count_right(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Sum over sequences the share of frames in which both outputs choose the same pdf; logged as `accuracy`.

        The second output chooses its likeliest pdf, the first one the pdf of highest numerator posterior.
        """
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
        logger.warning("LF-MMI: minibatch %d is not finite and is skipped (%d so far)", self.steps, self.bad)
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
