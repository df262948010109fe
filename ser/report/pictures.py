"""Figures of results, drawn without a screen: as PNG for a paper, as SVG in the colours of the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.special import ndtr, ndtri

from ser.files import atomic_path, tab_separated, write_text
from ser.report.experiment import modality_order

# Colours that colour-blind readers can distinguish (Okabe and Ito 2008), each with its own line style and marker.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999999")
LINES = ("-", "--", "-.", ":")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", "*")
INK, GRID = "#1f2328", "#d0d7de"
# Colours that an SVG takes from the page, which is light or dark.
_OF_PAGE = {INK: "currentColor", GRID: "var(--line)", COLOURS[0]: "var(--blue)"}
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "figure.dpi": 72,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": GRID,
    "legend.framealpha": 0,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_in_style = matplotlib.rc_context(_STYLE)
# If there are more points than this, they are drawn as pixels, so that the page does not grow with the corpus.
_MOST_VECTOR_POINTS = 2000
# Share of the colour scale up to which white text has more contrast than black.
_DARK = 0.46
_TICKS = np.array([0.1, 1, 5, 20, 40, 60, 80, 95, 99]) / 100
_LOWEST, _HIGHEST = 0.0005, 0.995

Curve = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Picture:
    """A figure with its numbers: `name` names its files; `columns` and `rows` are the table that it shows."""

    name: str
    title: str
    caption: str
    figure: Figure
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]


def to_svg(picture: Picture) -> str:
    """Draw a picture as an SVG element for a page: the same numbers give the same bytes, and ids are unique."""
    stream = io.StringIO()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": picture.name}):
        picture.figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, name in _OF_PAGE.items():
        svg = svg.replace(colour, name)
    # Ids must be unique in a page, but every figure names its groups axes_1 and so on; nothing refers to these. A
    # style element would apply to the whole page.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg).replace("xlink:href", "href")
    svg = re.sub(r"<(metadata|style)[ >].*?</\1>\s*", "", svg, flags=re.DOTALL)
    (size,) = re.findall(r'viewBox="[^"]*"', svg)[:1]
    return re.sub(r"<svg[^>]*>", f'<svg {size} role="img" aria-label="{escape(picture.title)}">', svg, count=1)


def write_files(picture: Picture, folder: Path) -> None:
    """Write ``<name>.png`` and ``<name>.tsv``."""
    with atomic_path(folder / f"{picture.name}.png") as temporary, matplotlib.rc_context(_STYLE):
        picture.figure.savefig(temporary, format="png", dpi=180, facecolor="white", metadata={"Software": None})
    write_text(folder / f"{picture.name}.tsv", tab_separated(picture.columns, picture.rows))


def average_curves(curves: Sequence[Curve], num_points: int) -> Curve:
    """Average DET curves, such as those of folds: mean miss rate at each false alarm rate, on a normal-deviate scale.

    Parameters
    ----------
    curves : (miss, false alarm) rates, each (n,); n may differ between curves.

    Returns
    -------
    miss, false alarm : (num_points,).
    """
    if len(curves) == 1:
        return curves[0]
    grid = np.linspace(ndtri(_LOWEST), ndtri(_HIGHEST), num_points)
    misses = []
    for miss, false_alarm in curves:
        order = np.lexsort((-miss, false_alarm))
        misses.append(np.interp(grid, _deviate(false_alarm[order]), _deviate(miss[order])))
    return ndtr(np.mean(misses, axis=0)), ndtr(grid)


@_in_style
def draw_det(title: str, curves: Mapping[str, tuple[str, float, Curve]]) -> Figure:
    """Draw DET curves, a line for each modality, on normal-deviate axes.

    Source: Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.

    Parameters
    ----------
    curves : modality -> (name, EER in percent, (miss, false alarm) rates).
    """
    figure, axes = _axes(4.6, 4.8, title)
    limits = ndtri(_LOWEST), ndtri(0.99)
    axes.plot(limits, limits, color=INK, linewidth=0.6, zorder=0)
    for modality, (name, eer, (miss, false_alarm)) in curves.items():
        place = _place(modality)
        label = f"{name}: EER {eer:.1f} %"
        axes.plot(_deviate(false_alarm), _deviate(miss), LINES[place], color=COLOURS[place], label=label)
        axes.plot(*[ndtri(eer / 100)] * 2, MARKS[place], color=COLOURS[place], markersize=6)
    names = [f"{100 * tick:g}" for tick in _TICKS]
    axes.set(xlim=limits, ylim=limits, xlabel="false alarm rate (%)", ylabel="miss rate (%)", aspect="equal")
    axes.set_xticks(ndtri(_TICKS), names)
    axes.set_yticks(ndtri(_TICKS), names)
    axes.legend(loc="upper right")
    return figure


@_in_style
def draw_map(
    title: str,
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    labels: tuple[str, str, str],
    limits: tuple[float, float],
) -> Figure:
    """Draw a matrix as coloured squares, each with its text.

    Parameters
    ----------
    values : (R, C); NaN for an empty square.
    labels : y axis, x axis and colour bar, with units.
    limits : values that get the darkest and the lightest colour.
    """
    longest = max(map(len, columns))
    upright = longest * len(columns) > 45
    figure, axes = _axes(4.8, 1.6 + 0.5 * len(rows) + 0.08 * longest * upright, title)
    mesh = axes.pcolormesh(np.ma.masked_invalid(values), cmap="cividis", vmin=limits[0], vmax=limits[1])
    mesh.set(edgecolor="face", linewidth=0.4)  # no hairlines between squares
    for row, column in np.argwhere(np.isfinite(values)):
        light = values[row, column] > limits[0] + _DARK * (limits[1] - limits[0])
        axes.text(
            *(column + 0.5, row + 0.5, texts[row][column]),
            ha="center",
            va="center",
            fontsize=8,
            color="black" if light else "white",
        )
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90 * upright)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.set(ylabel=labels[0], xlabel=labels[1])
    axes.invert_yaxis()
    axes.grid(False)
    figure.colorbar(mesh, ax=axes, label=labels[2], fraction=0.05, pad=0.02)
    return figure


@_in_style
def draw_dots(
    title: str, label: str, names: Sequence[str], dots: Mapping[str, np.ndarray], log: bool = False
) -> Figure:
    """Draw a dot plot: a row for each name, its values as dots with their intervals.

    Parameters
    ----------
    label : of the x axis, with its unit.
    names : (N,) names of the rows, from the top.
    dots : name in the legend -> (N, 3): value, lower and upper bound; NaN if there is none.
    """
    figure, axes = _axes(4.8, 1.3 + 0.16 * len(names) * max(2, len(dots)), title)
    height = 0.7 / len(dots)
    for place, (name, values) in enumerate(dots.items()):
        y = np.arange(len(names)) + (place - (len(dots) - 1) / 2) * height
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(values[:, 0], y, MARKS[place % len(MARKS)], color=colour, label=name, markersize=5)
        axes.hlines(y, values[:, 1], values[:, 2], color=colour, linewidth=1.4)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(xlabel=label, **({"xscale": "log"} if log else {}))
    if len(dots) > 1:
        figure.legend(loc="outside lower center", ncols=3)
    return figure


@_in_style
def draw_reliability(title: str, bins: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw a reliability diagram: the share of right choices, by the posterior of the chosen class.

    Parameters
    ----------
    bins : modality -> (mean posterior of the chosen class, share of right choices), each (B,), shares of 1.
    """
    figure, axes = _axes(4.6, 4.4, title)
    axes.plot((0, 100), (0, 100), color=INK, linewidth=0.6, zorder=0)
    for modality, (confidence, accuracy) in bins.items():
        place = _place(modality)
        axes.plot(
            *(100 * confidence, 100 * accuracy, LINES[place] + MARKS[place]), color=COLOURS[place], label=modality
        )
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    axes.set(xlabel="posterior of the chosen class (%)", ylabel="chosen class is right (%)")
    axes.legend(loc="upper left")
    return figure


