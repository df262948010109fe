"""Batches of utterances whose modalities are sequences of vectors: patches of speech, tokens of text."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ser.errors import SerError
from ser.kaldi import tables
from ser.kaldi.ark import Reader


@dataclass(frozen=True)
class SequenceConfig:
    """The section `data:` of a training configuration.

    Attributes
    ----------
    batch_size : utterances per batch.
    max_rows : of a longer sequence, this many evenly spaced rows are kept; 0: no limit.
    max_tokens : the limit for text, where it differs; 0: `max_rows` holds for text too.
    drop_text : share of the training utterances, drawn anew each epoch, whose text is hidden, so that the model learns
        to work without text.
    """

    batch_size: int
    max_rows: int
    drop_text: float
    max_tokens: int = 0

    def limit(self, name: str) -> int:
        """Return how many rows of a sequence of the modality `name` are kept; 0: all."""
        return self.max_tokens or self.max_rows if name == "text" else self.max_rows


@dataclass(frozen=True)
class Sequences:
    """The sequences of N utterances.

    Attributes
    ----------
    utts : ids of the utterances.
    readers : modality -> reader of matrices (rows, D), for some of the utterances.
    found : modality -> (N,) bool, which utterances have a sequence of at least one row.
    widths : modality -> D.
    """

    utts: list[str]
    readers: dict[str, Reader]
    found: dict[str, np.ndarray]
    widths: dict[str, int]

    def rows(self, name: str, index: int, max_rows: int) -> np.ndarray:
        """Read the sequence (rows, D) float32 of an utterance; (0, D) if it has none.

        Raises
        ------
        SerError
            If the sequence has numbers that are not finite, or rows of another dimension.
        """
        if not self.found[name][index]:
            return np.zeros((0, self.widths[name]), np.float32)
        rows = np.asarray(self.readers[name][self.utts[index]], np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.widths[name]:
            raise SerError(
                f"{name} of {self.utts[index]}: expected shape (rows, {self.widths[name]}), found {rows.shape}"
            )
        if not np.isfinite(rows).all():
            raise SerError(f"{name} of {self.utts[index]}: it has infinity or NaN; extract it again")
        if max_rows and len(rows) > max_rows:
            rows = rows[np.linspace(0, len(rows) - 1, max_rows).round().astype(int)]
        return rows

    def without(self, names: Sequence[str]) -> "Sequences":
        """Drop the sequences of the modalities `names`, as if no utterance had them."""
        found = {name: there & (name not in names) for name, there in self.found.items()}
        return Sequences(self.utts, self.readers, found, self.widths)

    def summary(self, name: str, max_rows: int) -> tuple[Tensor, Tensor, str]:
        """Read all sequences of a modality once, for their statistics and their digest.

        Returns
        -------
        tuple
            Mean and standard deviation of each column over all rows, (D,) float32 each; and a digest of all sequences.
        """
        sums, squares, count = np.zeros(self.widths[name]), np.zeros(self.widths[name]), 0
        digest = hashlib.sha256()
        for index, utt in enumerate(self.utts):
            rows = self.rows(name, index, max_rows)
            digest.update(f"{utt} {rows.shape}\n".encode())
            digest.update(rows.tobytes())
            sums += rows.sum(axis=0, dtype=np.float64)
            squares += np.square(rows, dtype=np.float64).sum(axis=0)
            count += len(rows)
        mean = sums / count
        stddev = np.sqrt(np.maximum(squares / count - np.square(mean), 0.0))
        return torch.from_numpy(mean).float(), torch.from_numpy(stddev).float(), digest.hexdigest()


def read_sequences(data_dir: str | Path, rspecifiers: Mapping[str, str]) -> Sequences:
    """Find the sequences of the utterances of a data dir.

    Parameters
    ----------
    data_dir : its ``utt2spk`` names the utterances.
    rspecifiers : modality -> ``scp:<file>`` of matrices; it may have other utterances, too.

    Raises
    ------
    SerError
        If a modality has no sequence for any of the utterances, or holds vectors instead of matrices.
    """
    utts = list(tables.read_map(Path(data_dir) / "utt2spk", fields=2))
    readers, found, widths = {}, {}, {}
    for name in sorted(rspecifiers):
        kind, _, path = rspecifiers[name].partition(":")
        if kind != "scp" or not path:
            raise SerError(f"{name}: expected scp:<file>, found '{rspecifiers[name]}'")
        reader = readers[name] = Reader(path)
        shapes = [reader.shape(utt) if utt in reader else (0, 0) for utt in utts]
        found[name] = np.array([shape[0] > 0 for shape in shapes])
        if not found[name].any():
            raise SerError(
                f"{path}: it has {name} for none of the {len(utts)} utterances of {data_dir}, such as '{utts[0]}'; "
                f"extract {name} for this data dir"
            )
        first = shapes[int(found[name].argmax())]
        if len(first) != 2:
            raise SerError(f"{path}: expected matrices, found an array of shape {first}; extract patches or tokens")
        widths[name] = first[1]
    return Sequences(utts, readers, found, widths)


class SequenceSource:
    """Batches of utterances, a `ser.training.batches.BatchSource`; an epoch has every utterance once.

    Parameters
    ----------
    sequences : the sequences of N utterances.
    targets : (N,) int64 classes, or (N, K) float32 shares of the classes.
    config : see `SequenceConfig`.
    seed : decides the order of each epoch and which texts are hidden; None keeps the order and hides no text.
    """

    def __init__(self, sequences: Sequences, targets: np.ndarray, config: SequenceConfig, seed: int | None) -> None:
        if config.batch_size < 1 or not 0 <= config.drop_text < 1:
            raise SerError(
                f"data: batch_size {config.batch_size} and drop_text {config.drop_text:g}; expected batch_size of 1 or "
                "more, and drop_text from 0 to under 1"
            )
        self.sequences, self.targets, self.config, self.seed = sequences, targets, config, seed

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch."""
        return math.ceil(len(self.sequences.utts) / self.config.batch_size)

    def batches(
        self, epoch: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
        """Yield (inputs, targets) of rows ``rank::world`` of each batch, from batch `start` on.

        Inputs are, for each modality, <name> (B, N, D) float32, padded with zeros to the N rows of the longest
        sequence, and <name>_mask (B, N) bool, true for real rows.
        """
        order = np.arange(len(self.sequences.utts))
        shown = np.ones(len(order), bool)
        if self.seed is not None:
            rng = np.random.default_rng([self.seed, epoch])
            order, shown = rng.permutation(order), rng.random(len(order)) >= self.config.drop_text
        for batch in np.array_split(order, self.num_batches(epoch))[start:]:
            rows = batch[rank::world]
            inputs = {}
            for name in self.sequences.readers:
                hidden = ~shown if name == "text" and len(self.sequences.readers) > 1 else np.zeros(len(shown), bool)
                inputs[name], inputs[f"{name}_mask"] = self._collate(name, rows, hidden)
            yield inputs, torch.from_numpy(self.targets[rows])

    def _collate(self, name: str, indices: np.ndarray, hidden: np.ndarray) -> tuple[Tensor, Tensor]:
        width = self.sequences.widths[name]
        found = [
            np.zeros((0, width), np.float32)
            if hidden[index]
            else self.sequences.rows(name, int(index), self.config.limit(name))
            for index in indices
        ]
        longest = max([1, *map(len, found)])
        padded, mask = np.zeros((len(found), longest, width), np.float32), np.zeros((len(found), longest), bool)
        for place, rows in enumerate(found):
            padded[place, : len(rows)], mask[place, : len(rows)] = rows, True
        return torch.from_numpy(padded), torch.from_numpy(mask)
