"""The record of a training, an epoch a row: as a table and as a picture."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ser.files import atomic_path, tab_separated, write_text


@dataclass(frozen=True)
class EpochRow:
    """One epoch; losses in nats, accuracies as shares of 1; train figures are means over the epoch as it ran."""

    epoch: int  # from 1
    learning_rate: float
    train_loss: float
    train_accuracy: float
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float

    def __str__(self) -> str:
        text = f"epoch {self.epoch}: train loss {self.train_loss:.4f}, accuracy {100 * self.train_accuracy:.1f} %"
        if self.valid_loss is not None:
            text += f"; valid loss {self.valid_loss:.4f}, accuracy {100 * self.valid_accuracy:.1f} %"
        return f"{text}; {self.seconds:.1f} s"


def best(rows: Sequence[EpochRow], best_by: str) -> EpochRow:
    """Find the row with the lowest validation ``loss`` or the highest ``accuracy``; of equals, the first."""
    if best_by == "loss":
        return min(rows, key=lambda row: row.valid_loss)
    return max(rows, key=lambda row: row.valid_accuracy)


def write_table(path: str | Path, rows: Sequence[EpochRow]) -> None:
    """Write ``train.tsv``: a header, then a row an epoch, tab separated; empty where there is no validation."""
    columns = [field.name for field in dataclasses.fields(EpochRow)]
    lines = (["" if value is None else f"{value:.6g}" for value in dataclasses.astuple(row)] for row in rows)
    write_text(path, tab_separated(columns, lines))


def write_picture(path: str | Path, rows: Sequence[EpochRow]) -> None:
    """Draw loss and accuracy by epoch, training and validation, as a PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = [row.epoch for row in rows]
    for axes, name, factor, unit in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), (1, 100), ("nats an example", "%"), strict=True
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
