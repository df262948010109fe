"""Statistics pooling: the mean and standard deviation of frames over time, with equal weights or by attention."""

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

# Kaldi's StatisticsPoolingComponent floors variances to this.
VARIANCE_FLOOR = 1e-10


def standard_deviation(variance: Tensor) -> Tensor:
    """Return the square roots of variances, floored, with the same bits on every processor.

    MKL, which computes torch.sqrt on the CPU, begins with the processor's own approximation of 1 / sqrt(x), whose last
    bits differ between processors, whatever MKL_CBWR says; torch.rsqrt divides by an exact root.
    """
    floored = variance.clamp(min=VARIANCE_FLOOR)
    return floored * floored.rsqrt()


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
    # bfloat16 has too few bits (8) for a variance: use at least float32.
    frames = frames.to(torch.promote_types(frames.dtype, torch.float32))
    return torch.cat(_MeanStddev.apply(frames), dim=1)


class AttentivePooling(nn.Module):
    """Attentive statistics pooling: the mean and standard deviation of frames, with weights computed from the frames.

    The weight of frame h_t is the softmax over t of v' tanh(W h_t + b). Since v is initialised with zeros, all frames
    have equal weight at first, so that training can continue from a net with `mean_stddev`. The constant that the paper
    adds would cancel out.
    K. Okabe, T. Koshinaka and K. Shinoda, "Attentive statistics pooling for deep speaker embedding", Interspeech 2018,
    equations 5 to 8.

    Parameters
    ----------
    channels : C.
    hidden : width of W.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Conv1d(channels, hidden, kernel_size=1)
        self.score = nn.Conv1d(hidden, 1, kernel_size=1, bias=False)
        nn.init.zeros_(self.score.weight)

    def forward(self, frames: Tensor) -> Tensor:
        """Map (B, C, T) to (B, 2 C), as `mean_stddev` does."""
        frames = frames.to(torch.promote_types(frames.dtype, torch.float32))
        weights = self.score(torch.tanh(self.hidden(frames))).float().softmax(dim=2)  # (B, 1, T)
        mean = (weights * frames).sum(dim=2, keepdim=True)  # (B, C, 1)
        variance = (weights * (frames - mean).square()).sum(dim=2)  # (B, C)
        return torch.cat([mean.squeeze(2), standard_deviation(variance)], dim=1)


class _MeanStddev(Function):
    """Both statistics in one pass over the frames, and their gradient in another.

    Built from tensor operations, these passes would take a fifth of a training step. With mean m and standard deviation
    s over T frames, dm/dx_t = 1/T and ds/dx_t = (x_t - m) / (T s); the latter is 0 at the floor.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, frames: Tensor) -> tuple[Tensor, Tensor]:
        variance, mean = torch.var_mean(frames, dim=2, correction=0)
        stddev = standard_deviation(variance)
        ctx.save_for_backward(frames, mean, stddev, variance > VARIANCE_FLOOR)
        return mean, stddev

    @staticmethod
    def backward(ctx: FunctionCtx, grad_mean: Tensor, grad_stddev: Tensor) -> Tensor:
        frames, mean, stddev, is_free = ctx.saved_tensors  # type: ignore[attr-defined]
        size = frames.shape[2]
        slope = torch.where(is_free, grad_stddev / (size * stddev), 0.0)
        offset = grad_mean / size - slope * mean
        return torch.addcmul(offset.unsqueeze(2), slope.unsqueeze(2), frames)
