"""The deployed x-vector net: affine maps with ReLU between them, in numpy.

Importing PyTorch would take longer than scoring a clip. Batch norm is folded into the affine map that follows it
(`ser.detect.deploy.fold`), so a net is a list of weights, and this module knows nothing of how it was trained.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.files import atomic_path

# Frames that go through the frame layers at once, so that they fit the processor's cache.
ROWS = 2000
# Widest context of a layer, 10 s: a damaged file with larger offsets would make the net allocate that much memory.
WIDEST = 1000


@dataclass(frozen=True)
class FrameLayer:
    """ReLU(bias + sum over k of x[t + offsets[k]] weight[k]): `weight` (k, C, C'), `bias` (C',), `offsets` rising."""

    weight: np.ndarray
    bias: np.ndarray
    offsets: tuple[int, ...]

    @property
    def span(self) -> int:
        """How many frames the output is shorter than the input."""
        return self.offsets[-1] - self.offsets[0]

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Map (T, C) to (T - span, C')."""
        length, first = len(frames) - self.span, self.offsets[0]
        pieces = [frames[offset - first : offset - first + length] for offset in self.offsets]
        x = pieces[0] if len(pieces) == 1 else np.hstack(pieces)
        x = x @ self.weight.reshape(-1, self.weight.shape[2])
        x += self.bias
        return np.maximum(x, 0, out=x)


@dataclass(frozen=True)
class Net:
    """Frame layers, mean and standard deviation over time, segment layers (weight (C, C'), bias (C',)).

    There is a ReLU between segment layers and none after the last, whose output is the embedding.
    """

    frame_layers: tuple[FrameLayer, ...]
    segment_layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    @property
    def span(self) -> int:
        """How many frames `frames` drops, half of them at each end of an utterance."""
        return sum(layer.span for layer in self.frame_layers)

    @property
    def feature_dim(self) -> int:
        """Number of features per frame."""
        return self.frame_layers[0].weight.shape[1]

    @property
    def frame_dim(self) -> int:
        """Number of output channels of `frames`."""
        return len(self.frame_layers[-1].bias)

    def frames(self, features: np.ndarray) -> np.ndarray:
        """Run the frame layers: (T, F) to (T - span, C) float32. An output row depends on span + 1 input rows."""
        length = len(features) - self.span
        output = np.empty((length, self.frame_dim), np.float32)
        for start in range(0, length, ROWS):
            x = features[start : start + ROWS + self.span]
            for layer in self.frame_layers:
                x = layer(x)
            output[start : start + ROWS] = x
        return output

    def embed(self, pooled: np.ndarray) -> np.ndarray:
        """Run the segment layers over the statistics of N utterances (see `pool`): (N, 2 C) to (N, D) float32."""
        x = pooled
        for number, (weight, bias) in enumerate(self.segment_layers):
            x = (x if number == 0 else np.maximum(x, 0)) @ weight + bias
        return x

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Embed one utterance: (T, F) with T > span to (D,) float32."""
        return self.embed(pool(self.frames(features))[None])[0]

    def save(self, path: Path) -> None:
        """Write the weights as safetensors: ``frame<i>.weight .bias .offsets``, ``segment<i>.weight .bias``."""
        from safetensors.numpy import save_file

        arrays = {}
        for number, layer in enumerate(self.frame_layers, start=1):
            arrays[f"frame{number}.weight"] = layer.weight
            arrays[f"frame{number}.bias"] = layer.bias
            arrays[f"frame{number}.offsets"] = np.array(layer.offsets, np.int64)
        for number, (weight, bias) in enumerate(self.segment_layers, start=1):
            arrays[f"segment{number}.weight"], arrays[f"segment{number}.bias"] = weight, bias
        with atomic_path(path) as temporary:
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary)

    @classmethod
    def load(cls, path: Path) -> Net:
        """Read what `save` wrote; SerError for any other file."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(path)
        except (OSError, SafetensorError) as error:
            raise SerError(f"{path}: not a safetensors file: {error}; make the detector again") from error
        try:
            net = cls(
                tuple(
                    FrameLayer(weight, bias, tuple(arrays[f"{name}.offsets"].tolist()))
                    for name, weight, bias in _layers(arrays, "frame")
                ),
                tuple((weight, bias) for _, weight, bias in _layers(arrays, "segment")),
            )
            if not all(_is_usable(layer) for layer in net.frame_layers):
                raise ValueError(
                    f"the offsets of a frame layer don't rise, don't fit its weight, or span more than {WIDEST} frames"
                )
            if not all(array.dtype == np.float32 for name, array in arrays.items() if not name.endswith(".offsets")):
                raise ValueError("some weights are not single precision")
            if not all(np.isfinite(array).all() for array in arrays.values()):
                raise ValueError("some weights are infinite or NaN")
            # A trial run: sizes of successive layers that don't match would else show only at the first recording.
            net(np.zeros((net.span + 1, net.feature_dim), np.float32))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise SerError(f"{path}: not the net of a detector: {error}; make the detector again") from error
        return net


def pool(frames: np.ndarray) -> np.ndarray:
    """Take mean and standard deviation (divided by T) of each channel: (T, C) to (2 C,) float32."""
    mean = frames.mean(axis=0, dtype=np.float64)
    offsets = frames - mean.astype(np.float32)
    variance = np.einsum("tc,tc->c", offsets, offsets) / len(frames)
    return np.concatenate([mean, np.sqrt(variance)]).astype(np.float32)


def _is_usable(layer: FrameLayer) -> bool:
    offsets = layer.offsets
    rising = all(one < other for one, other in itertools.pairwise(offsets))
    return len(offsets) == len(layer.weight) and rising and layer.span < WIDEST


def _layers(arrays: dict[str, np.ndarray], kind: str) -> list[tuple[str, np.ndarray, np.ndarray]]:
    names: list[str] = []
    while f"{kind}{len(names) + 1}.weight" in arrays:
        names.append(f"{kind}{len(names) + 1}")
    return [(name, arrays[f"{name}.weight"], arrays[f"{name}.bias"]) for name in names]
