"""Ensemble of back ends: each scores its own vectors, such as those of nets of several seeds; scores are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.backend.held_out import Train
from ser.backend.recognizer import Recognizer
from ser.errors import SerError


@dataclass(frozen=True)
class EnsembleRecognizer:
    """Scores pairs and classes by the mean of the scores of its `members`, each on its part of the vectors.

    Vectors are (N, D): the vectors of the members, of `sizes` numbers each, concatenated.
    """

    members: tuple[Recognizer, ...]
    sizes: tuple[int, ...]

    @property
    def lda_dim(self) -> int | None:
        return self.members[0].lda_dim

    def pair_scores(self, enrol: np.ndarray, test: np.ndarray, num_utts: int = 1) -> np.ndarray:
        parts = zip(self.members, split(enrol, self.sizes), split(test, self.sizes), strict=True)
        return np.mean([member.pair_scores(one, other, num_utts) for member, one, other in parts], axis=0)

    def class_scores(self, test: np.ndarray) -> np.ndarray:
        parts = zip(self.members, split(test, self.sizes), strict=True)
        return np.mean([member.class_scores(part) for member, part in parts], axis=0)

    def save(self, folder: Path, num_utts: Mapping[str, int]) -> None:
        """Write the members to folders ``1``, ``2`` ..."""
        for number, member in enumerate(self.members, start=1):
            member.save(folder / str(number), num_utts)


def ensemble_trainer(train: Train, sizes: Sequence[int]) -> Train:
    """Return a function that trains an `EnsembleRecognizer`, each member by `train` on its part of the vectors.

    All members are back ends of one kind, whose scores are on one scale, so that their mean needs no weights.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise SerError(
            f"ensemble: vectors of dimension {', '.join(map(str, sizes))}; give two or more vectors for each utterance"
        )

    def train_all(vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray) -> EnsembleRecognizer:
        members = tuple(train(part, labels, speakers) for part in split(vectors, sizes))
        return EnsembleRecognizer(members, tuple(sizes))

    return train_all


def split(vectors: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """Cut vectors (N, D) into parts of these sizes.

    >>> [part.tolist() for part in split(np.array([[1, 2, 3]]), (1, 2))]
    [[[1]], [[2, 3]]]
    """
    if vectors.shape[1] != sum(sizes):
        raise SerError(
            f"ensemble: vectors of dimension {vectors.shape[1]}; its members take {' + '.join(map(str, sizes))}"
        )
    return np.split(vectors, np.cumsum(sizes)[:-1], axis=1)
