"""Detection: equal error rate, DET curve and minimum detection cost of scored trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser.errors import SerError

# Rows of a score matrix that are split into targets and nontargets at once.
ROWS_PER_BLOCK = 512


@dataclass(frozen=True)
class Step:
    """One step of the ROC, that of one score: `missed` targets lie below it, `accepted` nontargets at it or above it.

    `hits` targets and `alarms` nontargets have exactly that score. There are `targets` and `nontargets` in all.
    """

    missed: float
    accepted: float
    hits: float
    alarms: float
    targets: float
    nontargets: float

    @property
    def has_crossed(self) -> bool:
        """Whether the miss rate has reached the false alarm rate for a threshold just above this score."""
        return (self.missed + self.hits) * self.nontargets >= (self.accepted - self.alarms) * self.targets

    @property
    def is_inside_a_tie(self) -> bool:
        """Whether targets and nontargets tie at this score, and miss and false alarm rate cross inside the step."""
        begins_before = self.missed * self.nontargets < self.accepted * self.targets
        ends_after = (self.missed + self.hits) * self.nontargets > (self.accepted - self.alarms) * self.targets
        return bool(self.hits and self.alarms and begins_before and ends_after)

    def rate(self) -> float:
        """Return the equal error rate, a share, on the straight line between the two ends of the step."""
        miss, false_alarm = self.missed / self.targets, self.accepted / self.nontargets
        rise, fall = self.hits / self.targets, self.alarms / self.nontargets
        return miss + rise * (false_alarm - miss) / (rise + fall)


@dataclass(frozen=True)
class ScoredTrials:
    """Scores of the target and of the nontarget trials, each (n,) float32 in rising order; see `of` and `of_pairs`.

    A trial is accepted if its score reaches the threshold.
    """

    target: np.ndarray
    nontarget: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, is_target: np.ndarray) -> ScoredTrials:
        """Split the scores (n,) of trials into targets, where `is_target` (n,) bool, and nontargets, and sort each.

        Raises
        ------
        SerError
            If a score is NaN, or there are no targets or no nontargets.
        """
        return cls._sorted(scores[is_target], scores[~is_target])

    @classmethod
    def of_pairs(
        cls, scores: np.ndarray, enrol_labels: np.ndarray, test_labels: np.ndarray, left_out: np.ndarray | None = None
    ) -> ScoredTrials:
        """Take every pair of a score matrix as a trial, a target where the two classes are the same.

        Parameters
        ----------
        scores : (N, M) float32.
        enrol_labels, test_labels : (N,) and (M,) int, the classes.
        left_out : (N,) int, for each row the column that is no trial because it is the same utterance; -1 for none.
        """
        parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for start in range(0, len(scores), ROWS_PER_BLOCK):
            rows = slice(start, start + ROWS_PER_BLOCK)
            block = scores[rows]
            same = enrol_labels[rows, None] == test_labels
            other = ~same
            if left_out is not None:
                index = np.flatnonzero(left_out[rows] >= 0)
                same[index, left_out[rows][index]] = False
                other[index, left_out[rows][index]] = False
            parts[0].append(block[same])
            parts[1].append(block[other])
        return cls._sorted(*(np.concatenate(part) if part else np.empty(0, np.float32) for part in parts))

    @classmethod
    def _sorted(cls, target: np.ndarray, nontarget: np.ndarray) -> ScoredTrials:
        for name, part in (("target", target), ("nontarget", nontarget)):
            if not len(part):
                raise SerError(f"no {name} trials; an error rate needs target and nontarget trials")
            part.sort()
            # NaN sorts last.
            if np.isnan(part[-1]):
                raise SerError(
                    f"{np.count_nonzero(np.isnan(part))} of {len(part)} {name} scores are NaN; check the vectors"
                )
        return cls(target, nontarget)

    def __len__(self) -> int:
        return len(self.target) + len(self.nontarget)

    def eer(self) -> float:
        """Return the equal error rate, a share, as Kaldi's `compute-eer` defines it where no scores tie.

        Trials of equal score are accepted together, so that a tie is one step of the ROC. Where miss and false alarm
        rate cross inside a tie of targets with nontargets, the EER is read off the straight line between the two ends
        of the step (Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 2006, section 6).

        Elsewhere it is p / T: p (from 0) is the first of the T targets, in rising order, whose score exceeds that of
        the nontarget number N - 1 - floor(N p / T) of the N in rising order, the one with the same share above it. All
        later targets exceed theirs too, so p is found by bisection.
        """
        step = self._crossing()
        if step.is_inside_a_tie:
            return step.rate()
        low, high = 0, len(self.target) - 1
        while low < high:
            middle = (low + high) // 2
            from_top = int(len(self.nontarget) * middle / len(self.target))
            if self.nontarget[max(len(self.nontarget) - 1 - from_top, 0)] < self.target[middle]:
                high = middle
            else:
                low = middle + 1
        return low / len(self.target)

    def ties_at_eer(self) -> int:
        """Return how many trials tie at the equal error rate; 0 if it does not lie inside a tie."""
        step = self._crossing()
        return int(step.hits + step.alarms) if step.is_inside_a_tie else 0

    def _crossing(self) -> Step:
        """Find the lowest score at which the miss rate has reached the false alarm rate, by bisection."""
        score = np.float32(np.inf)
        for part in (self.target, self.nontarget):
            low, high = 0, len(part)
            while low < high:
                middle = (low + high) // 2
                if self._step(part[middle]).has_crossed:
                    high = middle
                else:
                    low = middle + 1
            if low < len(part):
                score = min(score, part[low])
        return self._step(score)

    def _step(self, score: np.float32) -> Step:
        below, up_to = np.searchsorted(self.target, [score]), np.searchsorted(self.target, [score], side="right")
        under, over = np.searchsorted(self.nontarget, [score]), np.searchsorted(self.nontarget, [score], side="right")
        targets, nontargets = len(self.target), len(self.nontarget)
        return Step(
            int(below[0]), nontargets - int(under[0]), int((up_to - below)[0]), int((over - under)[0]),
            targets, nontargets,
        )  # fmt: skip

    def rates(self, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the shares of missed targets and of accepted nontargets at each of the thresholds (n,)."""
        miss = np.searchsorted(self.target, thresholds) / len(self.target)
        false_alarm = 1.0 - np.searchsorted(self.nontarget, thresholds) / len(self.nontarget)
        return miss, false_alarm

    def det(self, num_points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return thresholds in rising order and their miss and false alarm rates, about `num_points` of each.

        The thresholds are scores of targets, counted from the lowest, and of nontargets, counted from the highest, at
        ranks that are evenly spaced on a logarithmic scale: a DET plot magnifies small rates (Martin et al.,
        Eurospeech 1997).
        """
        thresholds = []
        for part, sign in ((self.target, 1), (self.nontarget, -1)):
            ranks = np.unique(np.geomspace(1, len(part), num_points // 2).astype(np.int64)) - 1
            thresholds.append(part[::sign][ranks])
        chosen = np.unique(np.concatenate(thresholds))
        return chosen, *self.rates(chosen)

    def min_dcf(self, p_target: float, cost_miss: float = 1.0, cost_false_alarm: float = 1.0) -> float:
        """Return the least detection cost over all thresholds, divided by that of the best constant decision.

        Source: NIST speaker recognition evaluation 2016, section 3.1.

        Raises
        ------
        SerError
            For a `p_target` outside 0 to 1.
        """
        if not 0.0 < p_target < 1.0:
            raise SerError(f"minDCF: the prior of a target lies between 0 and 1, found {p_target}")
        miss_cost, false_alarm_cost = cost_miss * p_target, cost_false_alarm * (1.0 - p_target)
        best = min(miss_cost, false_alarm_cost)
        # The least cost is at the score of a target: raising a threshold to the next one rejects only nontargets.
        for start in range(0, len(self.target), 1 << 20):
            miss, false_alarm = self.rates(self.target[start : start + (1 << 20)])
            best = min(best, float(np.min(miss_cost * miss + false_alarm_cost * false_alarm)))
        return best / min(miss_cost, false_alarm_cost)
