"""Writes the learnt weights of an encoder's layers as a table and a picture."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ser.files import atomic_path, tab_separated, write_text


def write_layer_weights(folder: str | Path, layers: Sequence[str], weights: Sequence[float]) -> None:
    """Write ``layer_weights.tsv``, one row per layer, and the bar chart ``layer_weights.png`` to `folder`."""
    folder = Path(folder)
    rows = [(layer, f"{weight:.6f}") for layer, weight in zip(layers, weights, strict=True)]
    write_text(folder / "layer_weights.tsv", tab_separated(("layer", "weight"), rows))
    figure = Figure(figsize=(max(4.0, 0.35 * len(rows)), 3), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(rows)), weights, color="#0072b2")
    axes.axhline(1 / len(rows), color="#999999", linestyle="--", label="equal weights")
    axes.set_xticks(range(len(rows)), list(layers))
    axes.set_xlabel("layer")
    axes.set_ylabel("weight")
    axes.legend(frameon=False)
    with atomic_path(folder / "layer_weights.png") as temporary:
        figure.savefig(temporary, format="png", dpi=100)
