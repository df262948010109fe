"""The recogniser of a finished run of system B as an audio encoder: a row every 30 ms, of any layer of its net."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from ser.asr.recogniser import Recogniser
from ser.asr.recogniser_dir import MFCC, RECOGNISER, check_recogniser
from ser.encoders.audio_encoder import Level, States
from ser.errors import SerError
from ser.features.extractor import Extractor
from ser.features.mfcc import MfccOptions
from ser.kaldi.options import read_options
from ser.models.asr_tdnn import SUBSAMPLING


class AsrEncoder:
    """An `AudioEncoder` whose layers are those of the recogniser; ``final`` is the last of them.

    Whole recordings are computed at once, however long. A recording that is too short for one frame is an error.

    Parameters
    ----------
    what : name of the encoder in messages.
    folder : detector of system B, which has the recogniser, its extractor of i-vectors and the options of its MFCC.
    device : device on which the net is computed.
    """

    row: Level = "frame"

    def __init__(self, what: str, folder: Path, device: torch.device | str = "cpu") -> None:
        check_recogniser(folder)
        self.what = what
        self._extract = Extractor(read_options(MfccOptions, folder / MFCC))
        self._recogniser = Recogniser.load(folder / RECOGNISER, torch.device(device))
        own = self._recogniser.layers
        if not own:
            raise SerError(f"{what}: its net has no layers named as those of a TDNN or TDNN-F")
        self._nodes = {layer: self._recogniser.net.node_of(layer) for layer in own}
        self._nodes["final"] = self._nodes[own[-1]]
        self.layers = list(self._nodes)
        self.sample_rate = self._extract.sample_rate
        self.dim = max(self._recogniser.net.net.width(node) for node in self._nodes.values())
        self.samples_a_row = float(SUBSAMPLING * self._extract.spectral.shift)
        self.num_padded = self.num_windowed = 0

    def encode(
        self, waves: Iterable[tuple[str, np.ndarray]], layers: Sequence[str]
    ) -> Iterator[tuple[str, States | SerError]]:
        """See `AudioEncoder.encode`."""
        for utt, samples in waves:
            try:
                outputs = self._recogniser.outputs(self._extract(utt, samples), [self._nodes[name] for name in layers])
                yield utt, dict(zip(layers, outputs, strict=True))
            except SerError as error:
                yield utt, error
