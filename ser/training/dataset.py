"""Chunks of features straight from the archives: what a network trained on whole utterances eats."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ser.errors import SerError
from ser.kaldi.ark import Reader
from ser.kaldi.tables import read_lines

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataConfig:
    """The section `data:` of a training configuration."""

    min_frames: int  # shorter utterances are left out
    min_utts_per_class: int  # classes with fewer utterances of that length are left out
    valid_fraction: float  # share of the utterances of each class held out for validation; 0: no validation
    min_chunk: int  # frames; all chunks of a batch are of one length, drawn between these two
    max_chunk: int
    chunks_per_utterance: float  # chunks in an epoch, as a multiple of the number of training utterances
    batch_size: int
    balance: bool  # draw as many chunks of each class


@dataclass(frozen=True)
class Utterances:
    """Labelled utterances of a data dir, in arrays, so that millions of them fit.

    Attributes
    ----------
    reader : their features.
    keys : (N,) utterance ids as bytes.
    frames : (N,) int32, lengths in frames.
    labels : (N,) int32, indices into `classes`.
    classes : (K,) names, sorted.
    """

    reader: Reader
    keys: np.ndarray
    frames: np.ndarray
    labels: np.ndarray
    classes: np.ndarray

    def take(self, chosen: np.ndarray) -> "Utterances":
        """Keep the utterances where the mask or index array `chosen` says so."""
        return Utterances(self.reader, self.keys[chosen], self.frames[chosen], self.labels[chosen], self.classes)

    def class_counts(self) -> np.ndarray:
        """Count the utterances of each class: (K,)."""
        return np.bincount(self.labels, minlength=len(self.classes))

    @property
    def feature_dim(self) -> int:
        """Features a frame."""
        return self.reader.shape(self.keys[0].decode())[1]


def load_utterances(
    data_dir: str | Path, utt2class: str | Path, min_frames: int, min_utts_per_class: int
) -> Utterances:
    """Find the utterances that have features and a class, in classes that are large enough.

    Parameters
    ----------
    data_dir : has ``feats.scp`` of features ready for the network, and ``utt2num_frames`` unless it is small.
    utt2class : ``<utterance> <class>`` lines; those without features count as absent, and the other way round.
    min_frames, min_utts_per_class : see `DataConfig`.

    Raises
    ------
    SerError
        Where fewer than two classes are left, or a length is missing.
    """
    data_dir = Path(data_dir)
    reader = Reader(data_dir / "feats.scp")
    keys = reader.keys()
    place = {key: index for index, key in enumerate(keys)}
    names, labels = _read_labels(utt2class, place)
    labelled = int((labels >= 0).sum())
    frames = _read_frames(data_dir, reader, keys, place)
    labels[frames < max(min_frames, 1)] = -1
    long_enough = int((labels >= 0).sum())
    counts = np.bincount(labels[labels >= 0], minlength=len(names))
    large = counts >= max(min_utts_per_class, 1)
    chosen = np.flatnonzero((labels >= 0) & np.append(large, False)[labels])
    logger.info(
        "%s: %d utterances have features, %d of them a class, %d of these at least %d frames;"
        " %d of %d classes have at least %d such utterances: %d utterances to train on",
        data_dir, len(keys), labelled, long_enough, min_frames,
        large.sum(), len(names), min_utts_per_class, len(chosen),
    )  # fmt: skip
    if large.sum() < 2:
        raise SerError(
            f"{data_dir}: {large.sum()} of the {len(names)} classes in {utt2class} are left, and training needs two;"
            f" compare the ids of the two, or lower data.min_frames ({min_frames}) and"
            f" data.min_utts_per_class ({min_utts_per_class})"
        )
    return Utterances(
        reader=reader,
        keys=np.array([keys[index].encode() for index in chosen]),
        frames=frames[chosen],
        labels=(np.cumsum(large) - 1).astype(np.int32)[labels[chosen]],
        classes=np.array(names)[large],
    )


def split_off_validation(
    utterances: Utterances, data_dir: str | Path, fraction: float, seed: int, listed: str | Path | None = None
) -> tuple[Utterances, Utterances | None]:
    """Hold out utterances for validation, and with each of them its copies.

    Copies (of augmentation) name their original in the data dir's ``utt2uniq``, where there is one. Only originals
    validate; neither they nor their copies train.

    Parameters
    ----------
    utterances : of `data_dir`.
    fraction : share of each class; a class always keeps something to train on. 0: none.
    seed : of the draw.
    listed : a file that begins each line with an utterance to hold out; `fraction` then has no effect.

    Returns
    -------
    Those to train on, and those to validate on, if any.
    """
    originals = _read_originals(Path(data_dir), utterances.keys)
    names, first, group = np.unique(originals, return_index=True, return_inverse=True)
    if listed is not None:
        wanted = np.array([key.encode() for _, key, _ in read_lines(listed)], dtype=np.bytes_)
        held_out = np.isin(names, wanted)
        if not held_out.any():
            raise SerError(f"{listed}: none of its utterances is among those of {data_dir} that are used")
    else:
        held_out = _draw_groups(utterances.labels[first], fraction, np.random.default_rng([seed, 0x5EED]))
    if not held_out.any():
        return utterances, None
    is_original = originals == utterances.keys
    # A group whose original was too short, say, is represented by its first copy.
    orphans = np.bincount(group, weights=is_original, minlength=len(names)) == 0
    is_original[first[orphans]] = True
    train, valid = utterances.take(~held_out[group]), utterances.take(held_out[group] & is_original)
    empty = np.flatnonzero(train.class_counts() == 0)
    if len(empty):
        raise SerError(
            f"{listed}: every utterance of the class '{utterances.classes[empty[0]]}' is held out for validation;"
            " leave some of it to train on"
        )
    logger.info("%d utterances train, %d validate", len(train.keys), len(valid.keys))
    return train, valid


class ChunkSource:
    """Batches of chunks, as `ser.training.fit.BatchSource` has it; see `DataConfig` for the settings.

    An utterance shorter than the chunk is repeated from its start until the chunk is full. In training an epoch is
    drawn from (seed, epoch) alone. In validation every utterance gives the `max_chunk` frames at its middle.
    """

    def __init__(self, utterances: Utterances, config: DataConfig, seed: int, training: bool) -> None:
        if not 1 <= config.min_chunk <= config.max_chunk:
            raise SerError(f"data: min_chunk {config.min_chunk} must be from 1 to max_chunk, {config.max_chunk}")
        self.utterances, self.config, self.seed, self.training = utterances, config, seed, training
        self.feature_dim = utterances.feature_dim
        size = len(utterances.keys)
        if training:
            # Whole batches only: what is over comes in another epoch.
            self._batches = max(1, round(size * config.chunks_per_utterance / config.batch_size))
            self._rows = self._batches * config.batch_size
        else:
            self._batches, self._rows = -(-size // config.batch_size), size

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch."""
        return self._batches

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield chunks (B, T, F) float32 and class indices (B,) int64 from batch `start` on, rows ``rank::world``."""
        chosen, starts, lengths = self._plan(epoch)
        size = self.config.batch_size
        for number in range(start, self._batches):
            rows = np.arange(number * size + rank, min((number + 1) * size, self._rows), world)
            batch = np.empty((len(rows), lengths[number], self.feature_dim), np.float32)
            for row, chunk in zip(rows, batch, strict=True):
                self._read(chosen[row], starts[row], chunk)
            targets = self.utterances.labels[chosen[rows]].astype(np.int64)
            yield torch.from_numpy(batch), torch.from_numpy(targets)

    def _plan(self, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Choose utterance and start (as a share of the places there are) of each row, and each batch's length."""
        config, labels = self.config, self.utterances.labels
        if not self.training:
            middle = np.full(self._rows, 0.5, np.float32)
            return np.arange(self._rows), middle, np.full(self._batches, config.max_chunk)
        rng = np.random.default_rng([self.seed, epoch])
        chosen = draw_evenly(labels if config.balance else np.zeros_like(labels), self._rows, rng)
        starts = rng.random(self._rows, np.float32)
        return chosen, starts, rng.integers(config.min_chunk, config.max_chunk + 1, self._batches)

    def _read(self, index: int, start: float, chunk: np.ndarray) -> None:
        key, frames, length = self.utterances.keys[index].decode(), int(self.utterances.frames[index]), len(chunk)
        first = int(start * (frames - length + 1)) if frames > length else 0
        rows = self.utterances.reader.rows(key, first, min(first + length, frames))
        if rows.shape[1] != self.feature_dim:
            raise SerError(f"{key}: expected {self.feature_dim} features a frame, found {rows.shape[1]}")
        for begin in range(0, length, len(rows)):
            part = chunk[begin : begin + len(rows)]
            part[:] = rows[: len(part)]


