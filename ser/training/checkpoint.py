"""Where training is, in one file: enough to go on as if it had never stopped."""

import dataclasses
import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from ser.errors import SerError
from ser.files import atomic_path, cannot_write
from ser.training.curve import EpochRow


@dataclass
class Progress:
    """The place in the plan and the record so far; with weights and optimizer state, all that a checkpoint holds."""

    epoch: int = 0
    batch: int = 0  # batches done of that epoch
    step: int = 0  # batches done of all
    sums: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of that epoch: loss times rows, right answers, rows
    seconds: float = 0.0  # spent on that epoch
    rows: list[EpochRow] = field(default_factory=list)  # of the epochs that are done


def save(path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Write a checkpoint that `torch.load(..., weights_only=True)` reads."""
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": dataclasses.asdict(progress),
    }
    with atomic_path(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:  # which says nothing of the disk
            raise cannot_write(path, "PyTorch's writer failed, as it does on a full disk") from error


def load(path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Put `model` and `optimizer` into the state that `save` wrote."""
    try:
        # PyTorch writes the checksums that a zip file has, but does not look at them.
        with zipfile.ZipFile(path) as file:
            if damaged := file.testzip():
                raise SerError(f"{path}: damaged, at its part {damaged}; remove it to train anew")
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        raise SerError(f"{path}: not a checkpoint of this model: {reason}; remove it to train anew") from error
    progress = Progress(**state["progress"])
    progress.sums = tuple(progress.sums)
    progress.rows = [EpochRow(**row) for row in progress.rows]
    return progress
