"""The phone language model of LF-MMI's denominator: an n-gram without smoothing, whose rarest histories are merged.

D. Povey et al., Interspeech 2016, section 3.2; Kaldi's chain/language-model.cc. It has no back-off arcs, so that the
denominator graph is small. To limit the number of states, histories are merged into the history that is one phone
shorter; those whose merging costs the least likelihood go first.
"""

import heapq
import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ser.errors import SerError

logger = logging.getLogger(__name__)

BOUNDARY = -1  # stands before the first phone of a sequence, and after its last one
ROUNDS = 5  # rounds of merging; each begins by computing all losses in likelihood again

History = tuple[int, ...]


@dataclass(frozen=True)
class PhoneLmConfig:
    """Settings of the phone language model."""

    order: int = 4  # n of the n-grams
    no_prune_order: int = 3  # histories shorter than this are never merged
    extra_states: int = 2000  # states that are kept beyond those that are never merged

    def __post_init__(self) -> None:
        if not 2 <= self.no_prune_order <= self.order or self.extra_states < 0:
            raise SerError(
                f"phone language model: expected 2 <= no_prune_order <= order and extra_states >= 0; found "
                f"{self.no_prune_order}, {self.order} and {self.extra_states}"
            )


@dataclass(frozen=True)
class PhoneLm:
    """A phone n-gram as an automaton.

    Attributes
    ----------
    histories : the history of each state; paths begin in state 0.
    arcs : for each state, phone -> (log probability, next state).
    finals : for each state, the log probability of the end; minus infinity where no training sequence ended.
    """

    histories: tuple[History, ...]
    arcs: tuple[dict[int, tuple[float, int]], ...]
    finals: tuple[float, ...]

    def log_probability(self, phones: Sequence[int]) -> float:
        """Return the log probability of a sequence of phones; minus infinity if it has an unseen n-gram."""
        state, total = 0, 0.0
        for phone in phones:
            if phone not in self.arcs[state]:
                return -math.inf
            value, state = self.arcs[state][phone]
            total += value
        return total + self.finals[state]


def estimate(sequences: Iterable[Sequence[int]], config: PhoneLmConfig) -> PhoneLm:
    """Estimate the phone language model from `sequences` of phone numbers (0, 1, ...)."""
    counts: dict[History, Counter[int]] = {}
    for sequence in sequences:
        history: History = (BOUNDARY,)
        for phone in sequence:
            counts.setdefault(history, Counter())[phone] += 1
            history = (*history, phone)[-(config.order - 1) :]
        counts.setdefault(history, Counter())[BOUNDARY] += 1
    if not any(phone != BOUNDARY for followers in counts.values() for phone in followers):
        raise SerError("phone language model: no phones to learn from; are all transcripts empty?")
    _Merging(counts, config).run()
    return _automaton(counts)


class _Merging:
    """Merges histories of `counts` into shorter ones until there are few enough."""

    def __init__(self, counts: dict[History, Counter[int]], config: PhoneLmConfig) -> None:
        self.counts, self.config = counts, config
        # For each history, the number of longer histories that end with it.
        self.children: Counter[History] = Counter()
        for history in counts:
            self._count_child(history, +1)
        basic = {history if self._is_basic(history) else history[-(config.no_prune_order - 1) :] for history in counts}
        self.target = len(basic) + config.extra_states

    def _is_basic(self, history: History) -> bool:
        return len(history) < self.config.no_prune_order

    def _count_child(self, history: History, change: int) -> None:
        for start in range(1, len(history)):
            self.children[history[start:]] += change

    def run(self) -> None:
        before = len(self.counts)
        for left in reversed(range(ROUNDS)):
            self._merge_down_to(self.target + (before - self.target) * left // ROUNDS)
        logger.info("phone language model: %d of %d histories kept", len(self.counts), before)

    def _merge_down_to(self, target: int) -> None:
        if len(self.counts) <= target:
            return
        queue = [(self._loss(history), history) for history in sorted(self.counts) if self._may_go(history)]
        heapq.heapify(queue)
        while queue and len(self.counts) > target:
            loss, history = heapq.heappop(queue)
            if history not in self.counts or not self._may_go(history):
                continue
            now = self._loss(history)
            if queue and now > queue[0][0] and now > loss:
                heapq.heappush(queue, (now, history))
                continue
            self._merge(history, queue)

    def _may_go(self, history: History) -> bool:
        """Tell whether `history` may be merged: no longer history ends with it, and none continues it.

        A merge forgets the first phone of the history. Another history that needs that phone would become unreachable.
        """
        if self._is_basic(history) or self.children[history] > 0:
            return False
        if len(history) == self.config.order - 1:
            return True
        return not any((*history, phone) in self.counts for phone in self.counts[history] if phone != BOUNDARY)

    def _loss(self, history: History) -> float:
        shorter = self.counts.get(history[1:])
        if shorter is None:
            return 0.0
        here = self.counts[history]
        return _log_likelihood(here) + _log_likelihood(shorter) - _log_likelihood(here + shorter)

    def _merge(self, history: History, queue: list[tuple[float, History]]) -> None:
        self._count_child(history, -1)
        shorter = history[1:]
        followers = self.counts.pop(history)
        is_new = shorter not in self.counts
        self.counts.setdefault(shorter, Counter()).update(followers)
        if is_new:
            self._count_child(shorter, +1)
        if self._may_go(shorter):
            heapq.heappush(queue, (self._loss(shorter), shorter))


def _log_likelihood(followers: Counter[int]) -> float:
    return sum(count * math.log(count) for count in followers.values()) - followers.total() * math.log(
        followers.total()
    )


def _automaton(counts: dict[History, Counter[int]]) -> PhoneLm:
    start = (BOUNDARY,)
    histories = (start, *sorted(history for history in counts if history != start))
    number = {history: index for index, history in enumerate(histories)}
    arcs: list[dict[int, tuple[float, int]]] = []
    finals = []
    for history in histories:
        followers = counts[history]
        total = followers.total()
        arcs.append({})
        for phone, count in sorted(followers.items()):
            if phone == BOUNDARY:
                continue
            after = (*history, phone)
            while after not in number:
                after = after[1:]
            arcs[-1][phone] = (math.log(count / total), number[after])
        ends = followers[BOUNDARY]
        finals.append(math.log(ends / total) if ends else -math.inf)
    return PhoneLm(histories, tuple(arcs), tuple(finals))
