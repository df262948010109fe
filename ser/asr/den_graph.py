"""The denominator graph: the phone language model, expanded to context-dependent units with two pdfs each.

Follows Kaldi's chain-den-graph.cc. Each state stands for a state of the language model and the phone that led to it.
The arcs that enter the state have the unit's first pdf; its self-loop has the second one. The weights include the
transition probabilities: one half to stay in a state, one half to leave it.
"""

import math

import numpy as np

from ser.asr.context import PDFS_A_UNIT, PhoneContext
from ser.asr.denominator import Denominator
from ser.asr.graph import Graph, make_graph
from ser.asr.numerator import PhoneGraph
from ser.asr.phone_lm import PhoneLm

STAY = GO_ON = math.log(0.5)


def den_graph(lm: PhoneLm, context: PhoneContext) -> tuple[Graph, np.ndarray]:
    """Return the graph, and the phone that leads to each of its states: (S,) int64, -1 for the start state."""
    start = (0, -1, -1)  # state of the language model, phone, unit
    number = {start: 0}
    waiting, arcs, finals = [start], [], {}
    while waiting:
        key = waiting.pop()
        state, left, unit = key
        here = number[key]
        if unit >= 0:
            arcs.append((here, here, PDFS_A_UNIT * unit + 1, STAY))
        if math.isfinite(lm.finals[state]):
            finals[here] = lm.finals[state]
        for phone, (value, after) in lm.arcs[state].items():
            entered = (after, phone, context.unit(left, phone))
            if entered not in number:
                number[entered] = len(number)
                waiting.append(entered)
            arcs.append((here, number[entered], PDFS_A_UNIT * entered[2], value + GO_ON))
    phones = np.array([phone for _, phone, _ in number], dtype=np.int64)
    return make_graph(0, arcs, finals), phones


def make_denominator(lm: PhoneLm, context: PhoneContext, leak: float) -> tuple[Denominator, PhoneGraph]:
    """Return the denominator, and the same graph with its states' phones, from which numerators are made."""
    graph, phones = den_graph(lm, context)
    # All arcs into a state have the same pdf, so `split_states` copies no state and `phones` still fits.
    denominator = Denominator.of(graph, context.num_pdfs, leak)
    return denominator, PhoneGraph(denominator.graph, phones)
