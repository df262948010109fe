"""Sizes of the networks, from their settings alone: nothing here loads torch."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser.config import read_yaml
from ser.errors import SerError
from ser.estimate.rates import Rates

# Of conf/mfcc.conf and conf/pitch.conf; and how many frames each of tdnn1 to tdnn5 sees (ser.models.xvector).
FEATURES = 33
_KERNELS = (5, 3, 3, 1, 1)
# bert-base-uncased: layers, hidden and inner size. Its vocabulary counts on disk alone.
_BERT_BASE, _BERT_VOCABULARY = (12, 768, 3072), 30_522


@dataclass(frozen=True)
class Net:
    """A network's sizes: multiplications of a frame (or token), weights, size of a vector, and its training's settings.

    Attributes
    ----------
    units_per_utterance : frames, or tokens, of an utterance that the whole training sees.
    overhead : CPU seconds a unit beside the products.
    """

    multiplications: int
    weights: int
    dim: int
    units_per_utterance: float
    precision: str
    overhead: float


def xvector_net(path: Path, rates: Rates) -> Net:
    """Size the x-vector net of ``conf/xvector_*.yaml``."""
    frame_dims, segment_dims = _setting(path, "model", "frame_dims"), _setting(path, "model", "segment_dims")
    inputs = (FEATURES, *frame_dims)
    frame_products = sum(
        kernel * width * out for kernel, width, out in zip(_KERNELS, inputs[:-1], frame_dims, strict=True)
    )
    widths = (2 * frame_dims[-1], *segment_dims)
    segment_products = sum(width * out for width, out in itertools.pairwise(widths))
    length = (_setting(path, "data", "min_chunk") + _setting(path, "data", "max_chunk")) / 2
    seen = _setting(path, "fit", "epochs") * _setting(path, "data", "chunks_per_utterance") * length
    return Net(
        frame_products,
        frame_products + segment_products,
        segment_dims[0],
        seen,
        _setting(path, "fit", "precision"),
        rates.frame,
    )


def text_net(path: Path, text_model: str, rates: Rates) -> Net:
    """Size the text model: of the folder `text_model`, else of the settings' `scratch`, else bert-base."""
    layers, hidden, inner, vocabulary = *_BERT_BASE, _BERT_VOCABULARY
    config = Path(text_model or _setting(path, "text_model")) / "config.json"
    scratch = _setting(path, "scratch")
    if config.is_file():  # JSON is YAML
        names = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")
        layers, hidden, inner, vocabulary = (_setting(config, name) for name in names)
    elif scratch is not None and not text_model:
        layers, hidden, inner = (scratch[name] for name in ("layers", "hidden_size", "inner_size"))
        vocabulary = scratch["vocabulary_size"]
    products = layers * (4 * hidden * hidden + 2 * hidden * inner)
    seen = _setting(path, "fit", "epochs") * rates.tokens
    return Net(products, products + vocabulary * hidden, hidden, seen, _setting(path, "fit", "precision"), rates.token)


def _setting(path: Path, *keys: str) -> Any:
    value = read_yaml(path)
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise SerError(f"{path}: missing key '{'.'.join(keys)}', which the estimate needs")
        value = value[key]
    return value
