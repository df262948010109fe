"""Compute the sizes of the networks from their settings, without loading torch."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser.config import read_yaml
from ser.errors import SerError
from ser.estimate.rates import Rates

# Features of conf/mfcc.conf (30) and conf/pitch.conf (3).
FEATURES = 33
# A convolution of ser.models.vgg has a kernel of 3 x 3; the pooling after it keeps one number of 2 x 2.
_PICTURE_KERNEL, _POOLED = 9, 4
# Frames that each of tdnn1 to tdnn5 reads (ser.models.xvector).
_KERNELS = (5, 3, 3, 1, 1)
# bert-base-uncased: layers, hidden size, inner size. The vocabulary adds weights on disk but no multiplications.
_BERT_BASE, _BERT_VOCABULARY = (12, 768, 3072), 30_522


@dataclass(frozen=True)
class Net:
    """Size of a network and settings of its training. A unit is a frame or, for text, a token.

    Attributes
    ----------
    multiplications : per unit, in a forward pass.
    dim : dimension of the vectors that are taken from it.
    units_per_utterance : units of one utterance that the training reads, over all epochs.
    precision : number format in training, as in the settings.
    overhead : CPU seconds per unit that are not matrix products.
    gflops : speed of the matrix products on one core.
    """

    multiplications: float
    weights: int
    dim: int
    units_per_utterance: float
    precision: str
    overhead: float
    gflops: float


def xvector_net(path: Path, rates: Rates) -> Net:
    """Compute the size of the x-vector net of ``conf/xvector_*.yaml``."""
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
    """Compute the size of the VGG net of ``conf/vgg_bert/vgg.yaml`` for log-mel energies of `num_mels` bands."""
    channels = setting(path, "model", "channels")
    kernels = [_PICTURE_KERNEL * one * next_one for one, next_one in itertools.pairwise((1, *channels))]
    products = sum(kernel * num_mels / _POOLED**layer for layer, kernel in enumerate(kernels))
    hidden, height = setting(path, "model", "hidden"), num_mels >> len(channels)
    weights = sum(kernels) + channels[-1] * setting(path, "model", "cells") * height * hidden
    seen = setting(path, "fit", "epochs") * setting(path, "data", "frames")
    return Net(products, weights, hidden, seen, setting(path, "fit", "precision"), 0.0, rates.picture_gflops)


def text_net(path: Path, text_model: str, rates: Rates) -> Net:
    """Compute the size of the text model: folder `text_model`, else `scratch` of the settings, else bert-base."""
    layers, hidden, inner, vocabulary = *_BERT_BASE, _BERT_VOCABULARY
    config = Path(text_model or setting(path, "text_model")) / "config.json"
    scratch = setting(path, "scratch")
    if config.is_file():
        names = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")
        if "d_model" in read_yaml(config):  # T5 has other names for these
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
    """Return one value of a YAML file, found by its nested keys; `SerError` if it is missing."""
    value = read_yaml(path)
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise SerError(f"{path}: missing key '{'.'.join(keys)}', which the estimate needs")
        value = value[key]
    return value
