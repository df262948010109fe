"""Batches of windows, several per recording, for triplet training."""

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
from ser.kaldi.audio import read_segments


@dataclass(frozen=True)
class WindowConfig:
    """The section `data:` of a triplet training.

    Attributes
    ----------
    frames : length of a window.
    recordings : number of recordings in a batch.
    windows : number of windows of each recording in a batch.
    max_gap : largest distance, in frames, of a window's start from that of the first window drawn from the same
        utterance (Shor et al.: 10 s); 0: no limit.
    """

    frames: int
    recordings: int
    windows: int
    max_gap: int


class WindowSource:
    """Batches of windows, a `ser.training.batches.BatchSource`; an epoch has every recording once.

    Parameters
    ----------
    reader : reader of the features.
    utt2recording : utterance -> its recording; augmented copies have the recording of their original. Utterances that
        are not longer than a window are left out and counted in `num_short`.
    config : see `WindowConfig`.
    seed : decides the order and the windows of each epoch; None, for validation: they are always the same.

    Raises
    ------
    SerError
        If fewer than two recordings are long enough, or the settings allow no batch.
    """

    def __init__(
        self, reader: Reader, utt2recording: Mapping[str, str], config: WindowConfig, seed: int | None
    ) -> None:
        if config.frames < 1 or config.windows < 2 or config.recordings < 2:
            raise SerError(
                f"data: frames {config.frames}, windows {config.windows}, recordings {config.recordings}; expected "
                "2 windows or more of 2 recordings or more"
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
                "or more: give longer recordings, or lower data.frames"
            )
        self.feature_dim = reader.shape(self.members[0][0])[1]

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch; each has at least two recordings."""
        return min(math.ceil(len(self.members) / self.config.recordings), len(self.members) // 2)

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield windows (B, T, F) float32 and their recordings (B,), from batch `start` on.

        A process gets the recordings ``rank::world`` of a batch; the windows of a recording are adjacent rows.
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
        """Read the windows (windows, T, F) of recording `number`; their places depend on it, the seed and the epoch."""
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
            # Starts must differ, since the net learns nothing from two identical windows.
            if begin == first:
                begin = begin + 1 if begin < high else begin - 1
            starts.setdefault(utt, begin)
            window = self.reader.rows(utt, begin, begin + config.frames)
            if window.shape[1] != self.feature_dim:
                raise SerError(f"{utt}: expected {self.feature_dim} features per frame, found {window.shape[1]}")
            rows.append(window)
        return np.stack(rows)


def recordings_table(data_dir: str | Path) -> Path | None:
    """Return the table of a data dir that tells which utterances are parts of one recording; None: it has none.

    ``utt2dialogue`` (an interview, a scene) comes before ``segments``, since a dialogue may have several files.
    """
    named = (Path(data_dir) / name for name in ("utt2dialogue", "segments"))
    return next((path for path in named if path.is_file()), None)


def read_recordings(path: str | Path) -> dict[str, str]:
    """Read utterance -> recording from a file ``segments``, or from a table of two fields."""
    if Path(path).name == "segments":
        return {segment.utt: segment.recording for segment in read_segments(path)}
    return tables.read_map(path, fields=2)


def recordings_of(
    utts: Sequence[str], originals: Mapping[str, str], utt2recording: Mapping[str, str] | None
) -> dict[str, str]:
    """Map each utterance to its recording.

    The table says which, if one is given; a copy has its original's. Otherwise a copy has its original, any other
    utterance itself.

    Raises
    ------
    SerError
        If the table lacks an utterance.
    """
    if utt2recording is None:
        return {utt: originals.get(utt, utt) for utt in utts}
    # The original comes first: where data dirs were combined, the table may give a copy a recording of its own.
    found = {utt: utt2recording.get(originals.get(utt, utt), utt2recording.get(utt, "")) for utt in utts}
    if missing := [utt for utt, recording in found.items() if not recording]:
        raise SerError(f"the table of recordings lacks {len(missing)} of {len(utts)} utterances, first '{missing[0]}'")
    return found
