"""The vector of a recording's words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ser.detect import detector_dir


class TextEncoder:
    """Turns words into a vector, by the encoder in `folder`, a detector's; it is checked and loaded when first used.

    PyTorch and transformers are imported only then: it takes some seconds.
    """

    def __init__(self, folder: Path, digests: Mapping[str, str], pooling: str) -> None:
        self._folder = folder
        self._digests = dict(digests)
        self._pooling = pooling
        self._loaded: tuple[Any, Any] | None = None

    def __call__(self, text: str) -> np.ndarray | None:
        """Return the vector (D,) float32 of `text`, None where there is no word in it."""
        from ser.text import bert

        encoder, tokenizer = self.load()
        ids = bert.tokenize(tokenizer, [text]).ids
        vectors = [vector.numpy() for _, vector in bert.extract(encoder, ids, tokenizer.pad_token_id, self._pooling, 1)]
        return vectors[0] if vectors else None

    def load(self) -> tuple[Any, Any]:
        """Check the encoder's files, and load it with its tokenizer, the first time."""
        if self._loaded is None:
            from ser.text import bert

            detector_dir.check_files(self._folder, self._digests)
            self._loaded = bert.load_encoder(str(self._folder / detector_dir.TEXT))
        return self._loaded
