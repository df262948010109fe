"""Gradual unfreezing with discriminative rates: training opens a net group by group, from the output backwards.

J. Howard, S. Ruder, "Universal language model fine-tuning for text classification", ACL 2018, sections 3.2 and 3.3:
at first only the last group of layers is trained; each epoch opens the group before, at the rate of its successor
divided by 2.6.

The step alone decides which groups are open, so a resumed training has the same ones open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Literal

from torch import nn

from ser.errors import SerError


@dataclass(frozen=True)
class GroupConfig:
    """Layers that are opened together.

    Attributes
    ----------
    start : step or epoch, counted from 0, at which their training starts.
    layers : names of layers, or patterns (``encoder.layer.1[01]``). A parameter belongs to the first group that names
        a layer around it, so ``*`` in the last group takes the rest.
    """

    start: int
    layers: tuple[str, ...]


@dataclass(frozen=True)
class UnfreezingConfig:
    """The section `fit.unfreezing:` of a training configuration.

    Attributes
    ----------
    unit : unit of each group's `start`.
    rate_ratio : the learning rate of a group is that of the previous group divided by this (Howard and Ruder: 2.6);
        1 gives all groups the same rate.
    groups : from the output to the input; the first starts at 0.
    """

    unit: Literal["steps", "epochs"]
    rate_ratio: float
    groups: tuple[GroupConfig, ...]


class Unfreezing:
    """The groups of a model's layers, and which of them are open.

    The layers of a closed group are in eval mode: parameters and batch-norm statistics do not change, dropout is off.
    When a group opens, it joins the optimizer with new moments.

    Parameters
    ----------
    model : each trainable parameter is assigned to a group; frozen parameters stay frozen.
    config : see `UnfreezingConfig`; None: one group of all layers, open from the start.
    epoch_batches : number of batches of each epoch.

    Raises
    ------
    SerError
        If a pattern names no layer or a group has nothing to train, a parameter is in no group, a block is in a later
        group than the one below it, the starts don't rise from 0, or the last one is after the end.
    """

    def __init__(self, model: nn.Module, config: UnfreezingConfig | None, epoch_batches: Sequence[int]) -> None:
        self.model = model
        trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        # Group number of every layer but the root ""; without a schedule no group is ever closed.
        self.group_of: dict[str, int] = {}
        self.starts, self.factors = [0], [1.0]
        self.parameters = [list(trained.values())]
        self.num_open = 1
        if config is not None:
            self._read(config, epoch_batches)
            self._share_out(trained, config)
            self.num_open = 0

    def _read(self, config: UnfreezingConfig, epoch_batches: Sequence[int]) -> None:
        if config.rate_ratio < 1:
            raise SerError(f"unfreezing: rate_ratio is {config.rate_ratio:g}; give 1 or more (Howard and Ruder: 2.6)")
        starts = [group.start for group in config.groups]
        if not starts or starts[0] != 0 or any(late <= early for early, late in pairwise(starts)):
            raise SerError(
                f"unfreezing: the groups start at {starts}; the first must start at 0, each other after the one before"
            )
        if config.unit == "epochs":
            starts = [sum(epoch_batches[:start]) for start in starts]
        if starts[-1] >= sum(epoch_batches):
            raise SerError(
                f"unfreezing: the last group starts after the {len(epoch_batches)} epochs ({sum(epoch_batches)} steps) "
                "and would never be trained; let it start sooner, or train longer"
            )
        self.starts = starts
        self.factors = [config.rate_ratio**-number for number in range(len(starts))]

    def _share_out(self, trained: dict[str, nn.Parameter], config: UnfreezingConfig) -> None:
        layers = [name for name, _ in self.model.named_modules() if name]
        for number, group in enumerate(config.groups):
            for pattern in group.layers:
                heads = [name for name in layers if fnmatchcase(name, pattern)]
                if not heads:
                    alike = [name for name in layers if name.count(".") <= pattern.count(".")]
                    raise SerError(
                        f"unfreezing: no layer '{pattern}' in the model; it has {', '.join(alike)}; let fit.unfreezing "
                        "name these, or set it to null"
                    )
                for name in layers:
                    if any(name == head or name.startswith(f"{head}.") for head in heads):
                        self.group_of.setdefault(name, number)
        self._check_order({name for path in trained for name in _around(path)})
        self.parameters = [[] for _ in config.groups]
        alone = [name for name in trained if name.rpartition(".")[0] not in self.group_of]
        if alone:
            raise SerError(
                f"unfreezing: {len(alone)} parameters are in no group, the first '{alone[0]}'; name their layers in a "
                "group ('*' takes all that is left), or in fit.frozen"
            )
        for name, parameter in trained.items():
            self.parameters[self.group_of[name.rpartition(".")[0]]].append(parameter)
        if empty := [number for number, members in enumerate(self.parameters) if not members]:
            names = " ".join(config.groups[empty[0]].layers)
            raise SerError(f"unfreezing: group {empty[0] + 1} ({names}) has nothing to train that no earlier group has")

    def _check_order(self, trained: set[str]) -> None:
        """Refuse groups made for a net with fewer blocks: the blocks above those would open last."""
        numbered = [name.rpartition(".")[::2] for name in self.group_of.keys() & trained]
        blocks = sorted((stem, int(number)) for stem, number in numbered if number.isdecimal())
        for (stem, below), (same, above) in pairwise(blocks):
            low, high = (f"{stem}.{number}".lstrip(".") for number in (below, above))
            if stem == same and self.group_of[high] > self.group_of[low]:
                raise SerError(
                    f"unfreezing: {high} is in group {self.group_of[high] + 1}, after {low}, which is nearer to the "
                    "input; groups go from the output on: let fit.unfreezing name the blocks of this model"
                )

    def open_for(self, step: int) -> bool:
        """Open and close groups as the schedule has them at `step`; return whether anything changed."""
        num_open = sum(start <= step for start in self.starts)
        if num_open == self.num_open:
            return False
        for number, members in enumerate(self.parameters):
            for parameter in members:
                parameter.requires_grad_(number < num_open)
        self.num_open = num_open
        return True

    def set_modes(self) -> None:
        """Put the layers of open groups into training mode and those of closed ones into eval mode."""
        for name, module in self.model.named_modules():
            if name in self.group_of:
                module.training = self.group_of[name] < self.num_open


def _around(path: str) -> Iterator[str]:
    """Yield the names of the layers around a parameter, the innermost first."""
    while path := path.rpartition(".")[0]:
        yield path
