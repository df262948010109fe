"""Read and write Kaldi's ``<Plda>`` file: mean, transform and psi in double precision, binary or text."""

import io
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.files import BOM, atomic_path
from ser.kaldi import objects


def read_plda(path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read mean (D,), transform (D, D) and psi (D,), float64, from a file of either form.

    Raises
    ------
    SerError
        If the file is missing, is not a ``<Plda>``, is truncated, or its three parts differ in size.
    """
    try:
        data = Path(path).read_bytes().removeprefix(BOM)
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}; train_backend writes it") from error
    source = objects.Source(io.BytesIO(data), str(path))
    binary = data.startswith(objects.BINARY)
    _expect(source, objects.BINARY + b"<Plda> " if binary else b"<Plda>")
    mean, transform, psi = (_read_binary(source) if binary else _read_text(source) for _ in range(3))
    _expect(source, b"</Plda>")
    if mean.ndim != 1 or transform.shape != (mean.size, mean.size) or psi.shape != mean.shape:
        raise SerError(f"{path}: mean {mean.shape}, transform {transform.shape} and psi {psi.shape} disagree in size")
    return mean, transform, psi


def write_plda(path: str | Path, mean: np.ndarray, transform: np.ndarray, psi: np.ndarray, binary: bool = True) -> None:
    """Write a model for Kaldi's ``ivector-plda-scoring`` and `read_plda`; the file is written whole or not at all.

    The text form has 7 significant digits, as in Kaldi.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        stream.write(objects.BINARY + b"<Plda> " if binary else b"<Plda> ")
        for part in (mean, transform, psi):
            array = objects.as_kaldi(np.asarray(part, dtype=np.float64))
            if binary:
                stream.write(_without_marker(array))
            else:
                objects.write_text(stream, array)
        stream.write(b"</Plda> ")


def _read_binary(source: objects.Source) -> np.ndarray:
    # The binary marker stands once, at the start of the file; the parts have none.
    header = objects.read_header(source)
    payload = np.frombuffer(source.take(header.payload), dtype=np.uint8)
    return objects.decode(header, payload).astype(np.float64)


def _read_text(source: objects.Source) -> np.ndarray:
    return objects.read_text(source, dtype=np.float64)


def _without_marker(array: np.ndarray) -> bytes:
    buffer = _Buffer()
    objects.write_binary(buffer, array)
    return buffer.getvalue()[len(objects.BINARY) :]


def _expect(source: objects.Source, token: bytes) -> None:
    if (found := source.take(len(token))) != token:
        raise source.error(f"expected {token!r}, found {found!r}; not a Kaldi <Plda> file")


class _Buffer(io.BytesIO):
    # kaldi_io reads the attribute `mode` of the streams that it writes to.
    mode = "wb"
