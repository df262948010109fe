"""Optimizer, learning rate, dropout schedule, and Kaldi's max-change."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ser.errors import SerError


def make_optimizer(
    groups: Sequence[Sequence[nn.Parameter]],
    kind: str,
    momentum: float,
    weight_decay: float,
    rate_factors: Sequence[float] = (1.0,),
) -> torch.optim.Optimizer:
    """Make the optimizer of `groups` of parameters; the learning rate is set at each step.

    Each group is trained at the learning rate times its factor, which is ``rate_factor`` in the optimizer's own groups.
    Parameters without a gradient do not change, and their moments start with their first gradient.

    ``sgd`` keeps a running average of the gradients as Kaldi does, m v + (1 - m) g, so that momentum does not
    raise the learning rate. ``adamw`` (Loshchilov & Hutter, ICLR 2019) spares biases and norms the weight decay;
    ``adam`` (Kingma & Ba, ICLR 2015) adds it to the gradient of every parameter, as PyTorch's does.
    """
    if not any(groups):
        raise SerError("every layer is frozen, so there is nothing to train; shorten `frozen`")
    chosen = []
    for members, factor in zip(groups, rate_factors, strict=True):
        parts = [(members, weight_decay)]
        if kind == "adamw":
            parts = [
                ([parameter for parameter in members if parameter.ndim > 1], weight_decay),
                ([parameter for parameter in members if parameter.ndim <= 1], 0.0),
            ]
        chosen += [{"params": list(part), "weight_decay": decay, "rate_factor": factor} for part, decay in parts]
    if kind == "sgd":
        return torch.optim.SGD(chosen, lr=0.0, momentum=momentum, dampening=momentum)
    # The fused step rounds square roots alike on every processor, unlike torch.sqrt: see ser.models.pooling.
    return (torch.optim.Adam if kind == "adam" else torch.optim.AdamW)(chosen, lr=0.0, fused=True)


def learning_rate(step: int, steps: int, initial: float, final: float, warmup_fraction: float) -> float:
    """Decay exponentially from `initial` at the first step to `final` at the last, after a linear warm-up.

    >>> [round(learning_rate(step, 5, 1.0, 0.01, 0.0), 4) for step in range(5)]
    [1.0, 0.3162, 0.1, 0.0316, 0.01]
    >>> learning_rate(0, 1, 1.0, 0.01, 0.0)
    1.0
    >>> [round(learning_rate(step, 4, 1.0, 1.0, 0.5), 4) for step in range(4)]
    [0.5, 1.0, 1.0, 1.0]
    """
    rise = min(1.0, (step + 1) / max(1.0, warmup_fraction * steps))
    return rise * initial * (final / initial) ** (step / max(1, steps - 1))


def dropout_schedule(text: str) -> Callable[[float], float]:
    """Parse Kaldi's ``value,value@share,...,value``: linear pieces over the share of training that is done.

    >>> schedule = dropout_schedule("0,0@0.2,0.1@0.5,0")
    >>> [round(schedule(done), 3) for done in (0.0, 0.2, 0.35, 0.5, 0.75, 1.0)]
    [0.0, 0.0, 0.05, 0.1, 0.05, 0.0]
    """
    points = text.split(",")
    try:
        if len(points) == 1:
            points *= 2
        ends = [(0.0, float(points[0]))], [(1.0, float(points[-1]))]
        inner = [tuple(map(float, reversed(point.split("@")))) for point in points[1:-1]]
        shares, values = zip(*(ends[0] + inner + ends[1]), strict=True)
    except ValueError as error:
        raise SerError(f"dropout_schedule: expected value,value@share,...,value; found '{text}'") from error
    if list(shares) != sorted(shares) or not all(0 <= value < 1 for value in values):
        raise SerError(f"dropout_schedule: shares must rise from 0 to 1, values lie in [0, 1); found '{text}'")
    return lambda done: float(np.interp(done, shares, values))


class MaxChange:
    """Kaldi's max-change: a limit on the 2-norm of one minibatch's parameter change (Povey et al., ICLR workshop 2015).

    Parameters
    ----------
    model : the model whose trained parameters are limited.
    layer : limit for each layer; 0 for none. Applied first.
    whole : limit for all layers together; 0 for none.
    """

    def __init__(self, model: nn.Module, layer: float, whole: float) -> None:
        self.layer, self.whole = layer or float("inf"), whole or float("inf")
        self.layers: defaultdict[str, list[tuple[Tensor, Tensor]]] = defaultdict(list)
        if layer or whole:
            for name, parameter in model.named_parameters():
                if parameter.requires_grad:
                    # Each parameter with a buffer for its old value, which is reused from step to step.
                    self.layers[name.rpartition(".")[0]].append(
                        (parameter.detach(), torch.empty_like(parameter.detach()))
                    )

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Scale down the change of the parameters by the block (the optimizer's step), where it exceeds a limit."""
        pairs = [pair for layer in self.layers.values() for pair in layer]
        for parameter, before in pairs:
            before.copy_(parameter)
        yield
        if not pairs:
            return
        for parameter, before in pairs:
            before.sub_(parameter)  # now it holds old value minus new value
        # All values stay on the device, so that a GPU does not wait.
        norms = torch.stack([torch.stack([back.norm() for _, back in layer]).norm() for layer in self.layers.values()])
        scales = (self.layer / norms).clamp(max=1.0)
        scales = scales * (self.whole / (norms * scales).norm()).clamp(max=1.0)
        for layer, scale in zip(self.layers.values(), scales, strict=True):
            for parameter, back in layer:
                parameter.add_(back.mul_(1.0 - scale))
