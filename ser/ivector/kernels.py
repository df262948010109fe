"""The inner loops of i-vector extraction, compiled: Gaussian selection, and the i-vector after every few frames."""

import numpy as np

from ser.features.compiled import EXACT, compiled


@compiled("Tuple((i4[::1], i4[:, ::1], f4[:, ::1], f8))(f4[:, ::1], i8, f4)", EXACT)
def select(log_likelihoods, most, min_post):
    """Select each frame's Gaussians and their posteriors, like Kaldi's VectorToPosteriorEntry (hmm/posterior.cc).

    A Gaussian is dropped if its posterior is below `min_post` times that of the best one. The `most` best of the others
    are kept; those among them below `min_post` of their sum are dropped too. The rest is scaled to sum to 1.

    Returns
    -------
    Number of Gaussians (T,), Gaussians (T, K), best first, their posteriors (T, K), and the sum over frames of the
    log-likelihoods.
    """
    frames, gaussians = log_likelihoods.shape
    most = min(most, gaussians)
    counts = np.zeros(frames, np.int32)
    chosen = np.zeros((frames, most), np.int32)
    posts = np.zeros((frames, most), np.float32)
    total_likelihood = 0.0
    cut = np.float32(np.log(min_post)) if min_post > 0 else np.float32(-np.inf)
    for t in range(frames):
        row = log_likelihoods[t]
        best = row[0]
        for g in range(1, gaussians):
            best = max(best, row[g])
        floor = best + cut
        count = 0
        for g in range(gaussians):
            if row[g] > floor and (count < most or row[g] > posts[t, count - 1]):
                # Insertion sort among the best so far; of equal ones the first stays first.
                place = min(count, most - 1)
                while place > 0 and posts[t, place - 1] < row[g]:
                    posts[t, place], chosen[t, place] = posts[t, place - 1], chosen[t, place - 1]
                    place -= 1
                posts[t, place], chosen[t, place] = row[g], g
                count = min(count + 1, most)
        total = np.float32(0)
        for place in range(count):
            posts[t, place] = np.exp(posts[t, place] - best)
            total += posts[t, place]
        least = min_post * total
        while count > 1 and posts[t, count - 1] < least:
            count -= 1
            total -= posts[t, count]
        for place in range(count):
            posts[t, place] /= total
        counts[t] = count
        total_likelihood += best + np.log(total)
    return counts, chosen, posts, total_likelihood


# Sums are not reordered here, so that processors with other vector widths give the same bits. For speed, products with
# a symmetric matrix therefore go row by row.
@compiled("f8(f8[:, ::1], f8[::1], f8[::1], f8[::1])", EXACT)
def _residual(matrix, target, x, residual):
    """Write `matrix` x - `target` to `residual`; return its squared length."""
    size = len(x)
    for i in range(size):
        residual[i] = -target[i]
    for j in range(size):
        for i in range(size):
            residual[i] += matrix[j, i] * x[j]
    square = 0.0
    for i in range(size):
        square += residual[i] * residual[i]
    return square


@compiled("f8(f8[:, ::1], f8[::1], f8[::1], f8[::1])", EXACT)
def _descend(matrix, direction, residual, image):
    """Write `matrix` `direction` to `image`; return the step size along that direction."""
    size = len(direction)
    for i in range(size):
        image[i] = 0.0
    for j in range(size):
        for i in range(size):
            image[i] += matrix[j, i] * direction[j]
    down, curvature = 0.0, 0.0
    for i in range(size):
        curvature += direction[i] * image[i]
        down -= direction[i] * residual[i]
    return down / curvature


@compiled("void(f8[:, ::1], f8[::1], f8[::1], i8)", EXACT)
def conjugate_gradients(matrix, target, x, iterations):
    """Improve the solution x (S,) of `matrix` x = `target` in place, like Kaldi's LinearCgd (matrix/optimization.cc).

    The residual is updated from step to step, and computed afresh after it has shrunk or grown a hundredfold.
    """
    size = len(x)
    residual, direction, image = np.zeros(size), np.zeros(size), np.zeros(size)
    square = _residual(matrix, target, x, residual)
    for i in range(size):
        direction[i] = -residual[i]
    known = square
    if square == 0.0:
        return
    for _ in range(min(iterations, size + 5)):
        step = _descend(matrix, direction, residual, image)
        new = 0.0
        for i in range(size):
            x[i] += step * direction[i]
            residual[i] += step * image[i]
            new += residual[i] * residual[i]
        if new < 1e-4 * known or new > 1e4 * known:
            known = new = _residual(matrix, target, x, residual)
        if new <= 2.3e-308:
            return
        for i in range(size):
            direction[i] = direction[i] * (new / square) - residual[i]
        square = new


