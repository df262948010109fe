"""The loops of the numerators' forward-backward, in the log domain, compiled by numba; one graph per sequence."""

import numpy as np

from ser.features.compiled import compiled_when_called


@compiled_when_called
def _log_add(left, right):
    if left < right:
        left, right = right, left
    return left if right == -np.inf else left + np.log1p(np.exp(right - left))


@compiled_when_called
def forward_backward(pointers, sources, weights, entry, loop, loop_weights, start, finals, outputs, posteriors):
    """Return log Z of one sequence, and add its posteriors to `posteriors` (T, U) float64, which must be zero.

    `outputs` (T, U) float64 are the network's outputs for the U pdfs of this graph; `entry` and `loop` are columns of
    it. A path enters its first state with the log weight `start` of that state. Without a path log Z is minus infinity.
    """
    frames, states = len(outputs), len(entry)
    alphas = np.full((frames, states), -np.inf)
    for frame in range(frames):
        for state in range(states):
            if frame == 0:
                alphas[0, state] = start[state] + outputs[0, entry[state]]
                continue
            total = -np.inf
            for arc in range(pointers[state], pointers[state + 1]):
                total = _log_add(total, alphas[frame - 1, sources[arc]] + weights[arc])
            stayed = alphas[frame - 1, state] + loop_weights[state] + outputs[frame, loop[state]]
            alphas[frame, state] = _log_add(total + outputs[frame, entry[state]], stayed)
    log_z = -np.inf
    for state in range(states):
        log_z = _log_add(log_z, alphas[frames - 1, state] + finals[state])
    if not np.isfinite(log_z):
        return log_z
    beta = finals - log_z
    before = np.empty(states)
    for frame in range(frames - 1, 0, -1):
        before[:] = -np.inf
        for state in range(states):
            enters = beta[state] + outputs[frame, entry[state]]
            for arc in range(pointers[state], pointers[state + 1]):
                source = sources[arc]
                gone = enters + weights[arc]
                before[source] = _log_add(before[source], gone)
                posteriors[frame, entry[state]] += np.exp(alphas[frame - 1, source] + gone)
            stays = beta[state] + loop_weights[state] + outputs[frame, loop[state]]
            before[state] = _log_add(before[state], stays)
            posteriors[frame, loop[state]] += np.exp(alphas[frame - 1, state] + stays)
        beta[:] = before
    for state in range(states):
        posteriors[0, entry[state]] += np.exp(alphas[0, state] + beta[state])
    return log_z
