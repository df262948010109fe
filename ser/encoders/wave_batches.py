"""Batches of recordings for an audio encoder; those of a batch have the same length and are never padded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ser.encoders.frame_encoder import FrameEncoder
from ser.encoders.frozen_start import FrozenStart
from ser.encoders.patch_encoder import PatchEncoder
from ser.errors import SerError
from ser.features import audioset
from ser.kaldi import audio
from ser.training.losses import class_probabilities

# Batches in a pool. Recordings are sorted by length within a pool: little is cut off, yet batches differ each epoch.
BATCHES_TO_SORT = 20


@dataclass(frozen=True)
class WaveConfig:
    """The section `data:` of ``conf/audio_encoder.yaml``."""

    batch_size: int
    max_seconds: float  # a longer recording is cut to a part of this length, another part in each epoch


class WaveSource:
    """Batches of recordings, a `ser.training.fit.BatchSource`; an epoch has every utterance once.

    For an encoder with a state per frame, a training batch has recordings of similar length, which are cut to the
    shortest one; a validation batch has recordings of exactly the same length. For an encoder of patches nothing is
    cut to a common length.

    Parameters
    ----------
    waves : utterance -> name of its recording, as in ``wav.scp``.
    segments : utterance -> its part of a recording; utterances that are whole recordings are absent.
    utts : the N utterances that are used.
    targets : (N,) int64 classes, or (N, K) float32 shares of them.
    encoder : makes the inputs.
    config : see `WaveConfig`.
    seed : decides the order and the parts. None, for validation: the order is by length, parts are from the middle.
    frozen : the frozen lower layers of an encoder of patches; batches then have their outputs in place of patches.

    Raises
    ------
    SerError
        If a recording cannot be read.
    """

    def __init__(
        self,
        waves: Mapping[str, str],
        segments: Mapping[str, audio.Segment],
        utts: Sequence[str],
        targets: np.ndarray,
        encoder: FrameEncoder | PatchEncoder,
        config: WaveConfig,
        seed: int | None,
        frozen: FrozenStart | None = None,
    ) -> None:
        if config.batch_size < 1 or config.max_seconds <= 0:
            raise SerError(f"data: batch_size {config.batch_size}, max_seconds {config.max_seconds:g}; give over 0")
        self.waves, self.segments, self.utts, self.targets = waves, segments, utts, targets
        self.encoder, self.config, self.seed, self.frozen = encoder, config, seed, frozen
        self.least = encoder.least if isinstance(encoder, FrameEncoder) else 1
        self.most = max(self.least, int(config.max_seconds * encoder.sample_rate))
        if isinstance(encoder, FrameEncoder):
            self.most = min(self.most, encoder.most)
        lengths = np.array([len(self._read(utt)) for utt in utts])
        self.whole = lengths <= self.most  # recordings that are used as a whole
        self.lengths = lengths.clip(self.least, self.most)
        self._fixed = self._cut_equal(np.argsort(self.lengths, kind="stable")) if seed is None else []

    def num_batches(self, epoch: int) -> int:
        """Count the batches of an epoch."""
        return len(self._fixed) if self.seed is None else -(-len(self.utts) // self.config.batch_size)

    def plan(self, epoch: int) -> list[np.ndarray]:
        """Return the indices of each batch of `epoch`."""
        if self.seed is None:
            return self._fixed
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(self.utts))
        stride = BATCHES_TO_SORT * self.config.batch_size
        pools = [order[first : first + stride] for first in range(0, len(order), stride)]
        whole = np.concatenate([pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools])
        batches = np.array_split(whole, self.num_batches(epoch))
        return [batches[index] for index in rng.permutation(len(batches))]

    def batches(
        self, epoch: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
        """Yield inputs for `TunedEncoder` and targets: rows ``rank::world`` of each batch, from batch `start` on."""
        for batch in self.plan(epoch)[start:]:
            rows = batch[rank::world]
            length = int(self.lengths[batch].min())
            targets = torch.from_numpy(self.targets[rows])
            if not len(rows):
                continue
            if isinstance(self.encoder, PatchEncoder):
                found = [self._outputs(row, epoch) for row in rows]
                counts = torch.tensor([len(patches) for patches in found])
                yield {"patches" if self.frozen is None else "outputs": torch.cat(found), "counts": counts}, targets
            else:
                parts = [self._part(row, epoch, length) for row in rows]
                inputs = self.encoder.prepare(parts)  # type: ignore[attr-defined]
                yield inputs | {"num_samples": torch.full((len(rows),), length)}, targets

    def _outputs(self, row: int, epoch: int) -> Tensor:
        """Return the patches of a recording, or the outputs of the frozen layers for them."""
        utt, frozen = self.utts[row], self.frozen
        if frozen is not None and (kept := frozen.find(utt)) is not None:
            return kept
        patches = audioset.patches(self._part(row, epoch, self.most), self.encoder.config)  # type: ignore[union-attr]
        if frozen is None:
            return torch.from_numpy(patches)
        outputs = frozen.outputs(patches)
        if self.whole[row]:
            frozen.keep(utt, outputs)
        return outputs

    def _cut_equal(self, order: np.ndarray) -> list[np.ndarray]:
        """Cut the indices, which are sorted by length, into batches of recordings of the same length."""
        if isinstance(self.encoder, PatchEncoder):
            return np.array_split(order, -(-len(order) // self.config.batch_size))
        edges = np.flatnonzero(np.diff(self.lengths[order])) + 1
        return [
            part[first : first + self.config.batch_size]
            for part in np.split(order, edges)
            for first in range(0, len(part), self.config.batch_size)
        ]

    def _part(self, row: int, epoch: int, length: int) -> np.ndarray:
        samples = self._read(self.utts[row])
        if len(samples) < self.least:
            samples = np.pad(samples, (0, self.least - len(samples)))
        spare = max(0, len(samples) - length)
        share = 0.5 if self.seed is None else np.random.default_rng((self.seed, epoch, int(row))).random()
        first = int(share * (spare + 1)) if spare else 0
        return samples[first : first + length]

    def _read(self, utt: str) -> np.ndarray:
        segment = self.segments.get(utt)
        name = utt if segment is None else segment.recording
        if name not in self.waves:
            raise SerError(f"wav.scp: no recording for '{utt}'")
        samples = audio.read_wave(self.waves[name], self.encoder.sample_rate)
        if not isinstance(samples, audio.Unreadable) and segment is not None:
            rate = self.encoder.sample_rate
            stop = len(samples) if segment.end < 0 else int(segment.end * rate)
            samples = samples[int(segment.start * rate) : stop]
        if isinstance(samples, audio.Unreadable) or not len(samples):
            reason = samples.reason if isinstance(samples, audio.Unreadable) else "its segment has no samples"
            raise SerError(f"'{utt}' cannot be trained on: {reason}; leave it out of the data dir")
        return samples


@torch.inference_mode()
def probabilities(
    model: nn.Module, source: WaveSource, loss: str, device: str | torch.device
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each utterance of `source`, batch by batch, with its class probabilities (K,) float32.

    Parameters
    ----------
    model : maps a batch to logits (B, K); it is put into eval mode.
    source : made without a seed, so that no part of a recording is drawn at random.
    loss : kind of the loss that `model` was trained with.
    device : the device of `model`.
    """
    model.eval()
    for batch, (inputs, _) in zip(source.plan(0), source.batches(0), strict=True):
        logits = model({name: tensor.to(device) for name, tensor in inputs.items()})
        found = class_probabilities(logits.float(), loss).cpu().numpy()
        yield from zip([source.utts[row] for row in batch], found, strict=True)
