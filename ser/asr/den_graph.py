"""The denominator graph: the phone language model, in context, each phone with its two pdfs.

Kaldi's chain-den-graph.cc. A state stands for a state of the language model and the phone that led to it. The arc that
enters it takes the unit's first pdf; its self-loop takes the second one. The transition model's probabilities, one half
to stay and one half to go on, are in the weights.
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
    """Make the graph, and the phone that leads to each of its states: (S,) int64, -1 for the first state."""
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
    """Make the denominator, and the same graph with the phones of its states, from which numerators are made."""
    graph, phones = den_graph(lm, context)
    # Each state is entered by one pdf, so that splitting numbers the states as they were.
    denominator = Denominator.of(graph, context.num_pdfs, leak)
    return denominator, PhoneGraph(denominator.graph, phones)
