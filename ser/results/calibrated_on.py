"""The speakers on whom the calibrations of a cell were fitted, and whether its nets were trained on them."""

from collections.abc import Sequence
from pathlib import Path

from ser.files import read_text_lines, tab_separated, write_text

FILE = "calibrated_on.tsv"
COLUMNS = ("speaker", "seen_by_nets")


def write(folder: Path, speakers: Sequence[str], unseen: bool) -> None:
    """Write calibrated_on.tsv into the folder of a cell; `unseen`: no net was trained on any of them."""
    lines = ((name, "no" if unseen else "yes") for name in speakers)
    write_text(folder / FILE, tab_separated(COLUMNS, lines))


def read(folder: Path) -> tuple[tuple[str, ...], bool] | None:
    """Read the speakers, and whether no net was trained on them; None if the cell does not say."""
    if not (folder / FILE).exists():
        return None
    rows = [line.split("\t") for line in read_text_lines(folder / FILE)[1:]]
    return tuple(row[0] for row in rows), all(row[-1] == "no" for row in rows)
