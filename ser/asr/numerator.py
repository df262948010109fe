"""The numerators of LF-MMI: one small graph of the transcript per sequence, packed into tensors for the training loop.

Flat start (H. Hadian et al., "End-to-end speech recognition using lattice-free MMI", Interspeech 2018): the graph
accepts all pronunciations of the words, with optional silences, at any times. Its paths have the denominator's weights,
so that the objective, log numerator minus log denominator, is never above 0.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ser.asr import num_kernels
from ser.asr.graph import Graph, StateGraph, split_states

_HEADER = 5  # a packed row begins with the numbers of frames, states, arcs, pdfs and penalties


@dataclass(frozen=True)
class Numerator:
    """The numerator graph of one sequence.

    Attributes
    ----------
    pdfs : (U,) the pdfs of this graph, sorted.
    graph : its `entry` and `loop` are indices into `pdfs`.
    penalties : (U, T) float64, subtracted from the outputs of each frame; (U, 0) for none.
    """

    pdfs: np.ndarray
    graph: StateGraph
    penalties: np.ndarray

    def within(self, allowed: np.ndarray, penalty: float) -> "Numerator":
        """Subtract `penalty` from a path for each frame in which `allowed` (P, T) bool forbids its pdf."""
        return replace(self, penalties=penalty * ~allowed[self.pdfs])

    def shortest(self) -> int:
        """Return the number of frames of the shortest path, 0 if there is no path."""
        graph = self.graph
        reached = np.isfinite(graph.initial)
        targets = np.repeat(np.arange(graph.num_states), np.diff(graph.pointers))
        for frames in range(1, graph.num_states + 1):
            if (reached & np.isfinite(graph.finals)).any():
                return frames
            after = np.zeros_like(reached)
            after[targets[reached[graph.sources]]] = True
            reached = after
        return 0


def of_graph(graph: Graph) -> Numerator:
    """Make a numerator of an acceptor of pdfs."""
    start = np.full(graph.num_states, -np.inf)
    start[graph.start] = 0.0
    split = split_states(graph, start)
    # The weight of an arc out of the start becomes the initial weight of the state that the arc enters.
    begin = np.full(split.num_states, -np.inf)
    targets = np.repeat(np.arange(split.num_states), np.diff(split.pointers))
    for source, target, weight in zip(split.sources, targets, split.weights, strict=True):
        begin[target] = np.logaddexp(begin[target], split.initial[source] + weight)
    return of_states(
        StateGraph(
            split.entry, split.loop, split.loop_weights, split.pointers, split.sources, split.weights, begin,
            split.finals,
        )
    )  # fmt: skip


def of_states(graph: StateGraph) -> Numerator:
    """Renumber the pdfs of a graph as 0 ... U - 1; its `initial` must already include the first frame's arc."""
    pdfs, numbers = np.unique(np.concatenate([graph.entry, graph.loop]), return_inverse=True)
    entry, loop = np.split(numbers, 2)
    local = StateGraph(
        entry, loop, graph.loop_weights, graph.pointers, graph.sources, graph.weights, graph.initial, graph.finals
    )
    return Numerator(pdfs, local, np.zeros((len(pdfs), 0)))


