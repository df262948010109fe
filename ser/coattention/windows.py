"""Batches of windows, several per clip, for triplet training."""

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
    clips : number of clips in a batch; a clip is an utterance with its augmented copies.
    windows : number of windows of each clip in a batch.
    max_gap : largest distance, in frames, of a window's start from that of the first window drawn from the same
        utterance (Shor et al.: 10 s); 0: no limit.
    """

    frames: int
    clips: int
    windows: int
    max_gap: int


class WindowSource:
    """Batches of windows, a `ser.training.batches.BatchSource`.

    An epoch has every clip once; but of a recording with more clips than all others together it has only as many as
    these have. Each batch has clips of two recordings or more, and as many recordings as possible.

    Parameters
    ----------
    reader : reader of the features.
    utt2clip : utterance -> its clip. Utterances that are not longer than a window are left out and counted in
        `num_short`.
    clip2recording : clip -> its recording.
    config : see `WindowConfig`.
    seed : decides the order and the windows of each epoch; None, for validation: they are always the same.

    Raises
    ------
    SerError
        If fewer than two recordings are long enough, or the settings allow no batch.
    """

    def __init__(
        self,
        reader: Reader,
        utt2clip: Mapping[str, str],
        clip2recording: Mapping[str, str],
        config: WindowConfig,
        seed: int | None,
    ) -> None:
        if config.frames < 1 or config.windows < 2 or config.clips < 2:
            raise SerError(
                f"data: frames {config.frames}, windows {config.windows}, clips {config.clips}; expected 2 windows or "
                "more of 2 clips or more"
            )
        self.reader, self.config, self.seed = reader, config, seed
        self.frames = {utt: reader.shape(utt)[0] for utt in utt2clip}
        members: dict[str, list[str]] = {}
        for utt, clip in utt2clip.items():
            if self.frames[utt] > config.frames:
                members.setdefault(clip, []).append(utt)
        self.num_short = sum(frames <= config.frames for frames in self.frames.values())
        self.members = list(members.values())
        names, self.recordings = np.unique([clip2recording[clip] for clip in members], return_inverse=True)
        self.num_recordings = len(names)
        if self.num_recordings < 2:
            raise SerError(
                f"{self.num_recordings} recordings are longer than a window of {config.frames} frames; triplets need "
                "two or more: give longer recordings, or lower data.frames"
            )
        sizes = np.bincount(self.recordings)
        # An epoch has at most this many clips of the largest recording, so that none has more than half of them.
        self.largest, self.most = int(sizes.argmax()), int(min(sizes.max(), sizes.sum() - sizes.max()))
        self.num_clips = int(sizes.sum() - sizes.max()) + self.most
        self.feature_dim = reader.shape(self.members[0][0])[1]

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch; each has at least two clips."""
        return min(math.ceil(self.num_clips / self.config.clips), self.num_clips // 2)

    def check_processes(self, world: int) -> None:
        """Check that each of `world` processes gets two clips or more of every batch, since a triplet needs two.

        Raises
        ------
        SerError
            If a batch has fewer clips.
        """
        smallest = self.num_clips // self.num_batches(0)
        if smallest < 2 * world:
            raise SerError(
                f"triplets: a batch has {smallest} clips for {world} processes, and each process needs two: raise "
                "data.clips, give more recordings, or train on fewer GPUs"
            )

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield windows (B, T, F) float32, and the numbers (B, 2) of their clips and recordings, from batch `start` on.

        A process gets the clips ``rank::world`` of a batch, of two recordings or more if it gets two clips or more; the
        windows of a clip are adjacent rows.
        """
        order, count = self._order(epoch), self.num_batches(epoch)
        for first in range(start, count):
            # The clips of a recording follow each other in `order`, so that this step puts them into different batches.
            chosen = order[first::count][rank::world]
            found = [self._windows(int(number), epoch) for number in chosen]
            numbers = np.stack([chosen, self.recordings[chosen]], 1).repeat(self.config.windows, 0)
            windows = np.zeros((0, self.config.frames, self.feature_dim), np.float32)
            yield torch.from_numpy(np.concatenate([windows, *found])), torch.from_numpy(numbers)

    def _order(self, epoch: int) -> np.ndarray:
        """Return the numbers of an epoch's clips, recording by recording, both in random order."""
        rng = np.random.default_rng([0 if self.seed is None else 1 + self.seed, epoch])
        ranks, clips = rng.permutation(self.num_recordings), rng.permutation(len(self.members))
        # In the middle, a recording of over a third of the clips could be all of a batch of three.
        if 3 * self.most > self.num_clips:
            ranks[self.largest] = -1
        order = clips[ranks[self.recordings[clips]].argsort(kind="stable")]
        surplus = np.flatnonzero(self.recordings[order] == self.largest)[self.most :]
        return np.delete(order, surplus)

    def _windows(self, number: int, epoch: int) -> np.ndarray:
        """Read the windows (windows, T, F) of clip `number`; their places depend on it, the seed and the epoch."""
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


def clips_and_recordings(
    utts: Sequence[str], originals: Mapping[str, str], utt2recording: Mapping[str, str] | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Map each utterance to its clip, and each clip to its recording.

    A copy has its original's clip, and so its recording, which the table tells; without a table each clip is a
    recording.

    Raises
    ------
    SerError
        If the table lacks all utterances of a clip.
    """
    utt2clip = {utt: originals.get(utt, utt) for utt in utts}
    if utt2recording is None:
        return utt2clip, {clip: clip for clip in utt2clip.values()}
    # The original comes first: where data dirs were combined, the table may give a copy a recording of its own.
    found: dict[str, str] = {}
    for utt, clip in utt2clip.items():
        found[clip] = found.get(clip) or utt2recording.get(clip, utt2recording.get(utt, ""))
    if missing := [utt for utt, clip in utt2clip.items() if not found[clip]]:
        raise SerError(f"the table of recordings lacks {len(missing)} of {len(utts)} utterances, first '{missing[0]}'")
    return utt2clip, found
