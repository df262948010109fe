"""The bootstrap over speakers: what the results would be on other speakers like these.

The utterances of one speaker are alike, so speakers are drawn with replacement, each with all of its utterances
(Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8; Bisani and Ney, ICASSP 2004). The
systems stay as they are; `ser.metrics.intervals` makes intervals of the resamples, and adds what training changes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ser.errors import SerError
from ser.metrics import classification
from ser.metrics.detection import Step

# Pairs are sorted into bins by their scores; these set the time and the memory taken, not the result.
ROWS_PER_BLOCK = 512
COUNTS = 1 << 21
SAMPLE = 1 << 17
SAMPLE_PER_BIN = 128


def draw_speakers(num_speakers: int, resamples: int, seed: int) -> np.ndarray:
    """Draw as many speakers as there are, with replacement, again and again: how often each came.

    Row r depends on `num_speakers`, `seed` and r alone, so that all systems of one test corpus have the same draws.

    Returns
    -------
    (R, S) int64.

    >>> draw_speakers(4, 2, seed=0).sum(axis=1).tolist()
    [4, 4]
    """
    if num_speakers < 2 or resamples < 1:
        raise SerError(
            f"bootstrap: {resamples} resamples of {num_speakers} speakers; it needs 1 resample and 2 speakers"
        )
    drawn = np.random.default_rng(seed).integers(num_speakers, size=(resamples, num_speakers))
    drawn += num_speakers * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * num_speakers).reshape(resamples, num_speakers)


def class_metrics(
    truth: np.ndarray, predicted: np.ndarray, speakers: np.ndarray, multiplicities: np.ndarray, num_classes: int
) -> dict[str, np.ndarray]:
    """Score the classification of each resample.

    Parameters
    ----------
    truth, predicted : (N,) int, 0 to K - 1.
    speakers : (N,) int, the column of `multiplicities` (R, S) that the utterance's speaker has.

    Returns
    -------
    ``uar``, ``wa`` and ``f1`` -> (R,) shares as `ser.metrics.classification` defines them, over the classes that the
    resample has; NaN where it has no utterance.
    """
    _check(len(truth), speakers, multiplicities)
    by_speaker = np.zeros((multiplicities.shape[1], num_classes**2), dtype=np.int64)
    for speaker in np.unique(speakers):
        mine = speakers == speaker
        by_speaker[speaker] = classification.confusion(truth[mine], predicted[mine], num_classes).ravel()
    confusions = (multiplicities @ by_speaker).reshape(-1, num_classes, num_classes)
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
    """Return the equal error rate of the ordered pairs of utterances in each resample, exactly.

    With the multiplicities m of the speakers, a pair of speakers a and b comes m_a m_b times, a pair within speaker a
    m_a times: a speaker drawn twice is two speakers, each with its own pairs, and there is no trial between the two.
    (With m_a m_a pairs within it, easier ones commonly, rates would come out lower than those of new speakers.) For the
    same reason a resample in which one speaker is left of several has no rate: in simulated folds of two speakers the
    intervals of a mean over five covered the truth in 77 % of cases with these, in 91 % without. The rate is what
    `ScoredTrials.eer` returns for the list with each trial repeated as often. For the bootstrap of pairs see Davezies,
    D'Haultfoeuille and Guyonvarch, Annals of Statistics 2021.

    How: the weights in the bins of a fine histogram are products of matrices, and tell in which bin the misses of a
    resample catch up with its false alarms; only the pairs of that bin are then looked at one by one.

    Parameters
    ----------
    scores : (N, N) float32.
    labels : (N,) int, the classes: a pair of one class is a target.
    speakers : (N,) int, the column of `multiplicities` (R, S) that the utterance's speaker has.
    which : (N, N) bool, the pairs that are trials, None for all; an utterance with itself never is.

    Returns
    -------
    (R,) shares, NaN where the resample has no targets, no nontargets, or one speaker of several.

    Raises
    ------
    SerError
        Where a score is NaN or the sizes disagree.
    """
    _check(len(labels), speakers, multiplicities)
    if scores.shape != (len(labels), len(labels)):
        raise SerError(f"bootstrap: scores of shape {scores.shape} for {len(labels)} utterances; give one each pair")
    if np.isnan(scores).any():
        raise SerError(f"bootstrap: {np.count_nonzero(np.isnan(scores))} of {scores.size} scores are NaN")
    present, speakers = np.unique(speakers, return_inverse=True)
    times = multiplicities[:, present].astype(np.float64)
    edges = _edges(scores)
    bins, weights = _weigh_bins(scores, labels, speakers, times, edges, which)

    # At the lower edge of each bin and over the last: targets below, nontargets above.
    below = np.pad(np.cumsum(weights[:, 1], axis=1), ((0, 0), (1, 0)))
    above = np.pad(np.cumsum(weights[:, 0, ::-1], axis=1)[:, ::-1], ((0, 0), (0, 1)))
    targets, nontargets = below[:, -1], above[:, 0]
    enough_speakers = np.count_nonzero(times, axis=1) >= min(2, len(present))
    resamples = np.flatnonzero((targets > 0) & (nontargets > 0) & enough_speakers)
    crossings = np.argmax(above * targets[:, None] <= below * nontargets[:, None], axis=1) - 1

    def rate_at(r: int, hits: np.ndarray, alarms: np.ndarray) -> float:
        """The equal error rate, from the targets and nontargets (n,) of each score of its bin."""
        before = below[r, crossings[r]] + np.cumsum(hits) - hits
        accepted = above[r, crossings[r]] - np.cumsum(alarms) + alarms
        crossed = (before + hits) * nontargets[r] >= (accepted - alarms) * targets[r]
        place = int(np.argmax(crossed))
        step = Step(before[place], accepted[place], hits[place], alarms[place], targets[r], nontargets[r])
        if step.is_inside_a_tie:
            return step.rate()
        rank = np.maximum(before, np.ceil(accepted * targets[r] / nontargets[r]))
        found = np.flatnonzero(rank < before + hits)
        missed = rank[found[0]] if len(found) else below[r, crossings[r] + 1]
        return min(missed, targets[r] - 1) / targets[r]

    rates = np.full(len(times), np.nan)
    for r in resamples.tolist():
        # Right where all scores of the bin are the same, and that may be all scores there are.
        alarms, hits = weights[r, :, crossings[r], None]
        rates[r] = rate_at(r, hits, alarms)
    mixed = np.pad(np.nextafter(edges[:-1], np.inf) < edges[1:], 1, constant_values=True)
    resamples = resamples[mixed[crossings[resamples]]]
    for crossing, pairs in _pairs_in(bins, np.unique(crossings[resamples])):
        pairs = pairs[np.argsort(scores.ravel()[pairs])]
        rising = scores.ravel()[pairs]
        starts = np.flatnonzero(np.append(True, rising[1:] != rising[:-1]))
        one, other = np.divmod(pairs, len(labels))
        is_target = labels[one] == labels[other]
        kinds = speakers[one] * len(present) + speakers[other]
        for r in resamples[crossings[resamples] == crossing]:
            come = _pair_times(times[r : r + 1]).ravel()[kinds]
            hits = np.add.reduceat(come * is_target, starts)
            rates[r] = rate_at(r, hits, np.add.reduceat(come, starts) - hits)
    return rates


def _edges(scores: np.ndarray) -> np.ndarray:
    """Choose the inner edges of bins of about as many scores each; a score that fills one alone has its own."""
    sample = scores.ravel()[np.random.default_rng(0).integers(scores.size, size=min(SAMPLE, scores.size))]
    sample.sort()
    quantiles = sample[SAMPLE_PER_BIN // 2 :: SAMPLE_PER_BIN]
    repeated = quantiles[1:][quantiles[1:] == quantiles[:-1]]
    return np.unique(np.concatenate([quantiles, np.nextafter(repeated, np.float32(np.inf))]))


def _pair_times(times: np.ndarray, first: int = 0, last: int | None = None) -> np.ndarray:
    """How often the pairs of each two speakers come: (R, n, S), of the n speakers from `first` to before `last`."""
    some = times[:, first:last]
    both = some[:, :, None] * times[:, None, :]
    index = np.arange(some.shape[1])
    both[:, index, first + index] = some
    return both


def _weigh_bins(
    scores: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    times: np.ndarray,
    edges: np.ndarray,
    which: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the bin of each pair, (N, N) uint16, and the weights of the bins' nontargets and targets, (R, 2, B).

    What is no trial is in a bin B of its own, of no weight.
    """
    num_speakers, num_bins = times.shape[1], len(edges) + 1
    size = 2 * (num_bins + 1)
    bins = np.empty(scores.shape, dtype=np.uint16)
    weights = np.zeros((len(times), size))
    at_once = max(1, COUNTS // (num_speakers * size))
    for first in range(0, num_speakers, at_once):
        last = min(first + at_once, num_speakers)
        counts = np.zeros((last - first) * num_speakers * size)
        mine = np.flatnonzero((speakers >= first) & (speakers < last))
        for start in range(0, len(mine), ROWS_PER_BLOCK):
            rows = mine[start : start + ROWS_PER_BLOCK]
            cells = np.searchsorted(edges, scores[rows], side="right")
            if which is not None:
                cells[~which[rows]] = num_bins
            cells[np.arange(len(rows)), rows] = num_bins
            bins[rows] = cells
            kinds = 2 * (num_speakers * (speakers[rows, None] - first) + speakers) + (labels[rows, None] == labels)
            counts += np.bincount((cells + (num_bins + 1) * kinds).ravel(), minlength=len(counts))
        weights += _pair_times(times, first, last).reshape(len(times), -1) @ counts.reshape(-1, size)
    return bins, weights.reshape(len(times), 2, -1)[:, :, :num_bins]


def _pairs_in(bins: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each of the `wanted` bins and the places (n,) of its pairs in the flattened matrix."""
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
        raise SerError(f"bootstrap: {num_utts} utterances, and speakers of {len(speakers)}; give one each utterance")
    if speakers.min() < 0 or speakers.max() >= multiplicities.shape[1]:
        raise SerError(
            f"bootstrap: speakers {speakers.min()} to {speakers.max()}, but the resamples are of "
            f"{multiplicities.shape[1]}; number the speakers of the whole test corpus from 0"
        )