def pack(numerators: Sequence[Numerator], frames: Sequence[int]) -> Tensor:
    """Pack numerators and the numbers of frames of their sequences into one tensor (B, W) int64; see `unpack`.

    A float64 is stored as the int64 of the same bits; each row is padded with zeros.
    """
    rows = []
    for numerator, count in zip(numerators, frames, strict=True):
        graph = numerator.graph
        sizes = (count, graph.num_states, len(graph.sources), len(numerator.pdfs), numerator.penalties.size)
        header = np.array(sizes, dtype=np.int64)
        integers = (numerator.pdfs, graph.entry, graph.loop, graph.pointers, graph.sources)
        reals = (graph.weights, graph.loop_weights, graph.initial, graph.finals, numerator.penalties.ravel())
        rows.append(
            np.concatenate(
                [header, *(part.astype(np.int64) for part in integers), *(part.view(np.int64) for part in reals)]
            )
        )
    packed = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for row, values in zip(packed, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(packed)


def unpack(packed: Tensor) -> tuple[list[Numerator], np.ndarray]:
    """Undo `pack`: return the numerators, and the numbers of frames (B,) of their sequences."""
    numerators = []
    values = packed.cpu().numpy()
    for row in values:
        states, arcs, pdfs, penalties = (int(value) for value in row[1:_HEADER])
        sizes = (pdfs, states, states, states + 1, arcs, arcs, states, states, states, penalties)
        parts = np.split(row[_HEADER : _HEADER + sum(sizes)], np.cumsum(sizes)[:-1])
        names, entry, loop, pointers, sources = parts[:5]
        weights, loop_weights, initial, finals, taken_off = (part.view(np.float64) for part in parts[5:])
        graph = StateGraph(entry, loop, loop_weights, pointers, sources, weights, initial, finals)
        numerators.append(Numerator(names, graph, taken_off.reshape(pdfs, -1)))
    return numerators, values[:, 0]


def forward_backward(outputs: Tensor, numerators: Sequence[Numerator], lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return log Z (B,) float64 and its derivative (B, T, P) with respect to `outputs` (B, T, P).

    If a sequence has no path, its log Z is minus infinity and its derivative 0. Only the outputs for a sequence's own
    pdfs are copied from the device to the CPU.
    """
    widest = max(len(numerator.pdfs) for numerator in numerators)
    # Each row is padded with pdfs that are not the sequence's own. Their derivative is 0, and none is written twice.
    index = np.zeros((len(numerators), widest), dtype=np.int64)
    for row, numerator in zip(index, numerators, strict=True):
        count = len(numerator.pdfs)
        row[:count] = numerator.pdfs
        if count < widest:
            row[count:] = np.setdiff1d(np.arange(widest), numerator.pdfs, assume_unique=True)[: widest - count]
    place = torch.from_numpy(index).to(outputs.device).unsqueeze(1).expand(-1, outputs.shape[1], -1)
    own = outputs.gather(2, place).double().cpu().numpy()
    posteriors = np.zeros_like(own)
    log_z = np.empty(len(numerators))
    for number, (numerator, length) in enumerate(zip(numerators, lengths, strict=True)):
        graph, count = numerator.graph, len(numerator.pdfs)
        if numerator.penalties.size:
            own[number, :length, :count] -= numerator.penalties.T
        log_z[number] = num_kernels.forward_backward(
            graph.pointers, graph.sources, graph.weights, graph.entry, graph.loop, graph.loop_weights, graph.initial,
            graph.finals, own[number, :length, :count], posteriors[number, :length, :count],
        )  # fmt: skip
    values = torch.from_numpy(posteriors).to(outputs.device, outputs.dtype)
    return torch.from_numpy(log_z).to(outputs.device), torch.zeros_like(outputs).scatter_(2, place, values)


def of_phones(
    arcs: Sequence[tuple[int, int, int, float]], ends: Mapping[int, float], den: "PhoneGraph"
) -> Numerator | None:
    """Compose a graph of the possible phone sequences with the denominator graph.

    Parameters
    ----------
    arcs : (from, to, phone, log weight) of a graph without cycles, which begins at node 0.
    ends : node -> log weight of ending there.
    den : the denominator graph.

    Returns
    -------
    Numerator or None
        None if the denominator has no path for any of the phone sequences.
    """
    leaving: dict[int, list[tuple[int, int, float]]] = defaultdict(list)
    for source, target, phone, weight in arcs:
        leaving[source].append((target, phone, weight))
    # A state of the composition is a pair (node of the phone graph, state of the denominator).
    initial: dict[tuple[int, int], float] = {}
    for target, phone, weight in leaving[0]:
        for state, value in den.first(phone):
            key = (target, state)
            initial[key] = np.logaddexp(initial.get(key, -np.inf), weight + value)
    incoming: dict[tuple[int, int], dict[tuple[int, int], float]] = {key: {} for key in initial}
    waiting = list(initial)
    while waiting:
        key = waiting.pop()
        for target, phone, weight in leaving[key[0]]:
            step = den.step(key[1], phone)
            if step is None:
                continue
            after = (target, step[0])
            if after not in incoming:
                incoming[after] = {}
                waiting.append(after)
            value = weight + step[1]
            incoming[after][key] = np.logaddexp(incoming[after].get(key, -np.inf), value)
    kept = _that_end(incoming, ends)
    if not kept:
        return None
    number = {key: index for index, key in enumerate(kept)}
    states = np.array([state for _, state in kept])
    rows = [sorted((number[source], weight) for source, weight in incoming[key].items() if source in number)
            for key in kept]  # fmt: skip
    graph = StateGraph(
        den.graph.entry[states],
        den.graph.loop[states],
        den.graph.loop_weights[states],
        np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64),
        np.array([source for row in rows for source, _ in row], dtype=np.int64),
        np.array([weight for row in rows for _, weight in row], dtype=np.float64),
        np.array([initial.get(key, -np.inf) for key in kept]),
        np.array([ends.get(node, -np.inf) for node, _ in kept]),
    )
    return of_states(graph)


def _that_end(
    incoming: dict[tuple[int, int], dict[tuple[int, int], float]], ends: Mapping[int, float]
) -> list[tuple[int, int]]:
    """List the states from which an end can be reached, sorted; only these are kept."""
    kept = {key for key in incoming if key[0] in ends}
    waiting = list(kept)
    while waiting:
        for source in incoming[waiting.pop()]:
            if source not in kept:
                kept.add(source)
                waiting.append(source)
    return sorted(kept)


class PhoneGraph:
    """A denominator graph whose arcs are looked up by phone.

    Parameters
    ----------
    graph : the denominator graph.
    phones : (S,) the phone of all arcs into each state; -1 for a state that no arc enters.
    """

    def __init__(self, graph: StateGraph, phones: np.ndarray) -> None:
        self.graph, self.phones = graph, phones
        self._steps: dict[tuple[int, int], tuple[int, float]] = {}
        first: dict[int, dict[int, float]] = defaultdict(dict)
        targets = np.repeat(np.arange(graph.num_states), np.diff(graph.pointers))
        for source, target, weight in zip(
            graph.sources.tolist(), targets.tolist(), graph.weights.tolist(), strict=True
        ):
            phone = int(phones[target])
            self._steps[source, phone] = (target, weight)
            value = float(graph.initial[source]) + weight
            if np.isfinite(value):
                first[phone][target] = np.logaddexp(first[phone].get(target, -np.inf), value)
        self._first = {phone: sorted(states.items()) for phone, states in first.items()}

    def first(self, phone: int) -> list[tuple[int, float]]:
        """List the states that a path may enter with its first phone `phone`, with log weights."""
        return self._first.get(phone, [])

    def step(self, state: int, phone: int) -> tuple[int, float] | None:
        """Return the state that `phone` leads to from `state`, and the log weight; None if there is no such arc."""
        return self._steps.get((state, phone))
