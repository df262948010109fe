"""Batch normalisation with the statistics of all processes' rows, so that several processes train as one does.

PyTorch's SyncBatchNorm does the same on GPUs only.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm


class SharedBatchNorm(_BatchNorm):
    """Takes the place of BatchNorm1d or 2d, with its parameters and buffers; inputs (B, C, ...), of any B a process."""

    def _check_input_dim(self, inputs: Tensor) -> None:
        """Take what the layer in whose place this is has taken."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise; in training by the statistics of all processes' inputs together."""
        if not self.training:
            return super().forward(inputs)
        values = inputs.float()
        rest = [axis for axis in range(inputs.dim()) if axis != 1]
        shape = [1, -1, *(1 for _ in rest[1:])]
        count = torch.tensor(values.numel() / values.shape[1], device=values.device)
        dist.all_reduce(count)
        # all_reduce of torch.distributed.nn is differentiable: a row's gradient is of every process's loss.
        mean = all_reduce(values.sum(rest)) / count
        centred = values - mean.view(shape)
        variance = all_reduce((centred**2).sum(rest)) / count
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        result = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            result = result * self.weight.view(shape) + self.bias.view(shape)
        return result.to(inputs.dtype)


def share_batch_norms(model: nn.Module, world: int) -> None:
    """Put a SharedBatchNorm in the place of each batch normalisation of `model`, where there are more processes."""
    for parent in list(model.modules()) if world > 1 else ():
        for name, old in parent.named_children():
            if isinstance(old, _BatchNorm):
                new = SharedBatchNorm(old.num_features, old.eps, old.momentum, old.affine)
                new.load_state_dict(old.state_dict())
                setattr(parent, name, new.to(next(model.parameters()).device))
