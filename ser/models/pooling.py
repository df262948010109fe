"""From frames to a segment."""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

# Kaldi's StatisticsPoolingComponent keeps variances at or above this.
VARIANCE_FLOOR = 1e-10


def mean_stddev(frames: Tensor) -> Tensor:
    """Pool over time: the mean and the standard deviation of each channel.

    Snyder et al., "X-vectors: robust DNN embeddings for speaker recognition", ICASSP 2018, section 2.1.

    Parameters
    ----------
    frames : (B, C, T).

    Returns
    -------
    Tensor
        (B, 2 C): the means, then the standard deviations (divided by T, not T - 1).
    """
    # Not in bfloat16, whose 8 bits are too few for a variance.
    frames = frames.to(torch.promote_types(frames.dtype, torch.float32))
    return torch.cat(_MeanStddev.apply(frames), dim=1)


class _MeanStddev(Function):
    """Both statistics and their gradient in one pass over the frames each: a fifth of a step, written out in tensors.

    With mean m and deviation s over T frames, dm/dx_t = 1/T and ds/dx_t = (x_t - m) / (T s); 0 at the floor.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, frames: Tensor) -> tuple[Tensor, Tensor]:
        variance, mean = torch.var_mean(frames, dim=2, correction=0)
        stddev = variance.clamp(min=VARIANCE_FLOOR).sqrt()
        ctx.save_for_backward(frames, mean, stddev, variance > VARIANCE_FLOOR)
        return mean, stddev

    @staticmethod
    def backward(ctx: FunctionCtx, grad_mean: Tensor, grad_stddev: Tensor) -> Tensor:
        frames, mean, stddev, is_free = ctx.saved_tensors  # type: ignore[attr-defined]
        size = frames.shape[2]
        slope = torch.where(is_free, grad_stddev / (size * stddev), 0.0)
        offset = grad_mean / size - slope * mean
        return torch.addcmul(offset.unsqueeze(2), slope.unsqueeze(2), frames)