@compiled("void(f8[:, ::1], f8[::1], f8[::1], i8, f8[:, ::1])", EXACT)
def exact_conjugate_gradients(matrix, target, x, iterations, residuals):
    """Do the same as `conjugate_gradients`, with exact iterates even far from the solution.

    There, rounding alone moves an iterate by up to 1e-3, differently in each program. Here each residual is made
    orthogonal to all earlier ones, as it is in exact arithmetic; Kaldi's results scatter around these.

    Parameters
    ----------
    residuals : (at least `iterations` + 1, S), working memory.
    """
    size = len(x)
    direction, image = np.zeros(size), np.zeros(size)
    squares = np.zeros(iterations + 1)
    squares[0] = _residual(matrix, target, x, residuals[0])
    for i in range(size):
        direction[i] = -residuals[0, i]
    for step in range(min(iterations, size)):
        square = squares[step]
        # Once the residual is nothing but rounding, x is the solution.
        if square <= 1e-30 * squares[0]:
            return
        length = _descend(matrix, direction, residuals[step], image)
        for i in range(size):
            x[i] += length * direction[i]
            residuals[step + 1, i] = residuals[step, i] + length * image[i]
        for before in range(step + 1):
            share = 0.0
            for i in range(size):
                share += residuals[before, i] * residuals[step + 1, i]
            share /= squares[before]
            for i in range(size):
                residuals[step + 1, i] -= share * residuals[before, i]
        new = 0.0
        for i in range(size):
            new += residuals[step + 1, i] * residuals[step + 1, i]
        for i in range(size):
            direction[i] = direction[i] * (new / square) - residuals[step + 1, i]
        squares[step + 1] = new


@compiled(
    "f8(f4[:, ::1], i4[::1], i4[:, ::1], f4[:, ::1], f8[:, :, ::1], f8[:, ::1], f8[::1], f8[::1], f8, f8, f8, i8, i8,"
    " f4[:, ::1])",
    EXACT,
)
def estimate(
    features, counts, chosen, posts, projections, squares, linear, quadratic, num_frames, offset, max_count, period,
    iterations, ivectors,
):  # fmt: skip
    """Write the i-vector after the frames 0, `period`, 2 `period` ... to `ivectors` (R, S).

    Parameters
    ----------
    features : (T, D); frames after number (R - 1) `period` are not used.
    counts, chosen, posts : what `select` returned, with scaled posteriors.
    projections : (G, D, S), Sigma^-1 M of each Gaussian.
    squares : (G, S (S + 1) / 2), lower triangles of M^T Sigma^-1 M.
    linear, quadratic : (S,) and (S (S + 1) / 2,), the statistics so far with the prior; changed in place.
    num_frames : sum of the posteriors so far.
    max_count : if `num_frames` is above it, the prior gets more weight in proportion; 0: never.
    iterations : steps of conjugate gradients, which start from the previous i-vector.

    Returns
    -------
    The new `num_frames`.
    """
    gaussians, dim, size = projections.shape
    gammas = np.zeros(gaussians)
    sums = np.zeros((gaussians, dim))
    touched = np.zeros(gaussians, np.int64)
    matrix = np.zeros((size, size))
    residuals = np.zeros((iterations + 1, size))
    x = np.zeros(size)
    x[0] = offset
    first = 0
    for row in range(len(ivectors)):
        last = row * period
        # A Gaussian's frames are summed up first, so that its matrices are read once per period.
        num_touched = 0
        added = 0.0
        for t in range(first, last + 1):
            for place in range(counts[t]):
                g, weight = chosen[t, place], np.float64(posts[t, place])
                if gammas[g] == 0.0:
                    touched[num_touched] = g
                    num_touched += 1
                gammas[g] += weight
                added += weight
                for d in range(dim):
                    sums[g, d] += weight * features[t, d]
        first = last + 1
        for index in range(num_touched):
            g = touched[index]
            for d in range(dim):
                value = sums[g, d]
                for s in range(size):
                    linear[s] += value * projections[g, d, s]
                sums[g, d] = 0.0
            gamma = gammas[g]
            for k in range(len(quadratic)):
                quadratic[k] += gamma * squares[g, k]
            gammas[g] = 0.0
        if max_count > 0:
            change = (max(num_frames + added, max_count) - max(num_frames, max_count)) / max_count
            linear[0] += offset * change
            for s in range(size):
                quadratic[s * (s + 3) // 2] += change
        num_frames += added
        if num_frames > 0:
            k = 0
            for i in range(size):
                for j in range(i + 1):
                    matrix[i, j] = quadratic[k]
                    matrix[j, i] = quadratic[k]
                    k += 1
            if x[0] == 0.0:
                x[0] = offset
            if row == 0 and num_frames > added:
                exact_conjugate_gradients(matrix, linear, x, iterations, residuals)
            else:
                conjugate_gradients(matrix, linear, x, iterations)
        else:
            x[:] = 0.0
            x[0] = offset
        for s in range(size):
            ivectors[row, s] = x[s]
        ivectors[row, 0] = np.float32(x[0]) - np.float32(offset)
    return num_frames
