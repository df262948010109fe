"""Pictures of results: DET curves, and bars of equal error rates. They are drawn without a screen."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.special import ndtr, ndtri

from ser.metrics.results import MODALITIES, Result

# Colours that colour-blind readers tell apart (Okabe and Ito 2008), each with a line style and hatching for print.
STYLES = {
    "speech": ("#0072B2", "-", ""),
    "text": ("#E69F00", "--", "//"),
    "speech+text": ("#009E73", "-.", ".."),
}
OTHER_STYLE = ("#CC79A7", ":", "xx")
_TICKS = np.array([0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 80, 95, 99]) / 100
_LOWEST, _HIGHEST = 0.0005, 0.995

Curve = tuple[np.ndarray, np.ndarray]


def average_curves(curves: Sequence[Curve], num_points: int) -> Curve:
    """Average DET curves, such as those of folds: miss rates at the same false alarm rates, on normal deviates.

    Parameters
    ----------
    curves : (miss, false alarm) rates, each pair (n,), n may differ.

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


def draw_det(panels: Mapping[str, Mapping[str, tuple[Result, Curve]]]) -> Figure:
    """Draw DET curves, a panel for each title and a line for each modality, on normal-deviate axes.

    Source: Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.

    Parameters
    ----------
    panels : title -> modality -> (row of the table, (miss, false alarm) rates).
    """
    figure, axes = _panels(len(panels), width=5.0, height=5.2)
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for modality, (result, (miss, false_alarm)) in curves.items():
            colour, line, _ = STYLES.get(modality, OTHER_STYLE)
            label = f"{modality}, {result.layer}: EER {result.eer:.1f} %"
            axis.plot(_deviate(false_alarm), _deviate(miss), line, color=colour, linewidth=1.8, label=label)
            axis.plot(*[ndtri(result.eer / 100)] * 2, "o", color=colour, markersize=5)
        limits = ndtri(_LOWEST), ndtri(0.99)
        axis.plot(limits, limits, color="0.7", linewidth=0.8, zorder=0)
        names = [f"{100 * tick:g}" for tick in _TICKS]
        axis.set(xlim=limits, ylim=limits, xlabel="false alarm rate (%)", ylabel="miss rate (%)", aspect="equal")
        axis.set_xticks(ndtri(_TICKS), names)
        axis.set_yticks(ndtri(_TICKS), names)
        axis.tick_params(labelsize=8)
        axis.grid(color="0.9")
        axis.set_title(title, fontsize=10)
        axis.legend(fontsize=8, loc="upper right")
    return figure


def draw_eer(panels: Mapping[str, Sequence[Result]]) -> Figure:
    """Draw the equal error rate of each layer (a group of bars) and modality (a bar), a panel for each title."""
    widest = max(len({_group(result) for result in results}) for results in panels.values())
    figure, axes = _panels(len(panels), width=max(4.5, 1.3 * widest + 1.5), height=4.0)
    for axis, (title, results) in zip(axes, panels.items(), strict=True):
        groups = list(dict.fromkeys(_group(result) for result in results))
        present = {result.modality for result in results}
        modalities = [name for name in MODALITIES if name in present] + sorted(present - set(MODALITIES))
        width = 0.8 / len(modalities)
        for place, modality in enumerate(modalities):
            colour, _, hatch = STYLES.get(modality, OTHER_STYLE)
            mine = [result for result in results if result.modality == modality]
            centres = [groups.index(_group(result)) + (place - (len(modalities) - 1) / 2) * width for result in mine]
            bars = axis.bar(
                centres, [r.eer for r in mine], width, color=colour, hatch=hatch, edgecolor="white", label=modality
            )
            axis.bar_label(bars, fmt="%.1f", fontsize=7, padding=1)
        axis.axhline(50.0, color="0.4", linewidth=0.8, linestyle=":")
        axis.annotate("chance", (0.995, 50.0), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7)
        axis.set_xticks(range(len(groups)), groups, fontsize=8)
        axis.set(xlabel="layer", ylabel="equal error rate (%)", ylim=(0, max(60.0, max(r.eer for r in results) + 12)))
        axis.set_title(title, fontsize=10)
        axis.legend(fontsize=8, loc="upper left", ncols=len(modalities))
    return figure


def _panels(count: int, width: float, height: float) -> tuple[Figure, list]:
    columns = min(count, 3)
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, place + 1) for place in range(count)]
    return figure, axes


def _group(result: Result) -> str:
    return f"{result.layer}\n(LDA {result.lda_dim})"


def _deviate(rates: np.ndarray) -> np.ndarray:
    return ndtri(np.clip(rates, _LOWEST / 10, 1.0 - _LOWEST / 10))
