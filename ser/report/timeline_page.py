"""Page of emotion over time: a curve of each class's posterior, and a player whose position moves along them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from ser.report import page
from ser.report.script import TIMELINE_SCRIPT
from ser.report.style import CSS, ERRORS_CSS, TIMELINE_CSS

if TYPE_CHECKING:
    from ser.detect.detection import Detection

# Colours that colour-blind readers can distinguish (Okabe and Ito 2008); the dashes differ in grey, too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")
DASHES = ("", "8 4", "2 3", "10 3 2 3", "14 4", "1 2", "6 6")
WIDTH, HEIGHT = 1000, 200
# Maps a recording and channel to its sound: a data URI ('' for none) and its length in seconds.
Sounds = Callable[[str, "int | None"], tuple[str, float]]


def timeline_page(
    detections: Sequence[Detection], classes: Sequence[str], sounds: Sounds, remarks: Sequence[str] = ()
) -> str:
    """Write the page of `detections`: the windows of each recording in turn, or whole recordings; `remarks` on all."""
    recordings: dict[tuple[str, int | None], list[Detection]] = {}
    for one in detections:
        recordings.setdefault((one.file, one.channel), []).append(one)
    sections = "".join(
        _recording(place, file, channel, found, classes, *sounds(file, channel))
        for place, ((file, channel), found) in enumerate(recordings.items())
    )
    title = f"Emotion over time: {len(recordings)} recording{'s' * (len(recordings) != 1)}"
    head = page.paragraph(
        "Posterior of each class in each window, with equal priors, from 0 to 1. Gaps are windows with too little "
        "speech. Press or click a curve to listen from there; the line follows the player."
    )
    head += "".join(page.paragraph(remark, "missing") for remark in remarks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}{ERRORS_CSS}{TIMELINE_CSS}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n{head}{_legend(classes)}</header>\n<main>\n{sections}</main>\n"
        f"<script>{TIMELINE_SCRIPT}</script>\n</body>\n</html>\n"
    )


def curves(found: Sequence[Detection], classes: Sequence[str]) -> dict[str, list[list[tuple[float, float]]]]:
    """Return class -> pieces of (seconds, posterior), with a point in the middle of each window.

    A window without speech ends a piece. If there is only one window, it becomes a level line over its length.
    """
    pieces: dict[str, list[list[tuple[float, float]]]] = {name: [[]] for name in classes}
    for one in found:
        for name in classes:
            if not one.posteriors:
                if pieces[name][-1]:
                    pieces[name].append([])
            elif len(found) == 1:
                pieces[name][-1] += [(one.start, one.posteriors[name]), (one.end, one.posteriors[name])]
            else:
                pieces[name][-1].append(((one.start + one.end) / 2, one.posteriors[name]))
    return {name: [piece for piece in of_class if piece] for name, of_class in pieces.items()}


def _recording(
    place: int,
    file: str,
    channel: int | None,
    found: Sequence[Detection],
    classes: Sequence[str],
    sound: str,
    heard: float,
) -> str:
    seconds = max((one.end for one in found), default=0.0)
    name = file if channel is None else f"{file}, channel {channel}"
    head = f'<section class="recording" data-seconds="{seconds:.3f}">\n<h2 id="r{place}">{escape(name)}</h2>\n'
    if problem := next((one.problem for one in found if one.problem and not one.posteriors and len(found) == 1), ""):
        return f"{head}{page.paragraph(problem, 'missing')}</section>\n"
    player = f'<audio controls preload="metadata" src="{sound}"></audio>\n' if sound else ""
    note = page.paragraph(f"The first {heard:.0f} s can be heard here.", "muted") if sound and heard < seconds else ""
    return (
        f"{head}{_chart(name, found, classes, seconds)}{player}{note}"
        f'<p class="now" role="status" aria-live="off">{escape(_summary(found))}</p>\n'
        f"{page.folded('Windows as a table', _table(found, classes))}</section>\n"
    )


def _chart(name: str, found: Sequence[Detection], classes: Sequence[str], seconds: float) -> str:
    scale = WIDTH / max(seconds, 1e-6)
    lines = []
    for number, (label, pieces) in enumerate(curves(found, classes).items()):
        style = f'stroke="{COLOURS[number % len(COLOURS)]}" stroke-dasharray="{DASHES[number % len(DASHES)]}"'
        for piece in pieces:
            points = " ".join(f"{scale * at:.1f},{HEIGHT * (1 - share):.1f}" for at, share in piece)
            if len(piece) == 1:  # a single window between pauses is drawn as a dot, since a line needs two points
                x, y = points.split(",")
                lines.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{COLOURS[number % len(COLOURS)]}"></circle>')
            else:
                lines.append(f'<polyline points="{points}" {style}><title>{escape(label)}</title></polyline>')
    grid = "".join(f'<line class="grid" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"></line>' for y in (0, 100, HEIGHT))
    ticks = "".join(f'<span style="left:{100 * at / max(seconds, 1e-6):.2f}%">{at:g}</span>' for at in _ticks(seconds))
    what = f"Posteriors of {', '.join(classes)} over {seconds:.1f} s of {name}; arrow keys move by a second"
    return (
        f'<div class="chart" role="slider" tabindex="0" aria-label="{escape(what)}" aria-valuemin="0" '
        f'aria-valuemax="{seconds:.2f}" aria-valuenow="0">'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{grid}{"".join(lines)}'
        f'<line class="cursor" x1="0" x2="0" y1="0" y2="{HEIGHT}"></line></svg></div>\n'
        f'<div class="ticks" aria-hidden="true">{ticks}<em>seconds</em></div>\n'
    )


def _ticks(seconds: float) -> list[float]:
    """Choose five to ten round times.

    >>> _ticks(12.5)
    [0, 2, 4, 6, 8, 10]
    """
    step = next((step for step in (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800) if seconds / step <= 8), 3600)
    # The last twentieth of the axis is for its unit.
    return [number * step for number in range(int(0.95 * seconds / step) + 1)]


def _summary(found: Sequence[Detection]) -> str:
    """Say what share of the windows has each emotion."""
    totals: dict[str, int] = {}
    for one in found:
        totals[one.emotion or "no speech"] = totals.get(one.emotion or "no speech", 0) + 1
    ranked = sorted(totals.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * count / len(found):.0f} %" for name, count in ranked) + " of the windows"


def _table(found: Sequence[Detection], classes: Sequence[str]) -> str:
    rows = [
        (
            f"{one.start:.2f}",
            f"{one.end:.2f}",
            one.emotion or "-",
            *(f"{one.posteriors[name]:.3f}" if one.posteriors else "-" for name in classes),
        )
        for one in found
    ]
    return page.table("Windows: start and end in seconds", ("start", "end", "emotion", *classes), rows)


def _legend(classes: Sequence[str]) -> str:
    items: Mapping[str, str] = {
        name: f'<svg viewBox="0 0 30 6" aria-hidden="true"><line x1="0" x2="30" y1="3" y2="3" '
        f'stroke="{COLOURS[number % len(COLOURS)]}" stroke-dasharray="{DASHES[number % len(DASHES)]}"></line></svg>'
        for number, name in enumerate(classes)
    }
    return '<ul class="legend">' + "".join(f"<li>{svg}{escape(name)}</li>" for name, svg in items.items()) + "</ul>\n"
