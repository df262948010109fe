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
# Of a convolution of ser.models.vgg: 3 by 3, and behind it one number of 2 by 2 is left.
_PICTURE_KERNEL, _POOLED = 9, 4
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
    gflops : of the products, on a core.
    """

    multiplications: float
    weights: int
    dim: int
    units_per_utterance: float
    precision: str
    overhead: float
    gflops: float


def xvector_net(path: Path, rates: Rates) -> Net:
    """Size the x-vector net of ``conf/xvector_*.yaml``."""
    frame_dims, segment_dims = setting(path, "model", "frame_dims"), setting(path, "model", "segment_dims")
    inputs = (FEATURES, *frame_dims)
    frame_products = sum(
        kernel * width * out for kernel, width, out in zip(_KERNELS, inputs[:-1], frame_dims, strict=True)
    )
    widths = (2 * frame_dims[-1], *segment_dims)
    segment_products = sum(width * out for width, out in itertools.pairwise(widths))
    length = (setting(path, "data", "min_chunk") + setting(path, "data", "max_chunk")) / 2
    seen = setting(path, "fit", "epochs") * setting(path, "data", "chunks_per_utterance") * length
    return Net(
        frame_products,
        frame_products + segment_products,
        segment_dims[0],
        seen,
        setting(path, "fit", "precision"),
        rates.frame,
        rates.gflops,
    )


def vgg_net(path: Path, num_mels: int, rates: Rates) -> Net:
    """Size the VGG net of ``conf/vgg_bert/vgg.yaml`` on pictures of `num_mels` bands."""
    channels = setting(path, "model", "channels")
    kernels = [_PICTURE_KERNEL * one * next_one for one, next_one in itertools.pairwise((1, *channels))]
    products = sum(kernel * num_mels / _POOLED**layer for layer, kernel in enumerate(kernels))
    hidden, height = setting(path, "model", "hidden"), num_mels >> len(channels)
    weights = sum(kernels) + channels[-1] * setting(path, "model", "cells") * height * hidden
    seen = setting(path, "fit", "epochs") * setting(path, "data", "frames")
    return Net(products, weights, hidden, seen, setting(path, "fit", "precision"), 0.0, rates.picture_gflops)


def text_net(path: Path, text_model: str, rates: Rates) -> Net:
    """Size the text model: of the folder `text_model`, else of the settings' `scratch`, else bert-base."""
    layers, hidden, inner, vocabulary = *_BERT_BASE, _BERT_VOCABULARY
    config = Path(text_model or setting(path, "text_model")) / "config.json"
    scratch = setting(path, "scratch")
    if config.is_file():  # JSON is YAML
        names = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")
        if "d_model" in read_yaml(config):  # T5 has names of its own
            names = ("num_layers", "d_model", "d_ff", "vocab_size")
        layers, hidden, inner, vocabulary = (setting(config, name) for name in names)
    elif scratch is not None and not text_model:
        layers, hidden, inner = (scratch[name] for name in ("layers", "hidden_size", "inner_size"))
        vocabulary = scratch["vocabulary_size"]
    products = layers * (4 * hidden * hidden + 2 * hidden * inner)
    seen = setting(path, "fit", "epochs") * rates.tokens
    weights = products + vocabulary * hidden
    return Net(products, weights, hidden, seen, setting(path, "fit", "precision"), rates.token, rates.gflops)


def setting(path: Path, *keys: str) -> Any:
    """Return a value of a YAML file, whatever else is in it; SerError where it is missing."""
    value = read_yaml(path)
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise SerError(f"{path}: missing key '{'.'.join(keys)}', which the estimate needs")
        value = value[key]
    return value
