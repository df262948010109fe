"""Outputs of any node of an acoustic net for one utterance, chunk by chunk, as in Kaldi's ``nnet3-compute``.

As in Kaldi's nnet3/nnet-am-decodable-simple.cc (DecodableNnetSimple), a chunk uses the online i-vector of its middle
frame, and the first and last frame of the utterance are repeated past its ends.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from ser.errors import SerError

# Frames in a chunk without online i-vectors. The outputs then do not depend on chunks, which only limit the memory.
CHUNK = 1500
# Frames that are computed at once.
_BLOCK = 2048


class NodeNet(Protocol):
    """A net that can compute any of its nodes, imported or trained here."""

    @property
    def feature_dim(self) -> int:
        """Feature dimension."""

    @property
    def ivector_dim(self) -> int:
        """Numbers of an i-vector; 0 if the net takes none."""

    @property
    def modulus(self) -> int:
        """The least shift of the input, in frames, that only shifts the output."""

    def buffers(self) -> Iterator[Tensor]:
        """Return the tensors, whose device is the device of the net."""

    def check_node(self, node: str) -> None:
        """Raise a `SerError` that lists the nodes unless `node` is one."""

    def context(self, node: str) -> tuple[int, int]:
        """Numbers of frames before and after t on which `node` at t depends."""

    def compute(self, features: Tensor, ivectors: Tensor | None, node: str, step: int = 1) -> Tensor:
        """Map features (T, B, F), context included, and i-vectors (B, S) to (T', B, D)."""


@runtime_checkable
class SharingNet(NodeNet, Protocol):
    """A net whose first layer can be shared by overlapping chunks, which have the same features but other i-vectors."""

    def first_layer(self, features: Tensor, node: str) -> Tensor | None:
        """Map features (T, F) to their part of the first layer at frames 1 to T - 2, (T - 2, C).

        None if `node` is not computed from it.
        """

    def compute_rest(self, first: Tensor, ivectors: Tensor | None, node: str, step: int = 1) -> Tensor:
        """Compute a node from frames of the first layer (T, B, C) and i-vectors (B, S): (T', B, D)."""


class OutputOptions(NamedTuple):
    """What to compute: `node`, at every `subsampling`-th frame from frame number `offset` on.

    `period` (frames between two online i-vectors) and `frames_per_chunk` apply only to online i-vectors.
    """

    node: str
    subsampling: int = 1
    period: int = 10
    frames_per_chunk: int = 50
    offset: int = 0


def compute_outputs(
    net: NodeNet, features: np.ndarray, options: OutputOptions, ivectors: np.ndarray | None = None
) -> np.ndarray:
    """Compute a node for one utterance.

    Parameters
    ----------
    net : in eval mode, on the CPU or a GPU.
    features : (T, F) float32, T at least 1.
    ivectors : (S,) for the utterance, or (ceil(T / period), S) online i-vectors; None if the net takes none.

    Returns
    -------
    (ceil((T - offset) / subsampling), D) float32.

    Raises
    ------
    SerError
        If no frame is left after `offset`, features or i-vectors do not have the net's size or are not finite, or
        the number of online i-vectors does not fit T frames.
    """
    _check(net, features, options, ivectors)
    device = next(iter(net.buffers())).device
    frames = torch.from_numpy(np.ascontiguousarray(features, np.float32)).to(device)
    vectors = None if ivectors is None else torch.from_numpy(np.ascontiguousarray(ivectors, np.float32)).to(device)
    left, right = net.context(options.node)
    online = vectors is not None and vectors.ndim == 2
    compute: Callable[[Tensor, Tensor | None, str, int], Tensor] = net.compute
    edge = 0
    if online and isinstance(net, SharingNet):
        # Frames -2 to T + 1 give the first layer at -1 to T; it is the same at all times before and after.
        padded = frames[torch.arange(-2, len(frames) + 2, device=device).clamp(0, len(frames) - 1)]
        first = net.first_layer(padded, options.node)
        if first is not None:
            frames, compute, edge = first, net.compute_rest, 1
    outputs = []
    for starts, size in _batches(len(features) - options.offset, options, net.modulus, online):
        starts = [start + options.offset for start in starts]
        times = torch.arange(edge - left, size + right - edge, device=device)[:, None]
        times = times + torch.tensor(starts, device=device)
        rows_of = (times + edge).clamp(0, len(frames) - 1)
        chunk = frames.index_select(0, rows_of.flatten()).view(*rows_of.shape, -1)  # (T, B, F)
        rows = vectors
        if online and vectors is not None:
            # Kaldi takes the middle between the first and the last output frame.
            middle = np.array(starts) + (size - 1) // options.subsampling * options.subsampling // 2
            rows = vectors[np.minimum(middle // options.period, len(vectors) - 1)]
        elif vectors is not None:
            rows = vectors.expand(len(starts), -1)
        found = compute(chunk, rows, options.node, options.subsampling)  # (T', B, D)
        outputs.append(found.transpose(0, 1).reshape(-1, found.shape[2]))
    return torch.cat(outputs).cpu().numpy()


def _batches(frames: int, options: OutputOptions, modulus: int, online: bool) -> Iterator[tuple[list[int], int]]:
    """Yield the starts of chunks that are computed together, and their common size, in the order of time."""
    unit = int(np.lcm(options.subsampling, modulus))
    chunk = options.frames_per_chunk if online else CHUNK
    chunk = -(-chunk // unit) * unit
    starts = list(range(0, frames - frames % chunk, chunk))
    together = max(1, _BLOCK // chunk)
    for index in range(0, len(starts), together):
        yield starts[index : index + together], chunk
    if frames % chunk:
        yield [frames - frames % chunk], frames % chunk


def _check(net: NodeNet, features: np.ndarray, options: OutputOptions, ivectors: np.ndarray | None) -> None:
    if features.ndim != 2 or not len(features) or features.shape[1] != net.feature_dim:
        raise SerError(
            f"features of shape {features.shape}; the net takes {net.feature_dim} a frame, at least one frame"
        )
    if len(features) <= options.offset:
        raise SerError(f"{len(features)} frames: none is left after the first {options.offset}")
    if not np.isfinite(features).all():
        frame = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise SerError(f"the features hold NaN or infinity, first in frame {frame}; make them again")
    if ivectors is None:
        if net.ivector_dim:
            raise SerError(
                f"the net takes i-vectors of dimension {net.ivector_dim}; give --ivectors or --online-ivectors"
            )
        return
    if ivectors.shape[-1] != net.ivector_dim:
        raise SerError(f"an i-vector of dimension {ivectors.shape[-1]}; the net takes {net.ivector_dim or 'none'}")
    if ivectors.ndim == 2 and len(ivectors) != -(-len(features) // options.period):
        raise SerError(
            f"{len(ivectors)} rows of i-vectors do not fit {len(features)} frames: expected one every {options.period} "
            f"frames, {-(-len(features) // options.period)}; give those of these features, and their --ivector-period"
        )
    if not np.isfinite(ivectors).all():
        raise SerError("the i-vectors hold NaN or infinity; extract them again")
