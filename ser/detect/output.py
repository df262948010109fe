"""Output of detections, one at a time: as a table for people, as JSON lines or as CSV."""

import csv
import dataclasses
import io
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

from ser.detect.decision import UNKNOWN
from ser.detect.detection import Detection

Form = Literal["table", "json", "csv"]

NOTHING = "-"
# Attributes of `Detection` that are shown on request.
OPTIONAL = ("channel", "speaker")
DECIMALS = 6


def format_lines(
    detections: Iterable[Detection], classes: Sequence[str], form: Form, also: Collection[str] = ()
) -> Iterator[str]:
    """Yield the lines of `detections` without line ends, each as soon as its detection is known.

    ``json`` is one object a line, with the attributes of `Detection` and null for None. ``csv`` and ``table`` have a
    heading, and a column for the posterior of each of `classes`. Of `OPTIONAL`, those of `also` are shown.
    """
    detections = map(_rounded, detections)
    if form == "json":
        for detection in detections:
            values = dataclasses.asdict(detection)
            shown = {name: value for name, value in values.items() if name in also or name not in OPTIONAL}
            yield json.dumps(shown, allow_nan=False)
        return
    names = [field.name for field in dataclasses.fields(Detection)]
    fields = [name for name in names if name in also or name not in OPTIONAL]
    place = fields.index("posteriors")
    columns = [*fields[:place], *classes, *fields[place + 1 :]]
    if form == "csv":
        yield _csv_line(columns)
        for detection in detections:
            values = {name: "" if value is None else value for name, value in vars(detection).items()}
            yield _csv_line([{**values, **detection.posteriors}.get(name, "") for name in columns])
        return
    # The widths are fixed, so that no line has to wait for the next. The file comes last, since its length varies.
    columns = ["start", "end", "speech", "emotion", *classes, "file"]
    widest = max(map(len, (*classes, UNKNOWN)))
    widths = [8, 8, 7, -widest, *(max(5, len(name)) for name in classes), 0]
    yield _row(columns, widths)
    for detection in detections:
        numbers = [f"{value:.2f}" for value in (detection.start, detection.end, detection.speech)]
        shares = [f"{detection.posteriors[n]:.3f}" if n in detection.posteriors else NOTHING for n in classes]
        channel = f" channel {detection.channel}" if detection.channel else ""
        speaker = f"  (minus the mean of {_printable(detection.speaker)})" if detection.speaker else ""
        problem = f"  ({_printable(detection.problem)})" if detection.problem else ""
        if detection.distance is not None and detection.distance > 1:
            problem = "  (unlike the training speech)"
        last = _printable(detection.file) + channel + speaker + problem
        yield _row([*numbers, detection.emotion or NOTHING, *shares, last], widths)


def _rounded(detection: Detection) -> Detection:
    shares = {name: round(share, DECIMALS) for name, share in detection.posteriors.items()}
    distance = None if detection.distance is None else round(detection.distance, DECIMALS)
    return dataclasses.replace(detection, posteriors=shares, distance=distance)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Pad the cells to their widths; a negative width aligns a cell to the left."""
    return "  ".join(c.rjust(w) if w >= 0 else c.ljust(-w) for c, w in zip(cells, widths, strict=True))


def _csv_line(cells: Sequence[object]) -> str:
    # In some versions of Python the line end decides which cells are quoted; a name with a line feed must be quoted.
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().removesuffix("\r\n")


def _printable(text: str) -> str:
    """Escape control characters and invalid bytes, since a file name may hold any.

    >>> _printable("a\\x1b[2Jb.wav")
    'a\\\\x1b[2Jb.wav'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
