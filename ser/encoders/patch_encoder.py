"""VGGish, YAMNet and our own nets over patches of log-mel energies, as audio encoders."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ser.encoders.audio_encoder import Level, States
from ser.errors import SerError
from ser.features import audioset
from ser.features.audioset import AudioSetConfig

# Patches per batch. A batch mixes recordings, since the state of a patch does not depend on other patches.
BATCH = 64


class PatchEncoder:
    """An `AudioEncoder` whose rows are patches of 0.96 s.

    Parameters
    ----------
    what : name of the encoder in messages.
    model : in eval mode; its ``states(patches (B, 96, 64), layers)`` gives (B, D) for each layer.
    config : how patches are computed.
    """

    sample_rate: int = audioset.SAMPLE_RATE
    row: Level = "patch"

    def __init__(self, what: str, model: Any, config: AudioSetConfig) -> None:
        # Channels last takes a quarter less time on a CPU.
        self.what, self.model, self.config = what, model.to(memory_format=torch.channels_last), config
        self.layers: list[str] = model.layers
        self.samples_a_row = float(config.patch_hop * audioset.HOP)
        widths = [module.out_features for module in model.modules() if isinstance(module, nn.Linear)]
        self.dim = max(widths + [module.out_channels for module in model.modules() if isinstance(module, nn.Conv2d)])
        self.num_padded = self.num_windowed = 0
        self.device = next(model.parameters()).device

    def encode(
        self, waves: Iterable[tuple[str, np.ndarray]], layers: Sequence[str]
    ) -> Iterator[tuple[str, States | SerError]]:
        """See `AudioEncoder.encode`."""
        waiting: list[tuple[str, np.ndarray]] = []
        count = 0
        for utt, samples in waves:
            self.num_padded += len(samples) < audioset.PATCH_SAMPLES
            waiting.append((utt, audioset.patches(samples, self.config)))
            count += len(waiting[-1][1])
            if count >= BATCH:
                yield from self._run(waiting, layers)
                waiting, count = [], 0
        yield from self._run(waiting, layers)

    @torch.inference_mode()
    def _run(self, waiting: list[tuple[str, np.ndarray]], layers: Sequence[str]) -> Iterator[tuple[str, States]]:
        if not waiting:
            return
        patches = torch.from_numpy(np.concatenate([found for _, found in waiting]))
        parts = [self.model.states(part.to(self.device), layers) for part in patches.split(BATCH)]
        joined = {layer: torch.cat([part[layer] for part in parts]).cpu().numpy() for layer in layers}
        start = 0
        for utt, found in waiting:
            stop = start + len(found)
            yield utt, {layer: states[start:stop] for layer, states in joined.items()}
            start = stop
