"""The interface of all audio encoders: samples in, hidden states of each layer out."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np

from ser.errors import SerError

Level = Literal["utterance", "frame", "patch"]
Pool = Literal["mean", "mean_std"]

# Layer -> (rows, D) float32.
States = dict[str, np.ndarray]


class AudioEncoder(Protocol):
    """An encoder of recordings.

    Attributes
    ----------
    what : name of the encoder in messages.
    sample_rate : sampling rate of its input in Hz.
    row : what one row of the states stands for: a frame, a patch or the whole utterance.
    layers : names of the layers, from the input to the output; the last one is ``final``.
    samples_a_row : approximate number of samples from one row to the next.
    dim : largest dimension of a state over all layers.
    num_padded : number of recordings so far that were shorter than one row needs; they are padded with zeros.
    num_windowed : number of recordings so far that were longer than a window; they are cut into windows.
    """

    what: str
    sample_rate: int
    row: Level
    layers: list[str]
    samples_a_row: float
    dim: int
    num_padded: int
    num_windowed: int

    def encode(
        self, waves: Iterable[tuple[str, np.ndarray]], layers: Sequence[str]
    ) -> Iterator[tuple[str, States | SerError]]:
        """Yield the states of each recording at `layers`, in order; for one that cannot be encoded, a `SerError`.

        The samples are (N,) float32 in [-1, 1), N > 0. A recording's states do not depend on the other recordings.
        """


def check_layers(encoder: AudioEncoder, layers: Sequence[str]) -> None:
    """Raise a `SerError` if the encoder lacks one of `layers`, or a layer is named twice."""
    for name in layers or [""]:
        if name not in encoder.layers:
            raise SerError(f"{encoder.what}: no layer '{name}'; there are {' '.join(encoder.layers)}")
    if len(set(layers)) < len(layers):
        raise SerError(f"{encoder.what}: the layers '{' '.join(layers)}' name one layer twice; name each once")


def check_level(encoder: AudioEncoder, level: Level) -> None:
    """Raise a `SerError` if the encoder's states have no rows of this level."""
    if level not in ("utterance", encoder.row):
        others = "utterance" if encoder.row == "utterance" else f"{encoder.row} or utterance"
        raise SerError(f"{encoder.what}: it has a state per {encoder.row}, not per {level}; give --level {others}")


def pool_rows(states: np.ndarray, pool: Pool) -> np.ndarray:
    """Pool an utterance's states (rows, D) to one vector: their mean (D,), or mean and standard deviation (2 D,).

    >>> pool_rows(np.array([[1.0, 0.0], [3.0, 0.0]]), "mean_std").tolist()
    [2.0, 0.0, 1.0, 0.0]
    """
    mean = states.mean(axis=0)
    return mean if pool == "mean" else np.concatenate([mean, states.std(axis=0)])


def cut_evenly(num_samples: int, most: int) -> list[slice]:
    """Cut a recording into windows of at most `most` samples: as few as possible, of nearly equal lengths.

    >>> cut_evenly(10, 4)
    [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """
    count = max(1, -(-num_samples // most))
    edges = [num_samples * index // count for index in range(count + 1)]
    return [slice(*pair) for pair in pairwise(edges)]
