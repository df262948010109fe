"""The inner loops of `ser.features.pitch`, compiled."""

import numpy as np

from ser.features.compiled import EXACT, FREE_ORDER, compiled

# Numbers that the compiler puts in vector registers together, and samples taken in one turn of a loop.
LANES = 16
UNROLLED = 4
HUGE = np.float32(1e30)


@compiled("void(float32[::1], float32[:, ::1], int64[::1], int64, float32[::1])", FREE_ORDER)
def resample(wave: np.ndarray, filters: np.ndarray, firsts: np.ndarray, unit: int, out: np.ndarray) -> None:
    """Filter `wave` into `out`: number i by filter i % phases, from its first sample + i // phases * unit."""
    phases, taps = filters.shape
    for i in range(len(out)):
        first = firsts[i % phases] + i // phases * unit
        piece = wave[first : first + taps]
        weights = filters[i % phases]
        total = np.float32(0)
        for k in range(taps):
            total += weights[k] * piece[k]
        out[i] = total


@compiled("void(float32[::1], int64, int64, int64, float32[:, ::1], float32[:, ::1])", FREE_ORDER)
def correlate(signal: np.ndarray, shift: int, length: int, first_lag: int, inner: np.ndarray, norm: np.ndarray) -> None:
    """Correlate the window that begins each frame with the windows `first_lag`, `first_lag` + 1 ... samples later.

    Frame t begins at sample t * shift; the mean of its first window is taken off all of it. `inner` (T, L) receives
    the inner products, `norm` (T, L) the products of the two windows' energies.
    """
    num_frames, num_lags = inner.shape
    span = length + first_lag + num_lags - 1
    lanes = -(-num_lags // LANES) * LANES
    frame = np.zeros(length + first_lag + lanes + UNROLLED, np.float32)
    squares = np.zeros(span + 1, np.float64)
    products = np.zeros(lanes, np.float32)
    whole = length // UNROLLED * UNROLLED
    for t in range(num_frames):
        source = signal[t * shift : t * shift + span]
        total = np.float32(0)
        for i in range(length):
            total += source[i]
        mean = total / np.float32(length)
        for i in range(span):
            frame[i] = source[i] - mean
            squares[i] = np.float64(frame[i]) * np.float64(frame[i])
        products[:] = 0
        # Four samples of the first window at a time, all lags at once.
        for i in range(0, whole, UNROLLED):
            a, b, c, d = frame[i], frame[i + 1], frame[i + 2], frame[i + 3]
            later = frame[i + first_lag :]
            for lag in range(lanes):
                products[lag] += (a * later[lag] + b * later[lag + 1]) + (c * later[lag + 2] + d * later[lag + 3])
        for i in range(whole, length):
            later = frame[i + first_lag :]
            for lag in range(lanes):
                products[lag] += frame[i] * later[lag]
        energy = squares[:length].sum()
        shifted = squares[first_lag : first_lag + length].sum()
        leaving, coming = squares[first_lag:], squares[first_lag + length :]
        for lag in range(num_lags):
            inner[t, lag] = products[lag]
            norm[t, lag] = energy * max(shifted, 0.0)
            shifted += coming[lag] - leaving[lag]


@compiled("void(float32[:, ::1], float32[::1], float32, float32, float32[::1], int16[:, ::1])", EXACT)
def advance(
    nccf: np.ndarray, lags: np.ndarray, soft_min_f0: float, penalty: float, forward: np.ndarray, back: np.ndarray
) -> None:
    """Carry the search over the lags (Viterbi, equations 5 and 6 of the paper) through a block of frames.

    `nccf` (T, K) is taken at `lags` (K,) seconds; passing from lag j to lag i costs ``penalty * (i - j)**2``.
    `forward` (K,), the cost of the best path to each lag less that of the best of all, is brought up to date;
    `back` (T, K) receives the lag before.

    Of the K parabolas that rise from `forward`, the least is found at all lags at once, as their lower envelope
    (Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", Theory of Computing, 2012), and not by
    Kaldi's search. Each cost is rounded to single precision as Kaldi rounds it: in silence the costs of all lags
    differ by little more than these roundings, and they choose the path.
    """
    num_frames, num_lags = nccf.shape
    inverse = 1.0 / np.maximum(np.arange(num_lags), 1)
    half_squares = 0.5 * np.arange(num_lags) ** 2
    scale = 0.5 / np.float64(penalty)
    # A parabola is nowhere the least whose foot is higher than a neighbour's by more than this.
    rise = penalty * (2 * np.arange(num_lags) + 1).astype(np.float32)
    fall = rise[::-1].copy()
    bend = np.float32(2) * penalty
    fenced = np.full(num_lags + 2, HUGE)  # `forward` between two feet that are never the least
    likely = np.empty(num_lags, np.uint8)
    candidates = np.zeros(num_lags + 1, np.int32)
    heights = np.empty(num_lags, np.float64)
    hull = np.empty(num_lags + 1, np.int32)
    starts = np.empty(num_lags + 1, np.float64)
    marks = np.empty(num_lags + 1, np.int32)
    winners = np.empty(num_lags + 1, np.int32)
    feet = np.empty(num_lags + 1, np.float32)
    cost = np.full(-(-num_lags // LANES) * LANES, HUGE)
    least = np.empty(LANES, np.float32)
    for t in range(num_frames):
        fenced[1 : num_lags + 1] = forward
        for j in range(num_lags):
            left, right = fenced[j + 1] - fenced[j], fenced[j + 1] - fenced[j + 2]
            likely[j] = (left <= fall[j]) & (right <= rise[j]) & (left + right <= bend)
            heights[j] = scale * forward[j] + half_squares[j]
        count = 0
        for j in range(num_lags):
            candidates[count] = j
            count += likely[j]
        # hull[n] is the least of all from lag starts[n] to starts[n + 1].
        top, start, height = candidates[0], -1.0, heights[candidates[0]]
        hull[0], starts[0], size = top, start, 1
        for n in range(1, count):
            j = candidates[n]
            crossing = (heights[j] - height) * inverse[j - top]
            while crossing <= start:
                size -= 1
                if size == 0:
                    crossing = -1.0
                    break
                top, start = hull[size - 1], starts[size - 1]
                height = heights[top]
                crossing = (heights[j] - height) * inverse[j - top]
            top, start, height = j, crossing, heights[j]
            hull[size], starts[size] = top, start
            size += 1
        # From marks at the lags where another takes over, to the best at every lag.
        marks[:] = 0
        for n in range(size):
            marks[int(min(starts[n] + 1.0, num_lags + 0.0))] = hull[n]
        best = 0
        for i in range(num_lags):
            best = max(best, marks[i])
            winners[i + 1], feet[i + 1] = best, forward[best]
        # Of two costs that rounding makes equal, Kaldi keeps that of the lower lag.
        winners[0], feet[0] = winners[1], feet[1]
        for i in range(num_lags):
            move, lower_move = np.float32(i - winners[i + 1]), np.float32(i - winners[i])
            highest = move * move * penalty + feet[i + 1]
            lower = lower_move * lower_move * penalty + feet[i]
            cost[i] = min(lower, highest)
            back[t, i] = winners[i] if lower <= highest else winners[i + 1]
        for i in range(num_lags):
            value = nccf[t, i]
            cost[i] += (np.float32(1) - value) + (soft_min_f0 * value) * lags[i]
        least[:] = cost[:LANES]
        for first in range(LANES, len(cost), LANES):
            for lane in range(len(least)):  # LANES: a loop whose length shows is unrolled, not put in vectors
                least[lane] = min(least[lane], cost[first + lane])
        lowest = least.min()
        for i in range(num_lags):
            forward[i] = cost[i] - lowest


@compiled("int64[::1](int16[:, ::1], int64)", EXACT)
def trace_back(back: np.ndarray, state: int) -> np.ndarray:
    """Follow `back` (T, K) from `state` at the last frame; gives the state of each frame (T,)."""
    states = np.empty(len(back), np.int64)
    for t in range(len(back) - 1, -1, -1):
        states[t] = state
        state = back[t, state]
    return states
