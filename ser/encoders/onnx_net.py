"""Any ONNX net as an encoder: waveforms or log-mel patches in, one or more arrays of states out.

It runs in onnxruntime, which the extra ``onnx`` installs. The folder that `import_onnx` writes holds ``model.onnx``,
``config.yaml`` (the kinds of input and output, and the file's digest) and ``SOURCE``.
"""

import dataclasses
import importlib
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ser.config import from_mapping, read_yaml, to_yaml
from ser.encoders.audio_encoder import Level, States, cut_evenly
from ser.errors import SerError
from ser.features import audioset
from ser.files import atomic_path, sha256, write_text

KIND = "onnx"
MODEL = "model.onnx"
CONFIG = "config.yaml"
FINAL = "final"
_DIMENSIONS = {"waveform": (1, 2), "patches": (3, 4)}


@dataclass(frozen=True)
class OnnxConfig:
    """The section `model:` of the folder of an ONNX net."""

    input: Literal["waveform", "patches"]  # samples (N,) or (1, N), or log-mel energies (B, 96, 64), (B, 1, 96, 64)
    row: Literal["frame", "utterance"]  # for waveforms: what one output row stands for; for patches it is a patch
    sample_rate: int  # Hz, for waveforms
    least_samples: int  # a shorter recording is padded with zeros
    sha256: str  # of model.onnx


class OnnxEncoder:
    """An `AudioEncoder` whose layers are the net's named outputs; ``final`` is the last of them.

    Parameters
    ----------
    what : name of the encoder in messages.
    session : the net's session of onnxruntime.
    config : see `OnnxConfig`.
    max_seconds : longest window, for a net with a state per frame; longer recordings are cut.

    Raises
    ------
    SerError
        If the net takes more than one array, or an array of another shape, or cannot be run.
    """

    def __init__(self, what: str, session: Any, config: OnnxConfig, max_seconds: float) -> None:
        self.what, self.session, self.config = what, session, config
        inputs = session.get_inputs()
        shape = list(inputs[0].shape) if inputs else []
        if len(inputs) != 1 or len(shape) not in _DIMENSIONS[config.input] or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
            raise SerError(f"{what}: takes {found}; of {config.input} expected one float array of "
                           f"{' or '.join(map(str, _DIMENSIONS[config.input]))} dimensions")  # fmt: skip
        self._input, self._shape = inputs[0].name, shape
        self._outputs = [one.name for one in session.get_outputs()]
        self.layers = list(dict.fromkeys([*self._outputs, FINAL]))
        self.row: Level = "patch" if config.input == "patches" else config.row
        self.sample_rate = audioset.SAMPLE_RATE if config.input == "patches" else config.sample_rate
        self.most = max(config.least_samples, int(max_seconds * self.sample_rate))
        self.num_padded = self.num_windowed = 0
        # Run it on a second of noise: this shows whether it runs, and the sizes from which disk use is estimated.
        rng = np.random.default_rng(0)
        probe = self._states(rng.uniform(-0.1, 0.1, max(self.sample_rate, config.least_samples)), self.layers)
        self.dim = max(states.shape[1] for states in probe.values())
        count = max(len(states) for states in probe.values())
        self.samples_a_row = float("inf") if self.row == "utterance" else self.sample_rate / count
        if config.input == "patches":
            self.samples_a_row = float(audioset.YAMNET.patch_hop * audioset.HOP)

    def encode(
        self, waves: Iterable[tuple[str, np.ndarray]], layers: Sequence[str]
    ) -> Iterator[tuple[str, States | SerError]]:
        """See `AudioEncoder.encode`."""
        for utt, samples in waves:
            self.num_padded += len(samples) < self.config.least_samples
            parts = [slice(None)]
            if self.row == "frame" and len(samples) > self.most:
                self.num_windowed += 1
                parts = cut_evenly(len(samples), self.most)
            try:
                found = [self._states(samples[part], layers) for part in parts]
            except SerError as error:
                yield utt, error
                continue
            yield utt, {layer: np.concatenate([states[layer] for states in found]) for layer in layers}

    def _states(self, samples: np.ndarray, layers: Sequence[str]) -> States:
        names = [self._outputs[-1] if layer == FINAL else layer for layer in layers]
        samples = np.pad(samples.astype(np.float32), (0, max(0, self.config.least_samples - len(samples))))
        if self.config.input == "patches":
            given = audioset.patches(samples, audioset.YAMNET)
            rows = len(given)
            if len(self._shape) == 4:
                given = given[:, None] if self._shape[3] == given.shape[2] else given[..., None]
        else:
            given, rows = (samples if len(self._shape) == 1 else samples[None]), None
        try:
            made = self.session.run(list(dict.fromkeys(names)), {self._input: given})
        except Exception as error:  # onnxruntime's errors have no common class
            raise SerError(f"{self.what}: onnxruntime: {str(error).strip().splitlines()[0][:200]}") from error
        arrays = dict(zip(dict.fromkeys(names), made, strict=True))
        return {layer: self._rows(name, arrays[name], rows) for layer, name in zip(layers, names, strict=True)}

    def _rows(self, name: str, array: np.ndarray, rows: int | None) -> np.ndarray:
        """Reshape an output to (rows, D)."""
        shape = array.shape
        if rows is not None:
            array = array.reshape(rows, -1) if shape[:1] == (rows,) else array
        elif self.row == "utterance":
            array = array.reshape(1, -1)
        elif array.ndim == 3 and shape[0] == 1:
            array = array[0]
        if array.ndim != 2 or not len(array):
            raise SerError(f"{self.what}: its output '{name}' has the shape {shape}, not one row per {self.row}")
        return np.ascontiguousarray(array, dtype=np.float32)


