"""The loops of the denominator's forward-backward on a CPU, compiled by numba.

The last axis of the arrays is the sequence, so that the inner loops fill vector registers. Sequences are sorted by
length, the longest first; `counts[t]` is the number of sequences that have a frame t. The formulas stand in
`ser.asr.denominator`.
"""

import numpy as np

from ser.features.compiled import FREE_ORDER, compiled_when_called


@compiled_when_called(fastmath=FREE_ORDER)
def forward(pointers, sources, weights, entry, loop, loop_weights, initial, leak, likelihoods, counts, alphas, totals):
    """Fill `alphas` (T + 1, S, B), without the leak, and `totals` (T + 1, B), their sums over states.

    `alphas[0]` must hold the initial probabilities. Arcs are listed by the state that they enter.
    """
    frames, states = len(likelihoods), len(entry)
    size = alphas.shape[2]
    leaky = np.empty_like(alphas[0])
    row = np.empty(size, alphas.dtype)
    for frame in range(frames + 1):
        count = counts[frame - 1] if frame else size
        totals[frame, :count] = 0
        for state in range(states):
            for column in range(count):
                totals[frame, column] += alphas[frame, state, column]
        if frame == frames:
            break
        count = counts[frame]
        for state in range(states):
            share = leak * initial[state]
            for column in range(count):
                leaky[state, column] = (alphas[frame, state, column] + share * totals[frame, column]) / totals[
                    frame, column
                ]
        for state in range(states):
            row[:count] = 0
            for arc in range(pointers[state], pointers[state + 1]):
                weight, source = weights[arc], sources[arc]
                for column in range(count):
                    row[column] += weight * leaky[source, column]
            loop_weight, enter, stay = loop_weights[state], entry[state], loop[state]
            for column in range(count):
                alphas[frame + 1, state, column] = (
                    row[column] * likelihoods[frame, enter, column]
                    + leaky[state, column] * loop_weight * likelihoods[frame, stay, column]
                )


@compiled_when_called(fastmath=FREE_ORDER)
def backward(
    pointers, targets, weights, entry, loop, loop_weights, initial, leak, likelihoods, counts, alphas, totals, result
):
    """Add the posteriors to `result` (T, P, B), which must be zero. Arcs are listed by the state that they leave."""
    frames, states = len(likelihoods), len(entry)
    size = alphas.shape[2]
    beta = np.zeros_like(alphas[0])
    entering, staying = np.empty_like(beta), np.empty_like(beta)
    leaked = np.empty(size, alphas.dtype)
    for frame in range(frames - 1, -1, -1):
        count = counts[frame]
        after = counts[frame + 1] if frame + 1 < frames else 0
        # Sequences that end here: every state is final, so beta is 1 / total in all states; the last leak cancels.
        for column in range(after, count):
            for state in range(states):
                beta[state, column] = 1 / totals[frame + 1, column]
        for state in range(states):
            share, loop_weight, enter, stay = leak * initial[state], loop_weights[state], entry[state], loop[state]
            for column in range(count):
                scale = beta[state, column] / totals[frame, column]
                entering[state, column] = scale * likelihoods[frame, enter, column]
                staying[state, column] = scale * loop_weight * likelihoods[frame, stay, column]
                before = alphas[frame, state, column] + share * totals[frame, column]
                loops = staying[state, column] * before
                # The probability of being in a state is that of staying plus that of entering.
                enters = alphas[frame + 1, state, column] * beta[state, column] - loops
                result[frame, stay, column] += loops
                result[frame, enter, column] += max(enters, 0)
        leaked[:count] = 0
        for state in range(states):
            for column in range(count):
                beta[state, column] = staying[state, column]
            for arc in range(pointers[state], pointers[state + 1]):
                weight, target = weights[arc], targets[arc]
                for column in range(count):
                    beta[state, column] += weight * entering[target, column]
            share = leak * initial[state]
            for column in range(count):
                leaked[column] += share * beta[state, column]
        for state in range(states):
            for column in range(count):
                beta[state, column] += leaked[column]
