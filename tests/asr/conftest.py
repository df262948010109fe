from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ser.asr import graph
from ser.asr.graph import Graph
from ser.kaldi import ark

CHAIN = Path(__file__).parent.parent / "kaldi_reference" / "chain"


@pytest.fixture(scope="session")
def chain() -> Path:
    """Give the folder of what Kaldi's LF-MMI code made of small graphs."""
    return CHAIN


@pytest.fixture(scope="session")
def chain_output() -> Tensor:
    """Give the network's outputs (2, 20, 6) float32; row t * 2 + b of the file is frame t of sequence b."""
    return torch.from_numpy(ark.read_matrix_file(CHAIN / "nnet_output.mat").reshape(20, 2, 6).transpose(1, 0, 2).copy())


@pytest.fixture(scope="session")
def by_sequence() -> Callable[[Path], np.ndarray]:
    return lambda path: ark.read_matrix_file(path).reshape(20, 2, 6).transpose(1, 0, 2)


@pytest.fixture(scope="session")
def small() -> Graph:
    """Make a graph of 3 states and 4 pdfs; two arcs with different pdfs enter state 1, and state 0 has no loop."""
    logs = np.log([0.4, 0.6, 0.5, 0.2, 0.3, 0.25, 0.35, 0.4])
    arcs = [(0, 1, 0), (0, 2, 1), (1, 1, 2), (1, 2, 1), (1, 0, 3), (2, 2, 3), (2, 1, 2), (2, 0, 3)]
    return graph.make_graph(0, [(*arc, weight) for arc, weight in zip(arcs, logs, strict=True)], {1: -0.5, 2: 0.0})


@pytest.fixture(scope="session")
def enumerate_paths() -> Callable[[Graph, np.ndarray, np.ndarray, np.ndarray], float]:
    return _enumerate_paths


def _enumerate_paths(paths_of: Graph, begin: np.ndarray, end: np.ndarray, outputs: np.ndarray) -> float:
    """Sum over all paths, one after another: log of begin x arcs x exp(outputs) x end, in float64.

    `begin` and `end` are (S,) log weights, `outputs` (T, P).
    """
    leaving = [np.flatnonzero(paths_of.sources == state) for state in range(paths_of.num_states)]
    totals = []

    def follow(state: int, frame: int, total: float) -> None:
        if frame == len(outputs):
            totals.append(total + end[state])
            return
        for arc in leaving[state]:
            value = paths_of.weights[arc] + outputs[frame, paths_of.pdfs[arc]]
            follow(int(paths_of.targets[arc]), frame + 1, total + value)

    for state in range(paths_of.num_states):
        follow(state, 0, begin[state])
    return float(np.logaddexp.reduce(totals))
