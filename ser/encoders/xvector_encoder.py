"""Our own x-vector nets as audio encoders: one row per utterance, computed from its normalised features."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ser.encoders.audio_encoder import Level, States
from ser.errors import SerError
from ser.models.xvector import XVector, embed_utterance


class XVectorEncoder:
    """An `AudioEncoder` whose layers are the net's segment-level ones, before their ReLU; ``final`` is the last.

    Parameters
    ----------
    what : name of the encoder in messages.
    model : the x-vector net, in eval mode.
    front_end : maps samples to features (T, F); it must be that of the net's training.
    """

    sample_rate: int = 16_000
    row: Level = "utterance"

    def __init__(self, what: str, model: XVector, front_end: Callable[[np.ndarray], np.ndarray]) -> None:
        self.what, self.model, self.front_end = what, model, front_end
        self.layers = [*model.segment_layers, "final"]
        self.dim = max(len(model.state_dict()[f"{layer}.affine.bias"]) for layer in model.segment_layers)
        self.samples_a_row = float("inf")
        self.num_padded = self.num_windowed = 0

    def encode(
        self, waves: Iterable[tuple[str, np.ndarray]], layers: Sequence[str]
    ) -> Iterator[tuple[str, States | SerError]]:
        """See `AudioEncoder.encode`."""
        names = [self.model.segment_layers[-1] if layer == "final" else layer for layer in layers]
        for utt, samples in waves:
            try:
                found = embed_utterance(self.model, self.front_end(samples), names)
                yield utt, {layer: found[name][None] for layer, name in zip(layers, names, strict=True)}
            except SerError as error:
                yield utt, error
