"""ONNX nets as encoders, on nets of one or two operations."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.bin import extract_audio_embeddings, import_audio_net
from ser.encoders.loading import load_audio_encoder
from ser.errors import SerError
from ser.features import audioset
from ser.kaldi import ark
from tests.encoders.onnx_file import INTS, array, field, node, write_bands, write_net

RATE = 16_000


@pytest.fixture
def of_patches(tmp_path) -> Path:
    return write_bands(tmp_path / "bands.onnx")


@pytest.fixture
def of_waves(tmp_path) -> Path:
    """Frames of 160 samples as they are: (1, N) to (1, N / 160, 160)."""
    shape = field(5, field(1, 3) + field(2, INTS) + field(8, "shape") + field(9, np.array([1, -1, 160]).tobytes()))
    nodes = [node("Reshape", ["x", "shape"], "frames")]
    return write_net(tmp_path / "w.onnx", array("x", 1, "n"), nodes, [array("frames", 1, "t", 160)], shape)


def run(monkeypatch, command, *words):
    monkeypatch.setattr(sys, "argv", [command.__name__, *map(str, words)])
    command.main()


def test_patches_are_yamnets_and_each_output_is_a_layer(of_patches, tmp_path, monkeypatch):
    run(monkeypatch, import_audio_net, "--input", "patches", of_patches, tmp_path / "net")
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 20_000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE, "FLOAT")
    (tmp_path / "wav.scp").write_text(f"a-1 {tmp_path}/a.wav\n")
    out = tmp_path / "out"
    words = ("--encoder", tmp_path / "net", "--layers", "bands final", "--level", "patch")
    run(monkeypatch, extract_audio_embeddings, *words, f"scp:{tmp_path}/wav.scp", out)
    wanted = audioset.patches(samples, audioset.YAMNET).mean(axis=1, dtype=np.float64)
    rounding = 96 * np.finfo(np.float32).eps  # of a sum of 96
    assert wanted.shape == (2, 64)
    np.testing.assert_allclose(ark.load(f"scp:{out}/bands.scp")["a-1"], wanted, atol=rounding)
    np.testing.assert_allclose(ark.load(f"scp:{out}/final.scp")["a-1"], -wanted, atol=rounding)
    with pytest.raises(SerError, match="no layer '3'; there are bands out final"):
        run(monkeypatch, extract_audio_embeddings, "--encoder", tmp_path / "net", "--layers", "3",
            f"scp:{tmp_path}/wav.scp", out)  # fmt: skip
    (tmp_path / "net" / "model.onnx").write_bytes(of_patches.read_bytes()[:-1])
    with pytest.raises(SerError, match=r"model.onnx: missing, or not the file that was imported"):
        load_audio_encoder(str(tmp_path / "net"))


def test_frames_of_a_waveform_come_window_by_window_and_a_short_one_is_padded(of_waves, tmp_path, monkeypatch):
    run(monkeypatch, import_audio_net, "--least-samples", 480, of_waves, tmp_path / "net")
    encoder = load_audio_encoder(str(tmp_path / "net"), max_seconds=0.1)
    assert (encoder.row, encoder.layers, encoder.dim, encoder.samples_a_row) == ("frame", ["frames", "final"], 160, 160)
    samples = np.arange(3200, dtype=np.float32) / 3200
    found = dict(encoder.encode([("long", samples), ("short", samples[:100])], ["final"]))
    np.testing.assert_array_equal(found["long"]["final"].ravel(), samples)
    np.testing.assert_array_equal(found["short"]["final"].ravel(), [*samples[:100], *[0] * 380])
    assert (encoder.num_windowed, encoder.num_padded) == (1, 1)
    ((_, refused),) = encoder.encode([("odd", samples[:481])], ["final"])
    assert isinstance(refused, SerError) and "onnxruntime:" in str(refused)


def test_another_input_and_a_file_that_is_no_net_are_refused(of_waves, tmp_path, monkeypatch):
    with pytest.raises(
        SerError, match=r"takes x tensor\(float\) \[1, 'n'\]; of patches expected one float array of 3 or 4"
    ):
        run(monkeypatch, import_audio_net, "--input", "patches", of_waves, tmp_path / "net")
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    with pytest.raises(SerError, match=r"junk.onnx: not an ONNX net that onnxruntime can run"):
        run(monkeypatch, import_audio_net, tmp_path / "junk.onnx", tmp_path / "net")
    assert not (tmp_path / "net").exists()


def test_without_onnxruntime_the_package_is_named(of_waves, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        SerError,
        match=r"an ONNX net needs the package onnxruntime; install the extra: utils/make_venv\.sh --extras onnx",
    ):
        run(monkeypatch, import_audio_net, of_waves, tmp_path / "net")
