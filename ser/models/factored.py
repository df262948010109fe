"""The layers of a factored TDNN, its dropout, and the constraint on its matrices.

Povey et al., "Semi-orthogonal low-rank matrix factorization for deep neural networks", Interspeech 2018; Kaldi's
nnet3/nnet-utils.cc (ConstrainOrthonormalInternal) and nnet-simple-component.cc (GeneralDropoutComponent). Frames are
time first: (T, B, C).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.models.tdnn import BATCHNORM_EPSILON


def linear(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """Make an affine map with Kaldi's initial values: weights of variance 1 / inputs, biases of variance 1."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.normal_(layer.weight, std=inputs**-0.5)
    if bias:
        nn.init.normal_(layer.bias)
    return layer


class FixedAffine(nn.Module):
    """An affine map that is not trained; it is the identity until its weights are set."""

    weight: Tensor
    bias: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(dim))
        self.register_buffer("bias", torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        return functional.linear(x, self.weight, self.bias)


class TimeSharedDropout(nn.Dropout):
    """Multiplies each dimension of a sequence by a random factor, uniform in [1 - 2p, 1 + 2p] and constant over time.

    Kaldi's GeneralDropoutComponent with ``continuous=true`` over a whole sequence.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (T, B, C) to (T, B, C)."""
        if not self.training or not self.p:
            return x
        scale = torch.rand(x.shape[1:], dtype=x.dtype, device=x.device)
        return x * (scale * (4 * self.p) + (1 - 2 * self.p))


class _Activation(nn.Module):
    """ReLU, batch norm over time and batch, dropout."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(dim, eps=BATCHNORM_EPSILON, affine=False)
        self.dropout = TimeSharedDropout(0.0)

    def activate(self, x: Tensor) -> Tensor:
        return self.dropout(normalise(functional.relu(x), self.batchnorm))


def normalise(x: Tensor, batchnorm: nn.BatchNorm1d) -> Tensor:
    """Apply a batch norm to (T, B, C)."""
    return batchnorm(x.reshape(-1, x.shape[2])).view(x.shape)


class TimeDelayLayer(_Activation):
    """Affine, ReLU, batch norm, dropout, for each frame by itself."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(outputs)
        self.affine = linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (T, B, C) to (T, B, C')."""
        return self.activate(self.affine(x))


class FactoredLayer(_Activation):
    """A linear map of frames t - s and t to a bottleneck, an affine map of bottlenecks t and t + s, and a bypass.

    With stride s = 0 both maps see only frame t.
    """

    def __init__(self, dim: int, bottleneck: int, stride: int) -> None:
        super().__init__(dim)
        self.stride, parts = stride, 2 if stride else 1
        self.linear = linear(parts * dim, bottleneck, bias=False)
        self.affine = linear(parts * bottleneck, dim)

    def forward(self, x: Tensor, bypass_scale: float, every: int = 1, unit: int = 1) -> Tensor:
        """Map (T, B, C) to (T - 2 s, B, C), computed only at every `every`-th frame.

        `unit` is the distance in frames between two rows of `x`; the stride in rows is s / `unit`.
        """
        stride = self.stride // unit
        count = len(x) - 2 * stride
        bypass = x[stride : stride + count : every]
        if not stride and self.stride:
            raise ValueError(f"a stride of {self.stride} frames at every {unit}th frame")
        if not stride:
            y = self.affine(self.linear(bypass))
        elif every == 1:
            y = _joined(self.affine, _joined(self.linear, x, stride), stride)
        else:
            # Compute the bottleneck at t and at t + s, only for the wanted t.
            before, at, after = (x[start : start + count : every] for start in (0, stride, 2 * stride))
            halves = self.linear.weight.chunk(2, dim=1)
            now = functional.linear(before, halves[0]) + functional.linear(at, halves[1])
            later = functional.linear(at, halves[0]) + functional.linear(after, halves[1])
            y = self.affine(torch.cat([now, later], dim=2))
        return self.activate(y) + bypass_scale * bypass


class Prefinal(nn.Module):
    """Maps the narrow prefinal-l to the layers' width and back: affine, ReLU, batch norm, linear, batch norm."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.affine = linear(narrow, wide)
        self.batchnorm1 = nn.BatchNorm1d(wide, eps=BATCHNORM_EPSILON, affine=False)
        self.linear = linear(wide, narrow, bias=False)
        self.batchnorm2 = nn.BatchNorm1d(narrow, eps=BATCHNORM_EPSILON, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (T, B, narrow) to (T, B, narrow)."""
        return normalise(self.linear(self.expand(x)), self.batchnorm2)

    def expand(self, x: Tensor) -> Tensor:
        """Map (T, B, narrow) to (T, B, wide), the first batch norm's output."""
        return normalise(functional.relu(self.affine(x)), self.batchnorm1)


def _joined(layer: nn.Linear, x: Tensor, stride: int) -> Tensor:
    """Apply an affine map to frames t and t + `stride` together, without concatenating them: (T - stride, B, C')."""
    first, second = layer.weight.chunk(2, dim=1)
    return functional.linear(x[:-stride], first, layer.bias) + functional.linear(x[stride:], second)


@torch.no_grad()
def constrain(matrix: Tensor) -> None:
    """Move a matrix M one step towards M M^T = alpha^2 I, in place; alpha is computed from the matrix.

    With P = M M^T, alpha^2 = tr(P P) / tr(P), and M becomes M - 4 nu / alpha^2 (P - alpha^2 I) M. Kaldi's step size nu
    is 1/8. It is halved where M is far from the constraint, and halved again where M is farther, to avoid divergence.

    Parameters
    ----------
    matrix : (rows, columns) on any device; if it has more rows than columns, its columns become orthogonal.
    """
    m = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    product = (m @ m.T).float()
    trace, square = product.trace(), (product * product).sum()
    ratio = square * len(product) / trace**2  # 1 where the constraint holds, else greater
    nu = 0.125 * torch.where(ratio > 1.02, 0.5, 1.0) * torch.where(ratio > 1.1, 0.5, 1.0)
    alpha2 = square / trace
    product.diagonal().sub_(alpha2)
    m.sub_((4.0 * nu / alpha2 * product).to(m.dtype) @ m)