@_in_style
def draw_scatter(title: str, points: np.ndarray, labels: Sequence[str]) -> Figure:
    """Draw utterances in the first two LDA dimensions, a colour and a marker for each class.

    Parameters
    ----------
    points : (N, 2).
    labels : (N,) classes.
    """
    figure, axes = _axes(4.6, 4.6, title)
    mine = np.asarray(labels)
    for place, name in enumerate(sorted(set(labels))):
        axes.plot(
            *(*points[mine == name].T, MARKS[place % len(MARKS)]),
            color=COLOURS[place % len(COLOURS)],
            alpha=0.75,
            markersize=4.5,
            markeredgewidth=0,
            label=f"{name} ({np.count_nonzero(mine == name)})",
            rasterized=len(points) > _MOST_VECTOR_POINTS,
        )
    axes.set(xlabel="first LDA dimension", ylabel="second LDA dimension")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@_in_style
def draw_training(title: str, label: str, curves: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]) -> Figure:
    """Draw a quantity of trainings, such as the loss, by epoch.

    Parameters
    ----------
    label : of the y axis, with its unit.
    curves : training or validation -> (epochs, values) of each training, each (E,).
    """
    figure, axes = _axes(4.6, 3.4, title)
    for place, (part, lines) in enumerate(curves.items()):
        for number, (epochs, values) in enumerate(lines):
            axes.plot(
                *(epochs, values, LINES[place] + MARKS[place]),
                color=COLOURS[place],
                alpha=1.0 if len(lines) == 1 else 0.7,
                markersize=3.5,
                label=part if number == 0 else None,
            )
    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return figure


def _axes(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """Make a figure of one pair of axes, `width` by `height` inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title)
    return figure, axes


def _place(modality: str) -> int:
    return modality_order(modality)[0]


def _deviate(rates: np.ndarray) -> np.ndarray:
    return ndtri(np.clip(rates, _LOWEST / 10, 1.0 - _LOWEST / 10))
