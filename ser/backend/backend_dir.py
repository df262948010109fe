"""Folder of a back end: ``mean.vec lda.mat plda`` in Kaldi's formats, and ``classes.txt num_utts config.yaml``."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ser.backend.chain import Backend, BackendConfig, config_for
from ser.backend.plda import Plda
from ser.config import load_config, to_yaml
from ser.errors import SerError
from ser.files import write_text
from ser.kaldi import ark, tables
from ser.kaldi.plda_file import read_plda, write_plda


def save_backend(folder: str | Path, backend: Backend, num_utts: Mapping[str, int]) -> None:
    """Write a back end. The file ``plda`` is written last, and a folder without it cannot be read.

    Parameters
    ----------
    num_utts : class -> number of its training utterances, in the order of the labels.
    """
    folder = Path(folder)
    (folder / "plda").unlink(missing_ok=True)
    if backend.mean is not None:
        ark.write_vector_file(folder / "mean.vec", backend.mean.astype(np.float32))
    if backend.lda is not None:
        ark.write_matrix_file(folder / "lda.mat", backend.lda.astype(np.float32))
    write_text(folder / "classes.txt", "".join(f"{name}\n" for name in num_utts))
    tables.write_map(folder / "num_utts", num_utts)
    write_text(folder / "config.yaml", to_yaml(backend.config))
    write_plda(folder / "plda", backend.plda.mean, backend.plda.transform, backend.plda.psi)


def load_backend(folder: str | Path, default_config: str | Path) -> Backend:
    """Read a back end, written by `save_backend` or by Kaldi: ``lda.mat`` may be called ``transform.mat``.

    Without these and ``mean.vec``, the PLDA is applied to the vectors directly. Without ``config.yaml``, the settings
    of scoring are read from `default_config`.

    Raises
    ------
    SerError
        If a file is missing or broken, or sizes disagree.
    """
    folder = Path(folder)
    plda = Plda(*read_plda(folder / "plda"))
    settings = folder / "config.yaml"
    config = load_config(BackendConfig, settings if settings.exists() else default_config)
    matrices = [folder / name for name in ("lda.mat", "transform.mat") if (folder / name).exists()]
    lda = ark.read_matrix_file(matrices[0]).astype(np.float64) if matrices else None
    mean = None
    if (folder / "mean.vec").exists():
        mean = ark.read_vector_file(folder / "mean.vec").astype(np.float64)
    if lda is not None and len(lda) != len(plda.mean):
        raise SerError(f"{matrices[0]}: {len(lda)} rows, but the PLDA in its folder has dimension {len(plda.mean)}")
    if lda is not None and mean is not None and lda.shape[1] not in (len(mean), len(mean) + 1):
        raise SerError(f"{matrices[0]}: {lda.shape[1]} columns do not fit mean.vec of dimension {len(mean)}")
    return Backend(mean, lda, plda, config_for(lda, config))


def read_num_utts(folder: str | Path) -> dict[str, int]:
    """Read class -> number of its training utterances; empty for a back end that Kaldi made."""
    path = Path(folder) / "num_utts"
    counts = tables.read_map(path, fields=2) if path.exists() else {}
    for name, count in counts.items():
        if not re.fullmatch("[1-9][0-9]{0,9}", count):
            raise SerError(
                f"{path}: expected a count of 1 or more, found '{name} {count[:40]}'; train the back end again"
            )
    return {name: int(count) for name, count in counts.items()}
