"""What every audio encoder does: samples in, states of each layer out, whatever net it is."""

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
    what : its name in messages.
    sample_rate : Hz of the samples that it takes.
    row : what a row of its states is; of an ``utterance`` there is one.
    layers : the names of its layers, from the input to the output; the last one is ``final``.
    samples_a_row : from a row to the next, about.
    dim : of a state, at most.
    num_padded : recordings so far that were shorter than one row needs, and were padded by zeros.
    num_windowed : recordings so far that were longer than a window, and were cut.
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
        """Yield the states of every recording at `layers`, in turn; a `SerError` in place of those it cannot encode.

        The samples are (N,) float32 in [-1, 1), N > 0. What a recording gives does not depend on the others.
        """


def check_layers(encoder: AudioEncoder, layers: Sequence[str]) -> None:
    """Raise a `SerError` unless `layers` are some of the encoder's, each once."""
    for name in layers or [""]:
        if name not in encoder.layers:
            raise SerError(f"{encoder.what}: no layer '{name}'; there are {' '.join(encoder.layers)}")
    if len(set(layers)) < len(layers):
        raise SerError(f"{encoder.what}: the layers '{' '.join(layers)}' name one twice")


def check_level(encoder: AudioEncoder, level: Level) -> None:
    """Raise a `SerError` where the encoder has no such rows."""
    if level not in ("utterance", encoder.row):
        others = "utterance" if encoder.row == "utterance" else f"{encoder.row} or utterance"
        raise SerError(f"{encoder.what}: its states are one a {encoder.row}, none a {level}; give --level {others}")


def pool_rows(states: np.ndarray, pool: Pool) -> np.ndarray:
    """Make one vector of an utterance's states (rows, D): their mean (D,), or mean and standard deviation (2 D,).

    >>> pool_rows(np.array([[1.0, 0.0], [3.0, 0.0]]), "mean_std").tolist()
    [2.0, 0.0, 1.0, 0.0]
    """
    mean = states.mean(axis=0)
    return mean if pool == "mean" else np.concatenate([mean, states.std(axis=0)])


def cut_evenly(num_samples: int, most: int) -> list[slice]:
    """Cut a recording into as few windows of at most `most` samples as can be, of nearly equal lengths.

    >>> cut_evenly(10, 4)
    [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """
    count = max(1, -(-num_samples // most))
    edges = [num_samples * index // count for index in range(count + 1)]
    return [slice(*pair) for pair in pairwise(edges)]
