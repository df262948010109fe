"""Check that the disk has room for the stages that will run."""

import os
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ser.errors import SerError
from ser.estimate.costs import Cost
from ser.report.experiment import read_table


def check_free(stages: Sequence[Cost], data: Path, exp: Path, last_of_data: int) -> None:
    """Check that the file systems of `data` and `exp` have room for what `stages` will write there.

    A stage that ran before overwrites its files, so the space that they take (``cost.tsv``) is not needed again.

    Parameters
    ----------
    last_of_data : number of the last stage that writes into `data`; later stages write into `exp`.

    Raises
    ------
    SerError
        If the room is not enough; the message says how much is needed and free, and the remedy.
    """
    written = _read_written(exp / "cost.tsv")
    needed: defaultdict[int, float] = defaultdict(float)
    places: dict[int, Path] = {}
    for cost in stages:
        folder = data if cost.stage <= last_of_data else exp
        place = next(path for path in (folder, *folder.parents) if path.exists())
        device = os.stat(place).st_dev
        places.setdefault(device, place)
        needed[device] += max(0.0, cost.disk - written.get(str(cost.stage), 0.0))
    for device, size in needed.items():
        free = shutil.disk_usage(places[device]).free
        if size > free:
            numbers = f"{stages[0].stage} to {stages[-1].stage}"
            raise SerError(
                f"{places[device]}: the stages {numbers} need {size / 1e9:,.3f} GB there by the estimate and "
                f"{free / 1e9:,.3f} GB are free; make room, link {data} or {exp} to a larger disk, or go on all the "
                "same by --check-disk false (--estimate shows what needs how much)"
            )


def _read_written(table: Path) -> dict[str, float]:
    """Return the bytes that each stage wrote when it last ran."""
    try:
        return {row["stage"]: float(row["disk_mb"]) * 2**20 for row in read_table(table)}
    except (KeyError, ValueError) as error:  # text that is not UTF-8 gives a ValueError too
        raise SerError(f"{table}: damaged: {error}; remove it (it only records what the stages cost)") from error
