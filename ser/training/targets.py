"""What a classifier is trained to say of utterances: a class each, or the shares of its annotators' votes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ser.corpora.label_map import vote_shares
from ser.errors import SerError
from ser.kaldi import tables


def class_numbers(utts: Sequence[str], utt2class: Mapping[str, str], classes: Sequence[str], where: str) -> np.ndarray:
    """Number the class of each utterance: (N,) int64.

    Raises
    ------
    SerError
        Where a class is not among `classes`; `where` begins the message.
    """
    place = {name: index for index, name in enumerate(classes)}
    if strangers := sorted({utt2class[utt] for utt in utts} - place.keys()):
        raise SerError(f"{where}: its class {', '.join(strangers)} is none of the model's: {', '.join(classes)}")
    return np.array([place[utt2class[utt]] for utt in utts], dtype=np.int64)


def vote_targets(
    votes: Sequence[str], mapping: Mapping[str, str], numbers: np.ndarray, classes: Sequence[str]
) -> np.ndarray:
    """Give the share of each class in the annotators' votes: (N, K) float32.

    Zhou et al., "A multi-modal approach to speech emotion recognition", section 3.2: two votes for anger and one for
    frustration are 0.66 anger and 0.33 frustration.

    Parameters
    ----------
    votes : of each utterance, a value of ``utt2votes``.
    mapping : annotators' words to `classes`; votes for others are void.
    numbers : (N,) classes; the whole target of an utterance whose votes are all void.

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
    """Read `vote_targets` of the utterances from the data dir's ``utt2votes``."""
    path = Path(data_dir) / "utt2votes"
    if not path.exists():
        raise SerError(f"{path}: no such file; soft targets are the annotators' votes, which this corpus does not tell")
    votes = tables.read_map(path, allow_empty=True)
    if missing := [utt for utt in utts if utt not in votes]:
        raise SerError(f"{path}: no line for {len(missing)} of {len(utts)} utterances, the first '{missing[0]}'")
    return vote_targets([votes[utt] for utt in utts], mapping, numbers, classes)
