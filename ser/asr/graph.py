"""Graphs of pdfs for LF-MMI: acceptors whose arcs each take one frame.

D. Povey et al., "Purely sequence-trained neural networks for ASR based on lattice-free MMI", Interspeech 2016. A pdf is
an output of the network; labels in Kaldi's graphs are pdf + 1, since label 0 is epsilon.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.files import read_text_lines

# Steps of the HMM over which the probabilities of its states are averaged, as in Kaldi's chain-den-graph.cc.
INITIAL_STEPS = 100


@dataclass(frozen=True)
class Graph:
    """An acceptor whose arcs have pdfs and log weights.

    Attributes
    ----------
    start : state in which paths begin.
    sources, targets, pdfs : (A,) int64: where each arc begins, where it ends, and its pdf.
    weights : (A,) float64, log weights of the arcs.
    finals : (S,) float64, log weights of ending in each state; minus infinity where no path may end.
    """

    start: int
    sources: np.ndarray
    targets: np.ndarray
    pdfs: np.ndarray
    weights: np.ndarray
    finals: np.ndarray

    @property
    def num_states(self) -> int:
        return len(self.finals)


@dataclass(frozen=True)
class StateGraph:
    """A graph whose states have pdfs: one for all arcs that enter the state, one for its self-loop.

    Attributes
    ----------
    entry, loop : (S,) int64, pdf of the arcs that enter each state, and of its self-loop.
    loop_weights : (S,) float64, log weights of the self-loops; minus infinity without one.
    pointers : (S + 1,) int64; the arcs that enter state s, except its self-loop, are pointers[s] : pointers[s + 1].
    sources, weights : (A,) int64 and float64, the state where each arc begins, and its log weight.
    initial : (S,) float64, log weight of being in a state before the first frame.
    finals : (S,) float64, log weight of ending in a state.
    """

    entry: np.ndarray
    loop: np.ndarray
    loop_weights: np.ndarray
    pointers: np.ndarray
    sources: np.ndarray
    weights: np.ndarray
    initial: np.ndarray
    finals: np.ndarray

    @property
    def num_states(self) -> int:
        return len(self.entry)


def read_fst_text(path: str | Path) -> Graph:
    """Read an acceptor in OpenFst's text format; its labels are pdf + 1, its weights are costs.

    Raises
    ------
    SerError
        With file and line, if the file holds anything else: a transducer, a label 0, a word where a number belongs.
    """
    arcs, finals, start = [], {}, None
    for number, line in enumerate(read_text_lines(path, "print a binary graph with fstprint"), start=1):
        fields = line.split()
        try:
            if len(fields) in (1, 2):
                finals[int(fields[0])] = -float(fields[1]) if len(fields) == 2 else 0.0
                state = int(fields[0])
            else:
                state, target, label, label_out = map(int, fields[:4])
                weight = -float(fields[4]) if len(fields) == 5 else 0.0
                if label != label_out or label < 1 or len(fields) > 5:
                    raise ValueError
                arcs.append((state, target, label - 1, weight))
        except ValueError as error:
            raise SerError(
                f"{path}:{number}: expected 'from to label label [cost]' with the label pdf + 1, or 'state [cost]'; "
                f"found '{line}'"
            ) from error
        start = state if start is None else start
    if start is None or not arcs or not finals:
        raise SerError(f"{path}: {len(arcs)} arcs and {len(finals)} final states; a graph has some of both")
    return make_graph(start, arcs, finals)


def make_graph(start: int, arcs: list[tuple[int, int, int, float]], finals: dict[int, float]) -> Graph:
    """Make a graph from arcs (from, to, pdf, log weight) and the log weights of the final states."""
    sources, targets, pdfs = (np.array([arc[field] for arc in arcs], dtype=np.int64) for field in range(3))
    num_states = int(max(start, sources.max(initial=0), targets.max(initial=0), *finals)) + 1
    values = np.full(num_states, -np.inf)
    for state, value in finals.items():
        values[state] = value
    return Graph(start, sources, targets, pdfs, np.array([arc[3] for arc in arcs]), values)


def initial_probabilities(graph: Graph) -> np.ndarray:
    """Return the initial probabilities (S,) float64: a chunk may begin anywhere in an utterance, so in any state.

    Like SetInitialProbs of Kaldi's chain-den-graph.cc: the arcs and the final probability of each state are scaled to
    sum to 1. The HMM begins in its start state and takes 100 steps; the states' probabilities are averaged over them.
    """
    arcs = np.exp(graph.weights)
    outgoing = np.bincount(graph.sources, arcs, graph.num_states) + np.exp(graph.finals)
    if not (outgoing > 0).all():
        raise SerError(f"graph: state {int(np.argmin(outgoing))} has no arc out and is not final; trim the graph")
    arcs = arcs / outgoing[graph.sources]
    now, mean = np.zeros(graph.num_states), np.zeros(graph.num_states)
    now[graph.start] = 1.0
    for _ in range(INITIAL_STEPS):
        mean += now / INITIAL_STEPS
        now = np.bincount(graph.targets, now[graph.sources] * arcs, graph.num_states).astype(np.float64)
        if not now.sum() > 0:
            raise SerError("graph: all paths end; a denominator graph needs a cycle")
        now /= now.sum()
    return mean / mean.sum()


def split_states(graph: Graph, initial: np.ndarray) -> StateGraph:
    """Copy each state once for each pdf that enters it, so that all arcs into a copy have the same pdf.

    Parameters
    ----------
    graph : any graph. A state's first self-loop becomes the self-loop of its copies; further ones count as arcs.
    initial : (S,) float64, log weights of being in a state before the first frame; the state's first copy gets it.
    """
    loops: dict[int, int] = {}
    for arc in np.flatnonzero(graph.sources == graph.targets):
        loops.setdefault(int(graph.sources[arc]), int(arc))
    entering = np.setdiff1d(np.arange(len(graph.sources)), np.array(list(loops.values()), dtype=np.int64))
    copies: dict[int, list[tuple[int, int]]] = {state: [] for state in range(graph.num_states)}  # (pdf, new state)
    entry: list[int] = []
    keys = sorted({(int(graph.targets[arc]), int(graph.pdfs[arc])) for arc in entering})
    entered = {state for state, _ in keys}
    # States that no arc enters, such as the start, get pdf 0, which no path uses.
    keys += [(state, 0) for state in range(graph.num_states) if state not in entered]
    for state, pdf in sorted(keys):
        copies[state].append((pdf, len(entry)))
        entry.append(pdf)
    number = {(state, pdf): new for state, pairs in copies.items() for pdf, new in pairs}
    incoming: list[list[tuple[int, float]]] = [[] for _ in entry]
    for arc in entering:
        target = number[int(graph.targets[arc]), int(graph.pdfs[arc])]
        for _, source in copies[int(graph.sources[arc])]:
            incoming[target].append((source, float(graph.weights[arc])))
    size = len(entry)
    loop, loop_weights = np.zeros(size, np.int64), np.full(size, -np.inf)
    start, finals = np.full(size, -np.inf), np.empty(size)
    for state, pairs in copies.items():
        start[pairs[0][1]] = initial[state]
        for _, new in pairs:
            finals[new] = graph.finals[state]
            if state in loops:
                loop[new], loop_weights[new] = graph.pdfs[loops[state]], graph.weights[loops[state]]
    return StateGraph(np.array(entry, dtype=np.int64), loop, loop_weights, *_rows(incoming), start, finals)


def _rows(incoming: list[list[tuple[int, float]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pointers = np.concatenate([[0], np.cumsum([len(arcs) for arcs in incoming])]).astype(np.int64)
    arcs = [arc for arcs in incoming for arc in sorted(arcs)]
    return pointers, np.array([arc[0] for arc in arcs], np.int64), np.array([arc[1] for arc in arcs], np.float64)
