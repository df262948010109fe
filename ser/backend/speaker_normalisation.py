"""Speaker normalisation: the mean of each speaker's embeddings is subtracted from them, without any labels.

The differences between the embeddings of speakers are larger than those between emotions, and a new speaker's is not in
the training data. The mean over a speaker's utterances estimates the speaker's part of the embeddings (speaker
normalisation of features: Busso, Mariooryad, Metallinou and Narayanan, "Iterative feature normalization scheme for
automatic emotion detection from speech", IEEE Trans. Affective Computing 4(4), 2013). The method needs other recordings
of the speaker who is scored, so a results table has to say that it was used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.kaldi.labelled import LabelledBlocks, read_speakers

NONE = "none"
ALL = "all"
FEWEST = 2
EXPECTED = "expected none, all or first <n>, such as 'first 10' (the mean over a speaker's first 10 utterances)"


@dataclass(frozen=True)
class SpeakerNormalisation:
    """Which utterances of a speaker give the mean: none, all, or the first `count`.

    Attributes
    ----------
    count : 0: nothing is normalised; None: all utterances of a speaker; else so many, in the order of the table that
        is normalised, which is that of the data dir. A speaker of fewer gives all of them.
    """

    count: int | None

    @classmethod
    def parse(cls, words: str) -> SpeakerNormalisation:
        """Read ``none``, ``all`` or ``first N``, N from 2 on.

        >>> [SpeakerNormalisation.parse(words).count for words in ("none", "all", "first 10")]
        [0, None, 10]
        """
        if words in (NONE, ALL):
            return cls(0 if words == NONE else None)
        match = re.fullmatch(r"first ([1-9]\d{0,8})", words)
        if not match or int(match[1]) < FEWEST:
            raise SerError(f"speaker_normalisation: found '{words}'; {EXPECTED}, of {FEWEST} or more")
        return cls(int(match[1]))

    def __bool__(self) -> bool:
        return self.count != 0

    def __str__(self) -> str:
        return ALL if self.count is None else f"first {self.count}" if self.count else NONE

    def apply(
        self,
        vectors: np.ndarray,
        speakers: Sequence[str] | np.ndarray,
        *,
        scale: bool = False,
        keep_level: bool = False,
    ) -> np.ndarray:
        """Subtract from each of the vectors (N, D) the mean of its speaker (N,), see `SpeakerMeans`.

        Parameters
        ----------
        vectors : NaN is left out of the means and stays NaN.
        scale : also divide by the standard deviation of the same utterances, if that is over 1e-6.
        keep_level : replace each speaker's mean by the average of the speakers' means, for a model that was trained on
            embeddings without normalisation.

        Returns
        -------
        (N, D) of the vectors' type.
        """
        if not self:
            return vectors
        means = SpeakerMeans(self)
        means.add(vectors, speakers)
        found = means.subtract(vectors, speakers, scale)
        return (found + means.average()).astype(vectors.dtype) if keep_level else found


def normalise_table(
    words: str, vectors: np.ndarray, utts: Sequence[str], utt2spk: str | Path | None, *, keep_level: bool = False
) -> np.ndarray:
    """Apply the setting `words` to vectors (N, D) of `utts`, whose speakers the file `utt2spk` has; see `apply`.

    Raises
    ------
    SerError
        If the setting needs `utt2spk` and there is none, or it lacks an utterance.
    """
    which = SpeakerNormalisation.parse(words)
    if not which:
        return vectors
    return which.apply(vectors, read_speakers(_needed(words, utt2spk), utts), keep_level=keep_level)


class SpeakerMeans:
    """The means of speakers, from one or more blocks of vectors: `add` all of them, then `subtract`.

    A mean over one utterance would be that utterance, and nothing would be left of it. So a speaker with fewer than
    `FEWEST` utterances gets the average of the other speakers' means.
    """

    def __init__(self, which: SpeakerNormalisation) -> None:
        self._which = which
        # Speaker -> sums of (x - o) and (x - o)^2 and counts, each (D,), and number of utterances; o keeps digits.
        self._sums: dict[str, np.ndarray] = {}
        self._taken: dict[str, int] = {}
        self._origin = np.zeros(0)
        self._average: np.ndarray | None = None

    def add(self, vectors: np.ndarray, speakers: Iterable[str]) -> None:
        """Count a block of vectors (n, D) of the speakers (n,)."""
        names = np.asarray(speakers if isinstance(speakers, np.ndarray) else list(speakers))
        if not len(self._origin):
            self._origin = np.nan_to_num(vectors[0].astype(np.float64))
        for name in dict.fromkeys(names.tolist()):
            rows = np.flatnonzero(names == name)
            taken = self._taken.get(name, 0)
            if self._which.count is not None:
                rows = rows[: max(0, self._which.count - taken)]
            self._taken[name] = taken + len(rows)
            centred = vectors[rows].astype(np.float64) - self._origin
            known = ~np.isnan(centred)
            centred[~known] = 0.0
            found = np.array([centred.sum(axis=0), np.square(centred).sum(axis=0), known.sum(axis=0)])
            self._sums[name] = self._sums[name] + found if name in self._sums else found
        self._average = None

    def mean(self, speaker: str) -> np.ndarray:
        """Return the mean (D,) float64 of a speaker, or the average of such means if it has too few utterances."""
        total, _, count = self._sums[speaker]
        own = self._origin + total / np.maximum(count, 1)
        return own if (count >= FEWEST).all() else np.where(count >= FEWEST, own, self.average())

    def average(self) -> np.ndarray:
        """Return the average (D,) float64 of the means of the speakers with `FEWEST` utterances or more.

        Raises
        ------
        SerError
            If no speaker has so many.
        """
        if self._average is None:
            sums = np.array(list(self._sums.values()))  # (S, 3, D)
            enough = sums[:, 2] >= FEWEST
            if not enough.any():
                raise SerError(
                    f"speaker normalisation: none of {len(sums)} speakers has {FEWEST} utterances, so that the mean of "
                    "each is the utterance itself; give utt2spk of real speakers, or speaker_normalisation none"
                )
            means = sums[:, 0] / np.maximum(sums[:, 2], 1)
            total = np.where(enough, means, 0.0).sum(axis=0)
            self._average = self._origin + total / np.maximum(enough.sum(axis=0), 1)
        return self._average

    def subtract(self, vectors: np.ndarray, speakers: Iterable[str], scale: bool = False) -> np.ndarray:
        """Subtract the means from vectors (n, D) of the speakers (n,); see `SpeakerNormalisation.apply`."""
        names = np.asarray(speakers if isinstance(speakers, np.ndarray) else list(speakers))
        found = np.empty(vectors.shape, vectors.dtype)
        for name in dict.fromkeys(names.tolist()):
            rows = names == name
            own = vectors[rows] - self.mean(name)
            found[rows] = own / self._deviation(name) if scale else own
        return found

    def _deviation(self, speaker: str) -> np.ndarray:
        total, squares, count = self._sums[speaker]
        count = np.maximum(count, 1)
        deviation = np.sqrt(np.maximum(squares / count - np.square(total / count), 0.0))
        return np.where(deviation > 1e-6, deviation, 1.0)


class NormalisedBlocks:
    """Blocks of vectors minus the means of their speakers, which an earlier pass over all blocks has computed."""

    def __init__(self, blocks: LabelledBlocks, which: SpeakerNormalisation, utt2spk: str | Path) -> None:
        self._blocks, self._utt2spk, self._means = blocks, utt2spk, SpeakerMeans(which)
        for utts, vectors, _ in blocks.with_utts():
            self._means.add(vectors, read_speakers(utt2spk, utts))

    @classmethod
    def of(cls, words: str, blocks: LabelledBlocks, utt2spk: str | Path | None) -> NormalisedBlocks | LabelledBlocks:
        """Return the blocks normalised as the setting `words` says, which may be not at all."""
        which = SpeakerNormalisation.parse(words)
        if not which:
            return blocks
        return cls(blocks, which, _needed(words, utt2spk))

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for utts, vectors, labels in self._blocks.with_utts():
            yield self._means.subtract(vectors, read_speakers(self._utt2spk, utts)), labels


def _needed(words: str, utt2spk: str | Path | None) -> str | Path:
    if utt2spk is None:
        raise SerError(f"speaker_normalisation is '{words}': give the speakers of the utterances with --utt2spk")
    return utt2spk
