"""Turns the words of a recording into a vector, by the detector's text encoder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ser.detect import detector_dir


class TextEncoder:
    """Turns words into a vector, by the text encoder in `folder`, which is checked and loaded when first used.

    PyTorch and transformers, which take seconds to import, are imported only then.
    """

    def __init__(self, folder: Path, digests: Mapping[str, str], pooling: str) -> None:
        self._folder = folder
        self._digests = dict(digests)
        self._pooling: Any = pooling  # cls or mean: the folder's settings were checked
        self._loaded: tuple[Any, Any] | None = None

    def __call__(self, text: str) -> np.ndarray | None:
        """Return the vector (D,) float32 of `text`; None if it has no word."""
        from ser.text import bert

        encoder, tokenizer = self.load()
        ids = bert.tokenize(tokenizer, [text]).ids
        vectors = [vector.numpy() for _, vector in bert.extract(encoder, ids, tokenizer.pad_token_id, self._pooling, 1)]
        return vectors[0] if vectors else None

    def load(self) -> tuple[Any, Any]:
        """Return the encoder and tokenizer; the first call checks their files and loads them."""
        if self._loaded is None:
            from ser.text import bert

            detector_dir.check_files(self._folder, self._digests)
            self._loaded = bert.load_encoder(str(self._folder / detector_dir.TEXT))
        return self._loaded
