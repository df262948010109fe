"""The readers of published weights answer or raise SerError, soon and in little memory, whatever the bytes are."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given

from ser.encoders import tflite
from ser.encoders.published import read_published
from ser.errors import SerError
from tests.encoders.flatbuffer import write_tflite
from tests.fuzz.test_damaged_files import bounded, damaged


def state() -> bytes:
    stream = io.BytesIO()
    torch.save({"layer1.fused.conv.weight": torch.zeros(32, 1, 3, 3)}, stream)
    return stream.getvalue()


def keras() -> bytes:
    h5py = pytest.importorskip("h5py")
    with tempfile.TemporaryDirectory() as folder:
        with h5py.File(Path(folder, "x"), "w") as file:
            file["logits/logits/bias:0"] = np.zeros(521, np.float32)
        return Path(folder, "x").read_bytes()


def lite() -> bytes:
    kernel, bias = np.ones((40, 1, 1, 9), np.float32), np.ones(40, np.float32)
    return write_tflite([(3, [kernel, bias]), (9, [np.ones((2, 40), np.float32), bias[:2]])])


def read_constants(path: Path) -> None:
    for operator in tflite.read_operators(path):
        for constant in operator.constants:
            if constant is not None:
                constant.array()


def read_any(path: Path) -> None:
    read_published(path, any_version=True)


@pytest.mark.parametrize(
    ("suffix", "example", "read"),
    [
        (".tflite", lite, read_constants),
        (".tflite", lite, read_any),
        (".pth", state, read_any),
        (".h5", keras, read_any),
    ],
)
def test_damaged_file_is_answered_or_refused(suffix, example, read, tmp_path):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(example())
    try:
        read(path)  # what it imports is not the file's fault
    except SerError as error:
        assert "missing" in str(error) or "expected YAMNet's" in str(error)

    @given(damaged([example()]))
    def try_one(data: bytes) -> None:
        path.write_bytes(data)
        bounded(read, path)

    try_one()
