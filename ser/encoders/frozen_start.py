"""The outputs of YAMNet's frozen lower layers, computed once for each recording of a training and kept."""

import copy

import numpy as np
import torch
from torch import Tensor

from ser.models.yamnet import Yamnet

# Memory for the outputs, in bytes; outputs that do not fit are computed again in each epoch.
KEPT_BYTES = 2**30


class FrozenStart:
    """A copy of the first layers of YAMNet, and a store of their outputs.

    Parameters
    ----------
    net : the net whose layers 1 to `last` are copied.
    last : number of the last copied layer, from 1.
    kept_bytes : memory that the kept outputs may take.
    """

    def __init__(self, net: Yamnet, last: int, kept_bytes: int = KEPT_BYTES) -> None:
        # A copy, since the training loop switches the net between train and eval mode while a thread makes batches.
        self.net, self.last = copy.deepcopy(net).eval(), last
        self.room, self._kept = kept_bytes, dict[str, Tensor]()

    @torch.no_grad()
    def outputs(self, patches: np.ndarray) -> Tensor:
        """Map the patches (P, 96, 64) of one recording to the output (P, C, H, W) of layer `last`.

        Each recording is computed by itself, so that its bits don't depend on the other recordings of a batch.
        """
        return self.net.maps(torch.from_numpy(patches), [str(self.last)])[str(self.last)]

    def find(self, utt: str) -> Tensor | None:
        """Return the kept outputs of an utterance, or None."""
        return self._kept.get(utt)

    def keep(self, utt: str, outputs: Tensor) -> None:
        """Keep the outputs of an utterance if there is room for them."""
        size = outputs.numel() * outputs.element_size()
        if size <= self.room and utt not in self._kept:
            self._kept[utt], self.room = outputs, self.room - size
