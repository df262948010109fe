"""Training targets of utterances: one class each, or the shares of the classes in the annotators' votes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.corpora.label_map import read_label_map, vote_shares
from ser.errors import SerError
from ser.kaldi import tables


@dataclass(frozen=True)
class Targets:
    """The training and validation utterances, and their targets.

    Attributes
    ----------
    classes : the K names, in the order of the model's outputs.
    train_utts, valid_utts : ids of the utterances.
    train_numbers, valid_numbers : (N,) int64, class number of each.
    train : `train_numbers`, or (N, K) float32 shares of the annotators' votes.
    inputs : name -> file that determines the targets, as `ser.training.model_dir.begin` takes it.
    """

    classes: list[str]
    train_utts: list[str]
    train_numbers: np.ndarray
    train: np.ndarray
    valid_utts: list[str]
    valid_numbers: np.ndarray
    inputs: dict[str, Path]

    @property
    def counts(self) -> np.ndarray:
        """Count the training utterances of each class: (K,)."""
        return np.bincount(self.train_numbers, minlength=len(self.classes))


def read_targets(data_dir: str | Path, valid_dir: str | Path | None, label_map: str | Path, soft: bool) -> Targets:
    """Read the targets of a training from two data dirs.

    Parameters
    ----------
    data_dir : training set; has ``utt2emo``, for `soft` targets ``utt2votes``, and ``utt2uniq`` if it holds copies.
    valid_dir : validation set; None for none.
    label_map : its classes are the model's, even if the data lacks some.
    soft : whether the targets are the shares of the annotators' votes.

    Raises
    ------
    SerError
        If an utterance has no class of the label map, or is in both sets.
    """
    mapping = read_label_map(label_map)
    classes = sorted(set(mapping.values()))

    def read(folder: Path) -> tuple[list[str], np.ndarray]:
        utts = list(tables.read_map(folder / "utt2spk", fields=2))
        utt2emo = tables.read_map(folder / "utt2emo", fields=2)
        return utts, class_numbers(utts, utt2emo, classes, f"{folder}/utt2emo")

    utts, numbers = read(Path(data_dir))
    valid_utts: list[str] = []
    valid_numbers = np.zeros(0, np.int64)
    if valid_dir is not None:
        valid_utts, valid_numbers = read(Path(valid_dir))
        check_apart(data_dir, utts, valid_dir, valid_utts)
    inputs = {"utt2emo": Path(data_dir) / "utt2emo", "label map": Path(label_map)}
    targets = numbers
    if soft:
        targets = read_vote_targets(data_dir, utts, mapping, numbers, classes)
        inputs["votes"] = Path(data_dir) / "utt2votes"
    return Targets(classes, utts, numbers, targets, valid_utts, valid_numbers, inputs)


def check_apart(
    train_dir: str | Path, train_utts: Iterable[str], valid_dir: str | Path, valid_utts: Iterable[str]
) -> None:
    """Raise a `SerError` if an utterance, or a copy of it, is in both training and validation set."""
    if both := sorted(_originals(train_dir, train_utts) & _originals(valid_dir, valid_utts)):
        raise SerError(
            f"{len(both)} utterances of {train_dir} or copies of them are in the validation set {valid_dir}, the first "
            f"'{both[0]}'; split first, then make copies of the training part"
        )


def class_numbers(utts: Sequence[str], utt2class: Mapping[str, str], classes: Sequence[str], where: str) -> np.ndarray:
    """Number the class of each utterance: (N,) int64.

    Raises
    ------
    SerError
        If an utterance has no class, or one that is not in `classes`; `where` begins the message.
    """
    if missing := [utt for utt in utts if utt not in utt2class]:
        raise SerError(f"{where}: no class of {len(missing)} of {len(utts)} utterances, the first '{missing[0]}'")
    place = {name: index for index, name in enumerate(classes)}
    if strangers := sorted({utt2class[utt] for utt in utts} - place.keys()):
        raise SerError(f"{where}: class {', '.join(strangers)} is not among the model's classes {', '.join(classes)}")
    return np.array([place[utt2class[utt]] for utt in utts], dtype=np.int64)


def vote_targets(
    votes: Sequence[str], mapping: Mapping[str, str], numbers: np.ndarray, classes: Sequence[str]
) -> np.ndarray:
    """Compute the share of each class in the annotators' votes: (N, K) float32.

    Zhou et al., "A multi-modal approach to speech emotion recognition", section 3.2: two votes for anger and one for
    frustration are 0.66 anger and 0.33 frustration.

    Parameters
    ----------
    votes : the value in ``utt2votes`` of each utterance.
    mapping : annotators' labels -> `classes`; votes for other labels do not count.
    numbers : (N,) class numbers; each is the target if no vote of the utterance counts.

    Examples
    --------
    >>> same = {"anger": "anger", "sadness": "sadness"}
    >>> votes = ["anger:3 fear:1 sadness:1", "fear:3"]
    >>> vote_targets(votes, same, np.array([0, 1]), ["anger", "sadness"]).tolist()
    [[0.75, 0.25], [0.0, 1.0]]
    """
    targets = np.zeros((len(votes), len(classes)), np.float32)
    for row, line, number in zip(targets, votes, numbers, strict=True):
        shares = vote_shares(mapping, line) or {classes[number]: 1.0}
        row[:] = [shares.get(name, 0.0) for name in classes]
    return targets


def read_vote_targets(
    data_dir: str | Path, utts: Sequence[str], mapping: Mapping[str, str], numbers: np.ndarray, classes: Sequence[str]
) -> np.ndarray:
    """Read ``utt2votes`` of the data dir and compute `vote_targets` of the utterances."""
    path = Path(data_dir) / "utt2votes"
    if not path.exists():
        raise SerError(f"{path}: no such file; soft targets need annotators' votes, which this corpus does not have")
    votes = tables.read_map(path, allow_empty=True)
    if missing := [utt for utt in utts if utt not in votes]:
        raise SerError(f"{path}: no line for {len(missing)} of {len(utts)} utterances, the first '{missing[0]}'")
    return vote_targets([votes[utt] for utt in utts], mapping, numbers, classes)


def _originals(data_dir: str | Path, utts: Iterable[str]) -> set[str]:
    path = Path(data_dir) / "utt2uniq"
    originals = tables.read_map(path, fields=2) if path.exists() else {}
    return {originals.get(utt, utt) for utt in utts}
