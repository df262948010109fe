#!/usr/bin/env python3
"""Draw docs/pipeline.svg, the picture of the README: what the four systems share and where they differ.

python3 docs/draw_pipeline.py
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch

WIDTH, HEIGHT = 11.0, 4.7  # inches, and the units of all positions
BOX_HEIGHT = 0.78
SHARED, SPEECH, TEXT = "#e8edf3", "#dcebdd", "#f6e7d3"
INK = "#1d2733"

# name -> (x and y of the middle, width, colour, title, what it says below)
BOXES = {
    "corpora": (1.0, 2.65, 1.6, SHARED, "corpora", "as distributed"),
    "data": (3.0, 2.65, 1.6, SHARED, "data dirs", "audited folds"),
    "features": (5.0, 4.2, 1.6, SPEECH, "features", "MFCC, pitch, log mel"),
    "texts": (5.0, 1.1, 1.6, TEXT, "texts", "gold, none, a file"),
    "a": (7.2, 4.85, 2.0, SPEECH, "A  x-vector TDNN", "speakers, then emotion"),
    "b": (7.2, 3.95, 2.0, SPEECH, "B  TDNN-F", "words, i-vectors"),
    "c": (7.2, 3.05, 2.0, SPEECH, "C  audio encoders", "YAMNet, SSL, triplets"),
    "d": (7.2, 2.15, 2.0, SPEECH, "D  VGG CNN", "spectrograms"),
    "bert": (7.2, 1.1, 2.0, TEXT, "BERT, T5", "fine-tuned on emotion"),
    "decide": (9.75, 3.3, 2.1, SHARED, "back ends", "LDA-PLDA, co-attention, fusion"),
    "out": (9.75, 1.4, 2.1, SHARED, "table, card, report", "and a detector"),
}
ARROWS = [
    ("corpora", "data"), ("data", "features"), ("data", "texts"), ("features", "a"), ("features", "b"),
    ("features", "c"), ("features", "d"), ("texts", "bert"), ("a", "decide"), ("b", "decide"), ("c", "decide"),
    ("d", "decide"), ("bert", "decide"), ("decide", "out"),
]  # fmt: skip


def draw(path: Path) -> None:
    """Write the picture; the same bits each time."""
    mpl.rcParams.update({"svg.hashsalt": "pipeline", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = plt.figure(figsize=(WIDTH, HEIGHT), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0.6, 0.6 + HEIGHT))
    axes.axis("off")
    for x, y, width, colour, title, below in BOXES.values():
        corner = (x - width / 2, y - BOX_HEIGHT / 2)
        style = "round,pad=0,rounding_size=0.1"
        axes.add_patch(FancyBboxPatch(corner, width, BOX_HEIGHT, style, facecolor=colour, edgecolor=INK, linewidth=0.8))
        axes.text(x, y + 0.13, title, ha="center", va="center", fontsize=11, weight="bold", color=INK)
        axes.text(x, y - 0.18, below, ha="center", va="center", fontsize=9, color=INK)
    for source, target in ARROWS:
        axes.annotate("", _end(target, source), _end(source, target), arrowprops={"arrowstyle": "-|>", "color": INK})
    figure.savefig(path, format="svg", metadata={"Date": None})


def _end(name: str, other: str) -> tuple[float, float]:
    """Return the middle of the side of a box that faces another one."""
    x, y, width = BOXES[name][:3]
    if BOXES[other][0] == x:
        return x, y + BOX_HEIGHT / 2 * (1 if BOXES[other][1] > y else -1)
    return x + width / 2 * (1 if BOXES[other][0] > x else -1), y


if __name__ == "__main__":
    draw(Path(__file__).with_name("pipeline.svg"))
