"""Batches of dialogues: a vector per utterance and modality, for fusion with or without dialogue context."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ser.errors import SerError
from ser.kaldi import ark, tables
from ser.kaldi.labelled import stack_vectors


@dataclass(frozen=True)
class Dialogues:
    """Utterances with their vectors and dialogues; without context, each utterance is a dialogue of one.

    Besides the utterances of a part of the corpus, which are trained on or scored, there may be other utterances of the
    same dialogues. These are context only and have no label.

    Attributes
    ----------
    utts : ids of the N utterances, those of the part and those that are context only.
    rows : (N,) int64, index of each among the utterances of the part; -1 if it is context only.
    vectors : modality -> (N, D) float32; zeros if an utterance has no vector.
    num_missing : modality -> number of utterances of the part without a vector.
    members : for each dialogue, the indices of its utterances in the order of speaking.
    speakers : (N,) int64, number of the speaker in the dialogue, 0 or 1.
    """

    utts: list[str]
    rows: np.ndarray
    vectors: dict[str, np.ndarray]
    num_missing: dict[str, int]
    members: list[np.ndarray]
    speakers: np.ndarray

    def part(self) -> list[str]:
        """Return the ids of the utterances of the part, in its order."""
        mine = np.flatnonzero(self.rows >= 0)
        return [self.utts[index] for index in mine[np.argsort(self.rows[mine])]]


def read_inputs(pairs: Sequence[str]) -> dict[str, str]:
    """Parse the arguments ``name=rspecifier``, one per modality.

    >>> read_inputs(["speech=scp:vgg.scp"])
    {'speech': 'scp:vgg.scp'}
    """
    rspecifiers: dict[str, str] = {}
    for pair in pairs:
        name, equals, rspecifier = pair.partition("=")
        if not (name.isidentifier() and equals and rspecifier) or name in {*rspecifiers, "mask", "scored", "speaker"}:
            raise SerError(f"expected <modality>=<rspecifier>, each once, as in text=scp:text.scp; found '{pair}'")
        rspecifiers[name] = rspecifier
    return rspecifiers


def read_dialogues(
    data_dir: str | Path, rspecifiers: Mapping[str, str], in_context: bool, context_dir: str | Path | None = None
) -> Dialogues:
    """Read the vectors of all modalities for the utterances of a data dir.

    Parameters
    ----------
    data_dir : ``utt2spk`` names the utterances; with context, ``utt2dialogue`` and ``utt2start`` order them.
    rspecifiers : modality -> vectors of these utterances, and possibly of others.
    in_context : whether the utterances of a dialogue form one example.
    context_dir : data dir of the whole corpus: with context, all other utterances of the same dialogues are context. If
        None, only utterances in `data_dir` are.

    Raises
    ------
    SerError
        If a modality has no vector for any utterance, or the tables that order the dialogues are missing.
    """
    data_dir = Path(data_dir)
    utt2spk = tables.read_map(data_dir / "utt2spk", fields=2)
    part = {utt: row for row, utt in enumerate(utt2spk)}
    if in_context and context_dir is not None:
        # Take the dialogues of the whole corpus that have an utterance of the part.
        data_dir = Path(context_dir)
        whole = tables.read_map(data_dir / "utt2spk", fields=2)
        if absent := part.keys() - whole.keys():
            raise SerError(f"{data_dir}/utt2spk: no line for '{min(absent)}' of {len(absent)}; give the whole corpus")
        told = tables.read_map(_dialogue_table(data_dir, "utt2dialogue"), fields=2)
        mine = {told.get(utt) for utt in part}
        utt2spk = {utt: speaker for utt, speaker in whole.items() if utt in part or told.get(utt) in mine}
    utts = list(utt2spk)
    rows = np.array([part.get(utt, -1) for utt in utts], np.int64)
    vectors, num_missing = {}, {}
    # Sort the modalities, so that the order of the arguments does not matter.
    for name in sorted(rspecifiers):
        table = ark.load(rspecifiers[name])
        found = [utt for utt in utts if utt in table]
        if not found:
            raise SerError(f"{rspecifiers[name]}: no vector for any utterance of {data_dir}; extract them first")
        stacked = stack_vectors(table, found, rspecifiers[name])
        vectors[name] = np.zeros((len(utts), stacked.shape[1]), np.float32)
        vectors[name][[index for index, utt in enumerate(utts) if utt in table]] = stacked
        num_missing[name] = sum(utt not in table for utt in part)
    if not in_context:
        alone = [np.array([index]) for index in range(len(utts))]
        return Dialogues(utts, rows, vectors, num_missing, alone, np.zeros(len(utts), np.int64))
    utt2dialogue, utt2start = (
        tables.read_map(_dialogue_table(data_dir, name), fields=2) for name in ("utt2dialogue", "utt2start")
    )
    try:
        members = in_dialogues(utts, utt2dialogue, utt2start)
    except SerError as error:
        raise SerError(f"{data_dir}/{error}; prepare the corpus again, or run utils/fix_data_dir.sh") from error
    return Dialogues(utts, rows, vectors, num_missing, members, number_speakers(utts, members, utt2spk))


def _dialogue_table(data_dir: Path, name: str) -> Path:
    if not (data_dir / name).exists():
        raise SerError(f"{data_dir}: no {name}; prepare the corpus again (not every corpus has dialogues)")
    return data_dir / name


class DialogueSource:
    """Batches of dialogues, a `ser.training.batches.BatchSource`: every dialogue once per epoch.

    Parameters
    ----------
    dialogues : vectors and dialogues of the M utterances of a part, and of their context.
    targets : (M,) int64 classes, or (M, K) float32 shares of the classes.
    batch_size : number of dialogues per batch.
    seed : seed of the order of the dialogues in each epoch; None keeps one order.
    """

    def __init__(self, dialogues: Dialogues, targets: np.ndarray, batch_size: int, seed: int | None) -> None:
        self.dialogues, self.targets, self.batch_size, self.seed = dialogues, targets, batch_size, seed

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch."""
        return math.ceil(len(self.dialogues.members) / self.batch_size)

    def batches(
        self, epoch: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
        """Yield the dialogues from batch `start` on, rows ``rank::world``.

        Inputs: for each modality (B, U, D) float32; ``speaker`` (B, U) int64; ``mask`` (B, U) bool, true for an
        utterance and false for padding; ``scored`` (B, U) bool, true for an utterance of the part. Targets: one for
        each true element of ``scored``, row by row.
        """
        order = np.arange(len(self.dialogues.members))
        if self.seed is not None:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        for batch in np.array_split(order, self.num_batches(epoch))[start:]:
            yield self._collate([self.dialogues.members[index] for index in batch[rank::world]])

    def _collate(self, members: Sequence[np.ndarray]) -> tuple[dict[str, Tensor], Tensor]:
        # In a short validation batch, a process may get no dialogue.
        sizes = torch.tensor([len(indices) for indices in members], dtype=torch.int64)
        mask = torch.arange(max(map(len, members), default=0)) < sizes[:, None]
        order = np.concatenate([np.zeros(0, np.int64), *members])
        rows = self.dialogues.rows[order]
        inputs = {"mask": mask, "speaker": _padded(torch.from_numpy(self.dialogues.speakers[order]), mask)}
        inputs["scored"] = _padded(torch.from_numpy(rows >= 0), mask)
        for name, vectors in self.dialogues.vectors.items():
            inputs[name] = _padded(torch.from_numpy(vectors[order]), mask)
        return inputs, torch.from_numpy(self.targets[rows[rows >= 0]])


def in_dialogues(
    utts: Sequence[str], utt2dialogue: Mapping[str, str], utt2start: Mapping[str, str]
) -> list[np.ndarray]:
    """Sort the utterances of each dialogue by start time: an array of indices into `utts` for each dialogue.

    Raises
    ------
    SerError
        If a table lacks an utterance, or a start is not a number; the message begins with the table's name.

    >>> in_dialogues(["a", "b", "c"], {"a": "x", "b": "y", "c": "x"}, {"a": "9.5", "b": "0", "c": "2"})
    [array([2, 0]), array([1])]
    """
    for name, table in (("utt2dialogue", utt2dialogue), ("utt2start", utt2start)):
        if missing := [utt for utt in utts if utt not in table]:
            raise SerError(f"{name}: no line for {len(missing)} of {len(utts)} utterances, the first '{missing[0]}'")
    starts = [_seconds(utt, utt2start[utt]) for utt in utts]
    members: dict[str, list[int]] = {}
    for index, utt in enumerate(utts):
        members.setdefault(utt2dialogue[utt], []).append(index)
    return [np.array(sorted(indices, key=starts.__getitem__)) for indices in members.values()]


def _seconds(utt: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise SerError(f"utt2start: expected seconds, found '{utt} {text}'")
    return seconds


def number_speakers(utts: Sequence[str], dialogues: Sequence[np.ndarray], utt2spk: Mapping[str, str]) -> np.ndarray:
    """Number the speakers of each dialogue, at most two, in the order of their names: (N,) int64."""
    numbers = np.zeros(len(utts), np.int64)
    for dialogue in dialogues:
        names = sorted({utt2spk[utts[index]] for index in dialogue})
        if len(names) > 2:
            raise SerError(f"the dialogue of '{utts[dialogue[0]]}' has the speakers {', '.join(names)}; expected two")
        for index in dialogue:
            numbers[index] = names.index(utt2spk[utts[index]])
    return numbers


def _padded(values: Tensor, mask: Tensor) -> Tensor:
    """Put `values` (N, ...) in the places where `mask` (B, U) is true: (B, U, ...), zeros elsewhere."""
    padded = values.new_zeros(*mask.shape, *values.shape[1:])
    padded[mask] = values
    return padded
