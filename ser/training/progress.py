"""Progress of a training: a record with a row per epoch (table and picture), and the checkpoint."""

import dataclasses
import math
import pickle
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import nn

from ser.errors import SerError
from ser.files import atomic_path, cannot_write, tab_separated, write_text


@dataclass(frozen=True)
class EpochRow:
    """A row of the record. Losses in nats, accuracies 0 to 1; train figures are means while the epoch ran."""

    epoch: int  # from 1
    learning_rate: float
    train_loss: float
    train_accuracy: float
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float

    def validation(self, name: str) -> float:
        """Return the validation ``loss`` or ``accuracy``; the training must have a validation set."""
        value = self.valid_loss if name == "loss" else self.valid_accuracy
        return math.nan if value is None else value

    def __str__(self) -> str:
        text = f"epoch {self.epoch}: train loss {self.train_loss:.4f}, accuracy {100 * self.train_accuracy:.1f} %"
        if self.valid_loss is not None:
            accuracy = 100 * self.validation("accuracy")
            text += f"; valid loss {self.valid_loss:.4f}, accuracy {accuracy:.1f} %"
        return f"{text}; {self.seconds:.1f} s"


def best_epoch(rows: Sequence[EpochRow], best_by: str) -> EpochRow:
    """Find the row with the lowest validation ``loss`` or the highest ``accuracy``; of equals, the first."""
    if best_by == "loss":
        return min(rows, key=lambda row: row.validation("loss"))
    return max(rows, key=lambda row: row.validation("accuracy"))


def write_table(path: str | Path, rows: Sequence[EpochRow]) -> None:
    """Write ``train.tsv``: a header, then a row per epoch, tab separated; fields of validation may be empty."""
    columns = [field.name for field in dataclasses.fields(EpochRow)]
    lines = (["" if value is None else f"{value:.6g}" for value in dataclasses.astuple(row)] for row in rows)
    write_text(path, tab_separated(columns, lines))


def write_picture(path: str | Path, rows: Sequence[EpochRow]) -> None:
    """Draw loss and accuracy by epoch, training and validation, as a PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = [row.epoch for row in rows]
    for axes, name, factor, unit in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), (1, 100), ("nats per example", "%"), strict=True
    ):
        for part, style in (("train", "o-"), ("valid", "s--")):
            values = [getattr(row, f"{part}_{name}") for row in rows]
            if None not in values:
                axes.plot(epochs, [factor * value for value in values], style, markersize=4, label=part)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{name} ({unit})")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


@dataclass
class Progress:
    """The position in training and the record so far. A checkpoint holds these, the weights and the optimizer state."""

    epoch: int = 0
    batch: int = 0  # batches done in this epoch
    step: int = 0  # batches done in all
    sums: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of this epoch: loss times rows, right answers, rows
    seconds: float = 0.0  # spent on this epoch
    rows: list[EpochRow] = field(default_factory=list)  # of the finished epochs


def save_checkpoint(path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Write a checkpoint that `torch.load(..., weights_only=True)` reads."""
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": dataclasses.asdict(progress),
    }
    with atomic_path(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:  # PyTorch's own message does not mention the disk
            raise cannot_write(path, "PyTorch's writer failed, as it does on a full disk") from error


def load_checkpoint(path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Put `model` and `optimizer` into the state that `save` wrote."""
    try:
        # PyTorch writes the checksums of a zip file but does not check them.
        with zipfile.ZipFile(path) as file:
            if damaged := file.testzip():
                raise SerError(f"{path}: damaged in its member {damaged}; remove it to train again")
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        # A checkpoint of an older version has another implementation of the optimizer's step; this one's stays.
        for old, own in zip(state["optimizer"]["param_groups"], optimizer.param_groups, strict=True):
            old |= {key: own[key] for key in ("fused", "foreach") if key in own}
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        raise SerError(f"{path}: not a checkpoint of this model: {reason}; remove it to train again") from error
    saved = state["progress"]
    saved["sums"] = tuple(saved["sums"])
    saved["rows"] = [EpochRow(**row) for row in saved["rows"]]
    return Progress(**saved)
