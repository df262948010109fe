"""The settings of the training loop, the section `fit:` of every training configuration."""

from dataclasses import dataclass
from typing import Literal

from ser.config import check_ranges
from ser.training.unfreezing import UnfreezingConfig


@dataclass(frozen=True)
class FitConfig:
    """The section `fit:` of a training configuration; 0 switches a limit off."""

    epochs: int
    optimizer: Literal["sgd", "adamw", "adam"]
    learning_rate: float  # at the first step; applies to the mean gradient over a minibatch
    final_learning_rate: float  # at the last step; exponential decay in between
    warmup_fraction: float  # share of all steps over which the rate rises linearly from 0
    momentum: float  # of sgd: a running average of the gradients, as in Kaldi
    weight_decay: float
    max_grad_norm: float  # gradients with a larger 2-norm are scaled down to it
    max_change: float  # limit on the 2-norm of the change of all parameters in one step (Kaldi: 2.0)
    max_change_layer: float  # limit on the 2-norm of the change of one layer in one step (Kaldi: 0.75)
    dropout_schedule: str  # dropout rate by time, Kaldi's value,value@share,...,value; empty: the model's own rates
    frozen: tuple[str, ...]  # layers that stay as they are, batch-norm statistics included
    best_by: Literal["loss", "accuracy"]  # measure on the validation set that chooses the best epoch
    patience: int  # epochs without improvement after which training stops
    precision: Literal["fp32", "bf16"]  # bf16: autocast on a GPU; a CPU always takes fp32
    checkpoint_steps: int  # steps between checkpoints inside an epoch; one is written after each epoch anyway
    seed: int
    unfreezing: UnfreezingConfig | None = None  # opens the layers group by group; None trains all from the start

    def __post_init__(self) -> None:
        check_ranges(
            "fit",
            self,
            epochs="[1, inf)",
            learning_rate="(0, inf)",
            final_learning_rate="(0, inf)",
            warmup_fraction="[0, 1)",
            momentum="[0, 1)",
            weight_decay="[0, inf)",
            max_grad_norm="[0, inf)",
            max_change="[0, inf)",
            max_change_layer="[0, inf)",
            patience="[0, inf)",
            checkpoint_steps="[0, inf)",
            seed="[0, inf)",
        )
