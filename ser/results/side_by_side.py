"""Comparison of systems on the same folds: choices on some folds, figures on these and on the other folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ser.backend.fold_scores import FIGURES, Figures, FoldScores
from ser.errors import SerError
from ser.metrics import intervals

Backend = Literal["plda", "gaussian", "svm"]


@dataclass(frozen=True)
class System:
    """A source of vectors, one for each utterance of the corpus.

    Attributes
    ----------
    group : systems of a group differ only in a choice such as the layer; the best system of a group has a row.
    vectors : their scp or ark. ``{fold}`` and ``{seed}`` stand for the fold that the net was not trained on and the
        seed of its training. Without ``{fold}`` the net was not trained on the corpus; without ``{seed}`` it has one.
    posteriors : whether the vectors are posteriors of the classes, in sorted order, so that they need no back end.
    by_speaker : whether the net's features are normalised over all recordings of a speaker. Such a system is only
        compared where each speaker's mean is subtracted, which uses these recordings too.
    """

    group: str
    vectors: str
    posteriors: bool = False
    by_speaker: bool = False

    @property
    def has_seeds(self) -> bool:
        """Whether there is a training for each seed."""
        return "{seed}" in self.vectors


@dataclass(frozen=True)
class SideBySideConfig:
    """The contents of a ``side_by_side.yaml``.

    Attributes
    ----------
    choice_folds : folds on which layers, back ends and joins are chosen; the other folds are only reported.
    seeds : seeds of the systems that are trained with several.
    backends : kinds of back end of single systems, see `ser.backend.fold_scores.score_fold`.
    join_backends : kinds of back end of joined vectors.
    backend_config, protocol : YAML of PLDA, and YAML of parts, priors and intervals.
    most_joined : largest number of systems in a join; 1 for no joins.
    systems : name -> system.
    """

    choice_folds: tuple[str, ...]
    seeds: tuple[str, ...]
    backends: tuple[Backend, ...]
    join_backends: tuple[Backend, ...]
    backend_config: str
    protocol: str
    most_joined: int
    systems: dict[str, System]

    def __post_init__(self) -> None:
        for name in ("choice_folds", "seeds", "backends", "join_backends", "systems"):
            if not getattr(self, name):
                raise SerError(f"side by side: {name} is empty; give at least one")

    def only(self, names: Sequence[str]) -> SideBySideConfig:
        """Return the settings with only the systems `names`; all of them if there are none."""
        if unknown := [name for name in names if name not in self.systems]:
            raise SerError(f"side by side: no system {', '.join(unknown)}; there are {', '.join(self.systems)}")
        return replace(self, systems={name: self.systems[name] for name in names}) if names else self


@dataclass(frozen=True)
class Way:
    """A way to recognise emotions: a back end on the vectors of one system, or on the joined vectors of several.

    `speakers` is ``none``, or ``all`` if each speaker's mean is subtracted, which uses the test speaker's other
    recordings, without labels. An average of the scores of several ways has the back end ``average``. With
    `over_seeds`, the scores of the nets of all seeds are averaged before they are evaluated.
    """

    systems: tuple[str, ...]
    backend: str
    speakers: str
    over_seeds: bool = False

    @property
    def name(self) -> str:
        """Return the names of the systems, joined."""
        return " + ".join(self.systems)


# Scores by seed and fold.
SeedScores = Mapping[str, Mapping[str, FoldScores]]
# Figures by seed and fold.
SeedFigures = Mapping[str, Mapping[str, Figures]]


def goodness(figures: SeedFigures, folds: Sequence[str]) -> float:
    """Return the criterion of all choices: UAR minus EER, in percent, the mean over these folds and all seeds."""
    return float(np.mean([of_fold[fold].uar - of_fold[fold].eer for of_fold in figures.values() for fold in folds]))


def choose_forward(
    candidates: Sequence[str], evaluate: Callable[[tuple[str, ...]], float], most: int
) -> tuple[str, ...]:
    """Choose up to `most` candidates: add the one that raises `evaluate` most, as long as one raises it.

    >>> worth = {"a": 1, "b": 3, "c": 2}
    >>> choose_forward("abc", lambda names: sum(worth[name] for name in names) - len(names) ** 2, 3)
    ('b',)
    """
    chosen: tuple[str, ...] = ()
    best = -np.inf
    while len(chosen) < most:
        found = [((*chosen, name), evaluate((*chosen, name))) for name in candidates if name not in chosen]
        if not found:
            break
        names, value = max(found, key=lambda one: one[1])
        if value <= best:
            break
        chosen, best = names, value
    return chosen


@dataclass(frozen=True)
class Summary:
    """Figures of some folds: name -> mean over folds and seeds, and its interval over speaker folds and seeds."""

    mean: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]


def summarise(figures: SeedFigures, folds: Sequence[str], resamples: int, level: float, seed: int) -> Summary:
    """Average the figures over `folds` and seeds, with intervals over both; see `ser.metrics.intervals.spread`."""
    mean, low, high = {}, {}, {}
    for name in FIGURES:
        values = np.array([[getattr(of_fold[fold], name) for fold in folds] for of_fold in figures.values()])  # (S, F)
        mean[name] = float(values.mean())
        if len(folds) < 2:
            low[name] = high[name] = np.nan
            continue
        drawn = intervals.resample_folds(values.mean(axis=0).tolist(), resamples, seed)
        trainings = [values.mean(axis=1).tolist()] if len(values) > 1 else []
        wide = intervals.spread(drawn, level, len(folds), trainings, seed)
        low[name], high[name] = intervals.interval(wide, level)
    return Summary(mean, low, high)
