"""A speech recogniser with the extractor of its i-vectors: features of a recording in, outputs of its layers out.

Its folder has ``net``, an acoustic model that was trained here or imported, and, if the model takes i-vectors,
``extractor``, the folder of an i-vector extractor with its online.conf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ser.asr.node_net import NodeComputer
from ser.errors import SerError
from ser.ivector.online import OnlineExtractor
from ser.models.asr_tdnn import SUBSAMPLING


@dataclass(frozen=True)
class Recogniser:
    """Computes the outputs of layers at every third frame; `extractor` is None if the net takes no i-vectors."""

    net: NodeComputer
    extractor: OnlineExtractor | None

    @classmethod
    def load(cls, folder: Path, device: torch.device | None = None) -> Recogniser:
        """Read the folder of a recogniser.

        Raises
        ------
        SerError
            If a part is missing or broken, or the i-vectors of the extractor do not fit the net.
        """
        extractor = None
        if (folder / "extractor").is_dir():
            extractor = OnlineExtractor.load(folder / "extractor" / "online.conf")
        # The i-vectors are computed here for each recording; `zero` only says that the net takes i-vectors.
        net = NodeComputer(folder / "net", device or torch.device("cpu"), zero=extractor is not None)
        if extractor is not None and extractor.ivector_dim != net.net.ivector_dim:
            raise SerError(
                f"{folder}: i-vectors of dimension {extractor.ivector_dim}, but the net takes {net.net.ivector_dim}; "
                "give the extractor that the net was trained with"
            )
        return cls(net, extractor)

    @property
    def layers(self) -> list[str]:
        """Names of the layers, from the input to the output, that `NodeComputer.node_of` knows by short names."""
        number, names = 1, []
        while self._has(f"layer{number}"):
            names.append(f"layer{number}")
            number += 1
        return [*names, *(["prefinal"] if self._has("prefinal") else [])]

    def _has(self, layer: str) -> bool:
        try:
            self.net.node_of(layer)
        except SerError:
            return False
        return True

    def outputs(self, features: np.ndarray, nodes: Sequence[str]) -> list[np.ndarray]:
        """Compute the outputs (ceil(T / 3), D) of each node for the features (T, F) of one recording.

        The i-vectors are those of this recording alone.
        """
        ivectors = None
        if self.extractor is not None:
            ivectors = self.extractor.extract(features, self.extractor.new_speaker())
        return [self.net.compute(features, node, SUBSAMPLING, ivectors) for node in nodes]
