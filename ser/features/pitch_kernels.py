"""The inner loops of `ser.features.pitch`, compiled."""

import numpy as np

from ser.features.compiled import EXACT, FREE_ORDER, compiled

# Arrays are padded to multiples of LANES, so that the compiler fills vector registers; UNROLLED samples are processed
# at once.
LANES = 16
UNROLLED = 4
HUGE = np.float32(1e30)  # a cost that no path has


@compiled("void(float32[::1], float32[:, ::1], int64[::1], int64, float32[::1])", FREE_ORDER)
def resample(wave: np.ndarray, filters: np.ndarray, firsts: np.ndarray, unit: int, out: np.ndarray) -> None:
    """Filter `wave` to another rate: output sample i is the product of filter i % phases with a piece of `wave`.

    Parameters
    ----------
    wave : (N,) padded so that every piece is inside.
    filters : (phases, taps); they repeat after `phases` output samples, which are `unit` input samples.
    firsts : (phases,) the input sample at which the piece of each of the first `phases` outputs begins.
    out : receives the samples.
    """
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
    """Correlate each frame's first window with the windows that start `first_lag`, `first_lag` + 1 ... samples later.

    Frame t starts at sample t * shift. The mean of its first window is subtracted from the whole frame. `inner` (T, L)
    receives the inner products, `norm` (T, L) the products of the energies of the two windows.
    """
    num_frames, num_lags = inner.shape
    span = length + first_lag + num_lags - 1  # samples of a frame, up to the end of the last window
    lanes = -(-num_lags // LANES) * LANES  # lags, rounded up to whole vector registers
    frame = np.zeros(length + first_lag + lanes + UNROLLED, np.float32)
    squares = np.zeros(span + 1, np.float64)
    products = np.zeros(lanes, np.float32)
    whole = length // UNROLLED * UNROLLED
    for t in range(num_frames):
        # 1. The frame minus the mean of its first window, and its squares.
        source = signal[t * shift : t * shift + span]
        total = np.float32(0)
        for i in range(length):
            total += source[i]
        mean = total / np.float32(length)
        for i in range(span):
            frame[i] = source[i] - mean
            squares[i] = np.float64(frame[i]) * np.float64(frame[i])
        products[:] = 0
        # 2. The inner products: UNROLLED samples of the first window at a time, with all lags in the inner loop.
        for i in range(0, whole, UNROLLED):
            a, b, c, d = frame[i], frame[i + 1], frame[i + 2], frame[i + 3]
            later = frame[i + first_lag :]
            for lag in range(lanes):
                products[lag] += (a * later[lag] + b * later[lag + 1]) + (c * later[lag + 2] + d * later[lag + 3])
        for i in range(whole, length):
            later = frame[i + first_lag :]
            for lag in range(lanes):
                products[lag] += frame[i] * later[lag]
        # 3. The energies: from one lag to the next, one square leaves the later window and one enters it.
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
    """Advance the Viterbi search over the lags (equations 5 and 6 of the paper) through a block of frames.

    Parameters
    ----------
    nccf : (T, K) at `lags` (K,) seconds.
    penalty : a move from lag j to lag i costs ``penalty * (i - j)**2``.
    forward : (K,) cost of the best path to each lag, less that of the best path of all; updated in place.
    back : (T, K) receives the previous lag on the best path to each lag.

    At lag i the cost is the least over j of ``forward[j] + penalty * (i - j)**2``: the lower envelope of K parabolas
    with feet at (j, forward[j]). All lags are solved in one pass over the parabolas (Felzenszwalb and Huttenlocher,
    "Distance transforms of sampled functions", Theory of Computing, 2012), in place of Kaldi's search. Each cost is
    rounded to single precision as Kaldi rounds it: in silence the costs of all lags differ by little more than the
    rounding errors, which then decide the path.
    """
    num_frames, num_lags = nccf.shape
    # Parabolas j > k cross at (heights[j] - heights[k]) / (j - k), heights[j] = (forward[j] / penalty + j^2) / 2.
    inverse = 1.0 / np.maximum(np.arange(num_lags), 1)
    half_squares = 0.5 * np.arange(num_lags) ** 2
    scale = 0.5 / np.float64(penalty)
    # Parabola j is nowhere the least if its foot is higher than its left neighbour's by more than `fall`, higher than
    # its right neighbour's by more than `rise`, or if these two differences add up to more than `bend`.
    rise = penalty * (2 * np.arange(num_lags) + 1).astype(np.float32)
    fall = rise[::-1].copy()
    bend = np.float32(2) * penalty
    fenced = np.full(num_lags + 2, HUGE)  # `forward` with a foot at each end that is never the least
    likely = np.empty(num_lags, np.uint8)  # whether parabola j passes these three tests
    candidates = np.zeros(num_lags + 1, np.int32)  # the parabolas that pass
    heights = np.empty(num_lags, np.float64)
    hull = np.empty(num_lags + 1, np.int32)  # the parabolas of the envelope, from left to right
    starts = np.empty(num_lags + 1, np.float64)  # the lag, a real number, from which each is the least
    marks = np.empty(num_lags + 1, np.int32)  # at the first lag of each parabola of the envelope, its number; else 0
    winners = np.empty(num_lags + 1, np.int32)  # entry i + 1: the least parabola at lag i
    feet = np.empty(num_lags + 1, np.float32)  # entry i + 1: its foot
    cost = np.full(-(-num_lags // LANES) * LANES, HUGE)
    least = np.empty(LANES, np.float32)
    for t in range(num_frames):
        # 1. Discard most of the parabolas by their neighbours, in loops that the compiler puts in vector registers.
        fenced[1 : num_lags + 1] = forward
        for j in range(num_lags):
            left, right = fenced[j + 1] - fenced[j], fenced[j + 1] - fenced[j + 2]
            likely[j] = (left <= fall[j]) & (right <= rise[j]) & (left + right <= bend)
            heights[j] = scale * forward[j] + half_squares[j]
        count = 0
        for j in range(num_lags):
            candidates[count] = j
            count += likely[j]
        # 2. The lower envelope: hull[n] is the least from lag starts[n] to starts[n + 1]. Each candidate removes the
        # parabolas whose whole range it takes over.
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
        # 3. The least parabola at each lag: the numbers rise along the envelope, so a running maximum fills the gaps.
        marks[:] = 0
        for n in range(size):
            marks[int(min(starts[n] + 1.0, num_lags + 0.0))] = hull[n]
        best = 0
        for i in range(num_lags):
            best = max(best, marks[i])
            winners[i + 1], feet[i + 1] = best, forward[best]
        # 4. The costs in single precision. Where rounding makes the costs of two previous lags equal, Kaldi takes the
        # lower lag: compare with the parabola that is the least one lag to the left.
        winners[0], feet[0] = winners[1], feet[1]
        for i in range(num_lags):
            move, lower_move = np.float32(i - winners[i + 1]), np.float32(i - winners[i])
            highest = move * move * penalty + feet[i + 1]
            lower = lower_move * lower_move * penalty + feet[i]
            cost[i] = min(lower, highest)
            back[t, i] = winners[i] if lower <= highest else winners[i + 1]
        # 5. Add the local cost: 1 - NCCF, with a small preference for short lags.
        for i in range(num_lags):
            value = nccf[t, i]
            cost[i] += (np.float32(1) - value) + (soft_min_f0 * value) * lags[i]
        # 6. Subtract the least cost, so that costs stay small and precise.
        least[:] = cost[:LANES]
        for first in range(LANES, len(cost), LANES):
            for lane in range(len(least)):  # not LANES: the compiler would unroll a loop of constant length
                least[lane] = min(least[lane], cost[first + lane])
        lowest = least.min()
        for i in range(num_lags):
            forward[i] = cost[i] - lowest


@compiled("int64[::1](int16[:, ::1], int64)", EXACT)
def trace_back(back: np.ndarray, state: int) -> np.ndarray:
    """Follow `back` (T, K) from `state` at the last frame to the first: (T,) int64, the state of each frame."""
    states = np.empty(len(back), np.int64)
    for t in range(len(back) - 1, -1, -1):
        states[t] = state
        state = back[t, state]
    return states