def import_onnx(path: str | Path, folder: str | Path, config: OnnxConfig) -> OnnxEncoder:
    """Copy an ONNX file to an encoder's folder, after a trial run; `config.sha256` is filled in."""
    encoder = OnnxEncoder(f"encoder '{path}'", _session(Path(path)), config, 30.0)
    folder, digest = Path(folder), sha256(path)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(
        folder / "SOURCE", f"{Path(path).name} sha256 {digest}\nsee the licence of the place that it came from\n"
    )
    with atomic_path(folder / MODEL) as temporary:
        shutil.copyfile(path, temporary)
    settings = textwrap.indent(to_yaml(dataclasses.replace(config, sha256=digest)), "  ")
    write_text(folder / CONFIG, f"kind: {KIND}\nmodel:\n{settings}")
    return encoder


def is_onnx(folder: Path) -> bool:
    """Tell whether `import_onnx` wrote `folder`."""
    data = read_yaml(folder / CONFIG) if (folder / CONFIG).is_file() else None
    return isinstance(data, dict) and data.get("kind") == KIND


def read_config(folder: Path) -> OnnxConfig:
    """Read the settings of a folder of `import_onnx`."""
    return from_mapping(OnnxConfig, read_yaml(folder / CONFIG).get("model"), f"{folder / CONFIG}: model")


def load_onnx(folder: Path, what: str, max_seconds: float) -> OnnxEncoder:
    """Load the encoder of a folder that `import_onnx` wrote.

    Raises
    ------
    SerError
        If onnxruntime is not installed, or the file is missing or not the imported one.
    """
    config, path = read_config(folder), folder / MODEL
    if not path.is_file() or sha256(path) != config.sha256:
        raise SerError(f"{path}: missing, or not the file that was imported; import the net again")
    return OnnxEncoder(what, _session(path), config, max_seconds)


def _session(path: Path) -> Any:
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise SerError(
            f"{path}: an ONNX net needs the package onnxruntime; install the extra: utils/make_venv.sh --extras onnx"
        ) from error
    if not path.is_file():
        raise SerError(f"{path}: no such file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # One thread, so that sums always have the same order and each run gives the same bits.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise SerError(f"{path}: not an ONNX net that onnxruntime can run: {reason}") from error
