"""Frozen layers: training does not change them."""

from collections.abc import Iterable

from torch import nn

from ser.errors import SerError


def freeze(model: nn.Module, names: Iterable[str]) -> list[nn.Module]:
    """Freeze the layers `names` and return them; the training loop keeps them in eval mode.

    In eval mode their batch-norm statistics do not change, and their dropout is off.
    """
    frozen = []
    for name in names:
        try:
            frozen.append(model.get_submodule(name).requires_grad_(False))
        except AttributeError as error:
            layers = ", ".join(layer for layer, _ in model.named_modules() if layer)
            raise SerError(f"frozen: no layer '{name}' in the model; it has {layers}") from error
    return frozen
