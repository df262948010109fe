"""Labelled utterances for training, the part held out for validation, and a fingerprint of the features."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.kaldi.ark import Reader
from ser.kaldi.tables import read_lines, read_map
from ser.kaldi.unseen import read_unseen

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Utterances:
    """Labelled utterances of a data dir, as arrays, so that millions of them fit in memory.

    Attributes
    ----------
    reader : reader of their features.
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
        """Number of features per frame."""
        return self.reader.shape(self.keys[0].decode())[1]


def load_utterances(
    data_dir: str | Path, utt2class: str | Path, min_frames: int, min_utts_per_class: int
) -> Utterances:
    """Find the utterances with features and a class; drop short utterances and small classes.

    Parameters
    ----------
    data_dir : has ``feats.scp`` of features ready for the network, and for large sets ``utt2num_frames``.
    utt2class : ``<utterance> <class>`` lines; an utterance without features, or without a class, is left out.
    min_frames, min_utts_per_class : see `DataConfig`.

    Raises
    ------
    SerError
        If fewer than two classes are left, or a length is missing.
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
        " %d of %d classes have at least %d such utterances: %d training utterances",
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
    """Split off the validation utterances; the copies of these are dropped.

    If the data dir has augmented copies, its ``utt2uniq`` names their originals. Only originals are held out; their
    copies are in neither part.

    Parameters
    ----------
    utterances : the utterances of `data_dir`.
    fraction : share of each class to hold out; at least one group of a class is kept for training. 0: none.
    seed : seed of the draw.
    listed : a file whose lines begin with an utterance to hold out. If None, the speakers of ``unseen_speakers`` of the
        data dir are held out (`ser.kaldi.unseen`), if it has that file. In both cases `fraction` has no effect.

    Returns
    -------
    The training utterances, and the validation utterances or None.
    """
    originals = _read_originals(Path(data_dir), utterances.keys)
    names, first, group = np.unique(originals, return_index=True, return_inverse=True)
    if listed is not None:
        wanted = np.array([key.encode() for _, key, _ in read_lines(listed)], dtype=np.bytes_)
        held_out = np.isin(names, wanted)
        if not held_out.any():
            raise SerError(f"{listed}: none of its utterances is among those of {data_dir} that are used")
    elif unseen := read_unseen(data_dir):
        speakers = read_map(Path(data_dir) / "utt2spk", fields=2)
        held_out = np.array([speakers.get(name.decode()) in unseen for name in names.tolist()])
        logger.info("validation on %d speakers who are not trained on", len(unseen))
    else:
        held_out = _draw_groups(utterances.labels[first], fraction, np.random.default_rng([seed, 0x5EED]))
    if not held_out.any():
        return utterances, None
    is_original = originals == utterances.keys
    # If the original is not used (too short, say), the first copy represents its group.
    orphans = np.bincount(group, weights=is_original, minlength=len(names)) == 0
    is_original[first[orphans]] = True
    train, valid = utterances.take(~held_out[group]), utterances.take(held_out[group] & is_original)
    empty = np.flatnonzero(train.class_counts() == 0)
    if len(empty):
        raise SerError(
            f"{listed or data_dir}: every utterance of the class '{utterances.classes[empty[0]]}' is held out for"
            " validation; leave some of it to train on"
        )
    logger.info("%d utterances for training, %d for validation", len(train.keys), len(valid.keys))
    return train, valid


def _draw_groups(labels: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Draw about `fraction` of the groups of each label, never all of them; return a mask."""
    counts = np.bincount(labels)
    wanted = np.minimum(np.floor(fraction * counts + rng.random(len(counts)) * (fraction > 0)), counts - 1)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rank < wanted[labels]


def _read_labels(path: str | Path, place: dict[str, int]) -> tuple[list[str], np.ndarray]:
    """Read the sorted classes, and the class index of each utterance (-1: no class)."""
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
    """Return the original of each utterance: (N,) bytes."""
    path = data_dir / "utt2uniq"
    if not path.exists():
        return keys
    originals = {key.encode(): original.encode() for _, key, original in read_lines(path)}
    return np.array([originals.get(key, key) for key in keys.tolist()])
