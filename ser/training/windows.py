"""Windows of recordings, some of each, for training without labels."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ser.errors import SerError
from ser.kaldi.ark import Reader


@dataclass(frozen=True)
class WindowConfig:
    """The section `data:` of a triplet training.

    Attributes
    ----------
    frames : of a window.
    recordings : a batch.
    windows : of each recording in a batch.
    max_gap : most frames between the starts of two windows of one utterance (Shor et al.: 10 s); 0: any.
    """

    frames: int
    recordings: int
    windows: int
    max_gap: int


class WindowSource:
    """Batches of windows, as `ser.training.fit.BatchSource` has it: every recording once an epoch.

    Parameters
    ----------
    reader : features.
    utt2recording : utterance -> the recording that it is of; copies of an utterance are of one. Utterances that are
        not longer than a window are passed over, see `num_short`.
    config : see `WindowConfig`.
    seed : of the order and of the windows in each epoch; None keeps both, for validation.

    Raises
    ------
    SerError
        Where fewer than two recordings are long enough, or a setting makes no batch.
    """

    def __init__(
        self, reader: Reader, utt2recording: Mapping[str, str], config: WindowConfig, seed: int | None
    ) -> None:
        if config.frames < 1 or config.windows < 2 or config.recordings < 2:
            raise SerError(
                f"data: frames {config.frames}, windows {config.windows}, recordings {config.recordings}; a batch "
                "needs 2 windows or more of 2 recordings or more"
            )
        self.reader, self.config, self.seed = reader, config, seed
        self.frames = {utt: reader.shape(utt)[0] for utt in utt2recording}
        members: dict[str, list[str]] = {}
        for utt, recording in utt2recording.items():
            if self.frames[utt] > config.frames:
                members.setdefault(recording, []).append(utt)
        self.num_short = sum(frames <= config.frames for frames in self.frames.values())
        self.members = list(members.values())
        if len(self.members) < 2:
            raise SerError(
                f"{len(self.members)} recordings are longer than a window of {config.frames} frames; triplets need two "
                "or more: give other data, or shorten data.frames"
            )
        self.feature_dim = reader.shape(self.members[0][0])[1]

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch; none is of one recording."""
        return min(math.ceil(len(self.members) / self.config.recordings), len(self.members) // 2)

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield windows (B, T, F) float32 and the numbers of their recordings from batch `start` on.

        Of each batch the recordings ``rank::world``, whose windows follow each other.
        """
        order = np.arange(len(self.members))
        if self.seed is not None:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        for batch in np.array_split(order, self.num_batches(epoch))[start:]:
            chosen = batch[rank::world]
            found = [self._windows(int(number), epoch) for number in chosen]
            numbers = torch.from_numpy(np.repeat(chosen, self.config.windows))
            windows = np.zeros((0, self.config.frames, self.feature_dim), np.float32)
            yield torch.from_numpy(np.concatenate([windows, *found])), numbers

    def _windows(self, number: int, epoch: int) -> np.ndarray:
        """Read the windows of a recording (windows, T, F): where they lie is a function of seed, epoch and number."""
        config, utts = self.config, self.members[number]
        rng = np.random.default_rng([0 if self.seed is None else 1 + self.seed, epoch, number])
        rows, starts = [], {}  # type: ignore[var-annotated]
        for _ in range(config.windows):
            utt = utts[rng.integers(len(utts))]
            last = self.frames[utt] - config.frames
            first = starts.get(utt)
            low, high = 0, last
            if first is not None and config.max_gap:
                low, high = max(0, first - config.max_gap), min(last, first + config.max_gap)
            begin = int(rng.integers(low, high + 1))
            # Twice the same window would be a pair that teaches nothing.
            if begin == first:
                begin = begin + 1 if begin < high else begin - 1
            starts.setdefault(utt, begin)
            window = self.reader.rows(utt, begin, begin + config.frames)
            if window.shape[1] != self.feature_dim:
                raise SerError(f"{utt}: expected {self.feature_dim} features a frame, found {window.shape[1]}")
            rows.append(window)
        return np.stack(rows)


def recordings_of(
    utts: Sequence[str], originals: Mapping[str, str], utt2recording: Mapping[str, str] | None
) -> dict[str, str]:
    """Tell the recording of each utterance: that of a table, of its original where it is a copy, else itself.

    Raises
    ------
    SerError
        Where the table lacks an utterance.
    """
    if utt2recording is None:
        return {utt: originals.get(utt, utt) for utt in utts}
    found = {utt: utt2recording.get(utt, utt2recording.get(originals.get(utt, utt), "")) for utt in utts}
    if missing := [utt for utt, recording in found.items() if not recording]:
        raise SerError(f"the table of recordings lacks {len(missing)} of {len(utts)} utterances, first '{missing[0]}'")
    return found
