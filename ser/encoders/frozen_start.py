"""The layers of YAMNet below those that are trained, computed once for each recording of a training."""

import copy

import numpy as np
import torch
from torch import Tensor

from ser.models.yamnet import Yamnet

# Outputs that are kept in memory; those of further recordings are computed each time.
KEPT_BYTES = 2**30


class FrozenStart:
    """The first layers of a net, as they are when this is made.

    Parameters
    ----------
    net : its layers 1 to `last` are copied.
    last : from 1.
    kept_bytes : that its outputs may take.
    """

    def __init__(self, net: Yamnet, last: int, kept_bytes: int = KEPT_BYTES) -> None:
        # A copy: the training loop switches the net's own modules between modes while a thread makes the batches.
        self.net, self.last = copy.deepcopy(net).eval(), last
        self.room, self._kept = kept_bytes, dict[str, Tensor]()

    @torch.no_grad()
    def outputs(self, patches: np.ndarray) -> Tensor:
        """Map the patches (P, 96, 64) of one recording to the output (P, C, H, W) of layer `last`.

        A recording is computed by itself, so that its bits don't depend on the batches that it comes in.
        """
        return self.net.maps(torch.from_numpy(patches), [str(self.last)])[str(self.last)]

    def find(self, utt: str) -> Tensor | None:
        """Give the outputs that were kept of an utterance."""
        return self._kept.get(utt)

    def keep(self, utt: str, outputs: Tensor) -> None:
        """Keep the outputs of an utterance if there is room for them."""
        size = outputs.numel() * outputs.element_size()
        if size <= self.room and utt not in self._kept:
            self._kept[utt], self.room = outputs, self.room - size
