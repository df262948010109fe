"""Bootstrap over speakers: the figures that a system would have on other speakers like these.

The utterances of one speaker are alike, so speakers are drawn with replacement, each with all of its utterances
(Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8; Bisani and Ney, ICASSP 2004). The
trained systems stay fixed. `ser.metrics.intervals` turns the resamples into intervals, and adds the variation between
trainings.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ser.errors import SerError
from ser.metrics import classification
from ser.metrics.detection import Step

# `pair_eer` counts pairs in a histogram of their scores. These four set its time and memory, not its result.
ROWS_PER_BLOCK = 512  # rows of the score matrix that are binned at once
COUNTS = 1 << 21  # histogram counts held at once
SAMPLE = 1 << 17  # scores that are sampled to place the edges of the bins
SAMPLE_PER_BIN = 128  # sampled scores between one edge and the next


def draw_speakers(num_speakers: int, resamples: int, seed: int) -> np.ndarray:
    """Draw S of the S speakers with replacement, R times, and count how often each was drawn.

    Row r depends on `num_speakers`, `seed` and r alone, so that all systems of one test corpus have the same draws.

    Returns
    -------
    (R, S) int64: the multiplicity of each speaker in each resample.

    >>> draw_speakers(4, 2, seed=0).sum(axis=1).tolist()
    [4, 4]
    """
    if num_speakers < 2 or resamples < 1:
        raise SerError(
            f"bootstrap: {resamples} resamples of {num_speakers} speakers; it needs 1 resample and 2 speakers"
        )
    drawn = np.random.default_rng(seed).integers(num_speakers, size=(resamples, num_speakers))
    # Each resample gets S numbers of its own, so that one bincount counts all of them.
    drawn += num_speakers * np.arange(resamples)[:, None]  # (R, S)
    return np.bincount(drawn.ravel(), minlength=resamples * num_speakers).reshape(resamples, num_speakers)


def class_metrics(
    truth: np.ndarray, predicted: np.ndarray, speakers: np.ndarray, multiplicities: np.ndarray, num_classes: int
) -> dict[str, np.ndarray]:
    """Score the classification of each resample.

    Parameters
    ----------
    truth, predicted : (N,) int, 0 to K - 1.
    speakers : (N,) int, the column of `multiplicities` (R, S) that counts the utterance's speaker.

    Returns
    -------
    ``uar``, ``wa`` and ``f1`` -> (R,) shares as `ser.metrics.classification` defines them, over the classes that the
    resample has; NaN if it has no utterance.
    """
    _check(len(truth), speakers, multiplicities)
    # A resample's confusion matrix is the sum of its speakers' matrices, each as often as the speaker was drawn.
    by_speaker = np.zeros((multiplicities.shape[1], num_classes**2), dtype=np.int64)
    for speaker in np.unique(speakers):
        mine = speakers == speaker
        by_speaker[speaker] = classification.confusion(truth[mine], predicted[mine], num_classes).ravel()
    confusions = (multiplicities @ by_speaker).reshape(-1, num_classes, num_classes)  # (R, K, K)
    measures = {"uar": classification.uar, "wa": classification.accuracy, "f1": classification.macro_f1}
    return {
        name: np.array([measure(counts) if counts.any() else np.nan for counts in confusions])
        for name, measure in measures.items()
    }


def pair_eer(
    scores: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    multiplicities: np.ndarray,
    which: np.ndarray | None = None,
) -> np.ndarray:
    """Return the equal error rate of the pairs of utterances in each resample, exactly.

    Let speaker a be drawn m_a times. A pair of utterances of two speakers a and b then counts m_a m_b times, and a pair
    within speaker a counts m_a times: a speaker drawn twice stands for two speakers, each with its own pairs, and there
    are no trials between those two. (Counting m_a m_a pairs within a speaker would add pairs that are usually easy, and
    give lower rates than new speakers would.) For the same reason a resample that drew only one of several speakers has
    no rate: in simulated folds of two speakers, the intervals of a mean over five folds covered the truth in 77 % of
    cases with such resamples, and in 91 % without them. The rate is what `ScoredTrials.eer` returns for the list in
    which each trial is repeated as often as it counts. For the bootstrap of pairs see Davezies, D'Haultfoeuille and
    Guyonvarch, Annals of Statistics 2021.

    Method: matrix products give the weight of each bin of a fine histogram of scores in each resample. The weights tell
    in which bin the resample's misses catch up with its false alarms. Only that bin's pairs are then sorted by score.

    Parameters
    ----------
    scores : (N, N) float32.
    labels : (N,) int, the classes: a pair of one class is a target.
    speakers : (N,) int, the column of `multiplicities` (R, S) that counts the utterance's speaker.
    which : (N, N) bool, the pairs that are trials; None for all, both ways round. A pair of an utterance with itself is
        never a trial.

    Returns
    -------
    (R,) shares; NaN if the resample has no targets, no nontargets, or only one of several speakers.

    Raises
    ------
    SerError
        If a score is NaN or the sizes disagree.
    """
    _check(len(labels), speakers, multiplicities)
    if scores.shape != (len(labels), len(labels)):
        raise SerError(
            f"bootstrap: scores of shape {scores.shape} for {len(labels)} utterances; give one for each pair"
        )
    if np.isnan(scores).any():
        raise SerError(f"bootstrap: {np.count_nonzero(np.isnan(scores))} of {scores.size} scores are NaN")
    present, speakers = np.unique(speakers, return_inverse=True)
    times = multiplicities[:, present].astype(np.float64)  # (R, S), S being the speakers that are present
    edges = _edges(scores)  # (B - 1,)
    bins, weights = _weigh_bins(scores, labels, speakers, times, edges, which)

    # For a threshold at the lower edge of each bin, then over the last bin: the misses (weight of the targets below it)
    # and the false alarms (weight of the nontargets above it), both (R, B + 1).
    below = np.pad(np.cumsum(weights[:, 1], axis=1), ((0, 0), (1, 0)))
    above = np.pad(np.cumsum(weights[:, 0, ::-1], axis=1)[:, ::-1], ((0, 0), (0, 1)))
    targets, nontargets = below[:, -1], above[:, 0]  # (R,) each, the totals
    enough_speakers = np.count_nonzero(times, axis=1) >= min(2, len(present))
    resamples = np.flatnonzero((targets > 0) & (nontargets > 0) & enough_speakers)
    # (R,) the bin in which the miss rate reaches the false alarm rate. Both sides are multiplied out: no division.
    crossings = np.argmax(above * targets[:, None] <= below * nontargets[:, None], axis=1) - 1

    def rate_at(r: int, hits: np.ndarray, alarms: np.ndarray) -> float:
        """The equal error rate of resample r, from the weights (n,) of the targets and nontargets at each score.

        The n scores are those of the bin `crossings[r]`, in rising order.
        """
        # For a threshold at each score: the targets below it are missed, the nontargets from it up are accepted.
        before = below[r, crossings[r]] + np.cumsum(hits) - hits
        accepted = above[r, crossings[r]] - np.cumsum(alarms) + alarms
        crossed = (before + hits) * nontargets[r] >= (accepted - alarms) * targets[r]
        place = int(np.argmax(crossed))
        step = Step(before[place], accepted[place], hits[place], alarms[place], targets[r], nontargets[r])
        if step.is_inside_a_tie:
            return step.rate()
        # Without a tie the rate is p / T for the first target p at which the misses reach the false alarms, see
        # `ScoredTrials.eer`. `rank` is the least such p at each score, if the score has a target of that rank.
        rank = np.maximum(before, np.ceil(accepted * targets[r] / nontargets[r]))
        found = np.flatnonzero(rank < before + hits)
        missed = rank[found[0]] if len(found) else below[r, crossings[r] + 1]
        return min(missed, targets[r] - 1) / targets[r]

    rates = np.full(len(times), np.nan)
    for r in resamples.tolist():
        # First as if all pairs of the bin had one score. That is final for a bin which holds one score only.
        alarms, hits = weights[r, :, crossings[r], None]  # (1,) each
        rates[r] = rate_at(r, hits, alarms)
    # (B,) the bins that can hold more than one score: their edges are not two neighbouring floats.
    mixed = np.pad(np.nextafter(edges[:-1], np.inf) < edges[1:], 1, constant_values=True)
    resamples = resamples[mixed[crossings[resamples]]]
    # For the other resamples, go through the scores of the bin; the pairs are the same for all resamples of one bin.
    for crossing, pairs in _pairs_in(bins, np.unique(crossings[resamples])):
        pairs = pairs[np.argsort(scores.ravel()[pairs])]  # (P,) in rising order of score
        rising = scores.ravel()[pairs]
        starts = np.flatnonzero(np.append(True, rising[1:] != rising[:-1]))  # (n,) the first pair of each score
        one, other = np.divmod(pairs, len(labels))
        is_target = labels[one] == labels[other]
        kinds = speakers[one] * len(present) + speakers[other]  # (P,) the pair of speakers, as one number
        for r in resamples[crossings[resamples] == crossing]:
            come = _pair_times(times[r : r + 1]).ravel()[kinds]  # (P,) how often each pair counts
            hits = np.add.reduceat(come * is_target, starts)  # (n,)
            rates[r] = rate_at(r, hits, np.add.reduceat(come, starts) - hits)
    return rates


def _edges(scores: np.ndarray) -> np.ndarray:
    """Choose the inner edges (B - 1,) of bins that hold about equally many scores.

    A score so frequent that it would fill a whole bin gets a bin of its own.
    """
    sample = scores.ravel()[np.random.default_rng(0).integers(scores.size, size=min(SAMPLE, scores.size))]
    sample.sort()
    quantiles = sample[SAMPLE_PER_BIN // 2 :: SAMPLE_PER_BIN]
    # A frequent score is several quantiles: its bin ends at the next float.
    repeated = quantiles[1:][quantiles[1:] == quantiles[:-1]]
    return np.unique(np.concatenate([quantiles, np.nextafter(repeated, np.float32(np.inf))]))


def _pair_times(times: np.ndarray, first: int = 0, last: int | None = None) -> np.ndarray:
    """How often a pair of utterances counts, by its two speakers: (R, n, S) for the n speakers `first` to `last` - 1.

    It is m_a m_b for two speakers a and b, and m_a within speaker a, see `pair_eer`.
    """
    some = times[:, first:last]  # (R, n)
    both = some[:, :, None] * times[:, None, :]  # (R, n, S)
    index = np.arange(some.shape[1])
    both[:, index, first + index] = some  # within one speaker
    return both


def _weigh_bins(
    scores: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    times: np.ndarray,
    edges: np.ndarray,
    which: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the bin of each pair, (N, N) uint16, and the weights of each bin's nontargets and targets, (R, 2, B).

    Pairs that are no trials go to an extra bin B, which is left out of the weights.
    """
    num_speakers, num_bins = times.shape[1], len(edges) + 1
    size = 2 * (num_bins + 1)  # counts of one pair of speakers: nontargets and targets in each of B + 1 bins
    bins = np.empty(scores.shape, dtype=np.uint16)
    weights = np.zeros((len(times), size))
    # A few first speakers of the pairs at a time, so that their counts fit in COUNTS numbers.
    at_once = max(1, COUNTS // (num_speakers * size))
    for first in range(0, num_speakers, at_once):
        last = min(first + at_once, num_speakers)
        counts = np.zeros((last - first) * num_speakers * size)
        mine = np.flatnonzero((speakers >= first) & (speakers < last))
        for start in range(0, len(mine), ROWS_PER_BLOCK):
            rows = mine[start : start + ROWS_PER_BLOCK]
            cells = np.searchsorted(edges, scores[rows], side="right")  # (rows, N)
            if which is not None:
                cells[~which[rows]] = num_bins
            cells[np.arange(len(rows)), rows] = num_bins
            bins[rows] = cells
            # First speaker, second speaker, and target or not, as one number.
            kinds = 2 * (num_speakers * (speakers[rows, None] - first) + speakers) + (labels[rows, None] == labels)
            counts += np.bincount((cells + (num_bins + 1) * kinds).ravel(), minlength=len(counts))
        # (R, n S) times (n S, size): each pair of speakers weighs as often as the resample has it.
        weights += _pair_times(times, first, last).reshape(len(times), -1) @ counts.reshape(-1, size)
    return bins, weights.reshape(len(times), 2, -1)[:, :, :num_bins]


def _pairs_in(bins: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each of the `wanted` bins and the indices (n,) of its pairs in the flattened matrix."""
    chosen = np.zeros(np.iinfo(bins.dtype).max + 1, dtype=bool)
    chosen[wanted] = True
    pairs = np.flatnonzero(chosen[bins])
    found = bins.ravel()[pairs]
    pairs = pairs[np.argsort(found, kind="stable")]
    ends = np.cumsum(np.bincount(found, minlength=len(chosen)))
    for place in wanted:
        yield int(place), pairs[ends[place - 1] if place else 0 : ends[place]]


def _check(num_utts: int, speakers: np.ndarray, multiplicities: np.ndarray) -> None:
    if len(speakers) != num_utts or not num_utts:
        raise SerError(
            f"bootstrap: {num_utts} utterances, and speakers of {len(speakers)}; give one for each utterance"
        )
    if speakers.min() < 0 or speakers.max() >= multiplicities.shape[1]:
        raise SerError(
            f"bootstrap: speakers {speakers.min()} to {speakers.max()}, but the resamples are of "
            f"{multiplicities.shape[1]}; number the speakers of the whole test corpus from 0"
        )
