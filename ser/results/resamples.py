"""The figures of a cell on each resample of the speakers: files of a header and a line for each resample."""

import warnings
from pathlib import Path

import numpy as np

from ser.errors import SerError


def read_resamples(path: Path, columns: int) -> np.ndarray | None:
    """Read the resamples (R, columns), in percent, NaN if a resample has no figure; None if there is no file.

    Raises
    ------
    SerError
        If the file is empty, or a line has another number of fields or a field that is not a number.
    """
    if not path.exists():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the warning of an empty file, which is refused below
        try:
            found = np.loadtxt(path, skiprows=1, ndmin=2)
        except ValueError as error:
            raise SerError(f"{path}: not {columns} numbers per line ({error}); evaluate the cell again") from error
    if not found.size or found.shape[1] != columns:
        raise SerError(f"{path}: expected lines of {columns} numbers, found {found.shape}; evaluate the cell again")
    return found