def draw_evenly(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `size` of the items labelled 0 to K - 1 so that every label comes equally often, in random order.

    Labels differ by at most one draw, and so do the items of one label.

    Returns
    -------
    np.ndarray
        (size,) indices into `labels`.
    """
    counts = np.bincount(labels)
    present = np.flatnonzero(counts)
    quotas = np.zeros_like(counts)
    quotas[present] = size // len(present)
    quotas[rng.permutation(present)[: size % len(present)]] += 1
    # Items sorted by label, at random within each; a label's draws go round its items.
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    turn = np.arange(size) - np.repeat(np.cumsum(quotas) - quotas, quotas)
    begin = np.cumsum(counts) - counts
    drawn = order[np.repeat(begin, quotas) + turn % np.repeat(counts, quotas)]
    return rng.permutation(drawn)


def _draw_groups(labels: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Choose about `fraction` of the groups of each label, never all of them, as a mask."""
    counts = np.bincount(labels)
    wanted = np.minimum(np.floor(fraction * counts + rng.random(len(counts)) * (fraction > 0)), counts - 1)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rank < wanted[labels]


def _read_labels(path: str | Path, place: dict[str, int]) -> tuple[list[str], np.ndarray]:
    """Read the sorted classes, and each utterance's class index; -1 where it has none."""
    numbers: dict[str, int] = {}
    labels = np.full(len(place), -1, np.int32)
    for line, key, name in read_lines(path):
        if not name or len(name.split()) > 1:
            raise SerError(f"{path}:{line}: expected an utterance and its class, found '{key} {name}'")
        if key in place:
            labels[place[key]] = numbers.setdefault(name, len(numbers))
    names = sorted(numbers)
    rank = np.empty(len(names) + 1, np.int32)
    rank[[numbers[name] for name in names]] = np.arange(len(names))
    rank[-1] = -1
    return names, rank[labels]


def _read_frames(data_dir: Path, reader: Reader, keys: list[str], place: dict[str, int]) -> np.ndarray:
    path = data_dir / "utt2num_frames"
    if not path.exists():
        return np.array([reader.shape(key)[0] for key in keys], np.int32)
    frames = np.full(len(keys), -1, np.int32)
    for line, key, value in read_lines(path):
        if not value.isdecimal():
            raise SerError(f"{path}:{line}: expected an utterance and its number of frames, found '{key} {value}'")
        if key in place:
            frames[place[key]] = int(value)
    if (frames < 0).any():
        raise SerError(f"{path}: no line for '{keys[int(frames.argmin())]}', which is in feats.scp; make it again")
    return frames


def _read_originals(data_dir: Path, keys: np.ndarray) -> np.ndarray:
    """Name the original of each utterance: (N,) bytes."""
    path = data_dir / "utt2uniq"
    if not path.exists():
        return keys
    originals = {key.encode(): original.encode() for _, key, original in read_lines(path)}
    return np.array([originals.get(key, key) for key in keys.tolist()])
