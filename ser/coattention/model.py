"""Makes, saves, loads and applies co-attention models, with the audio encoder in front if that is fine-tuned too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ser.coattention.config import CoAttentionTrainConfig
from ser.coattention.sequences import Sequences, SequenceSource
from ser.config import load_config
from ser.encoders import net_dir
from ser.encoders.folder import ENCODER_FOLDER
from ser.encoders.loading import load_audio_encoder
from ser.encoders.patch_encoder import PatchEncoder
from ser.errors import SerError
from ser.files import write_text
from ser.models.coattention import CoAttention
from ser.models.tuned_speech import TunedCoAttention
from ser.training import model_dir
from ser.training.losses import class_probabilities

# Number of patches from which the mean and standard deviation of an encoder's states are estimated.
_PATCHES = 2000


def load_patch_net(name: str, layer: str) -> nn.Module:
    """Load the audio encoder `name`, whose input must be patches of log-mel energies.

    Raises
    ------
    SerError
        If the encoder takes other input, or has no such layer.
    """
    encoder = load_audio_encoder(name)
    if not isinstance(encoder, PatchEncoder):
        raise SerError(f"--encoder {name}: its input is not patches; give YAMNet, VGGish or a model of train_triplet")
    if layer not in encoder.layers:
        raise SerError(f"--encoder-layer {layer}: no such layer; {name} has {', '.join(encoder.layers)}")
    return encoder.model


def state_statistics(net: Any, layer: str, sequences: Sequences, max_rows: int) -> tuple[Tensor, Tensor]:
    """Compute the mean and standard deviation (D,) of an encoder's states, over a sample of the utterances' patches."""
    each = max(1, _PATCHES // max(1, int(sequences.found["speech"].sum())))
    states = []
    with torch.inference_mode():
        for index in np.flatnonzero(sequences.found["speech"])[:_PATCHES]:
            rows = torch.from_numpy(sequences.rows("speech", int(index), min(each, max_rows or each)))
            states.append(net.states(rows.reshape(-1, 96, 64), [layer])[layer])
    joined = torch.cat(states).clone()
    return joined.mean(0), joined.std(0, unbiased=False)


def save_encoder(folder: str | Path, model: TunedCoAttention, start: str) -> None:
    """Write the tuned encoder to <folder>/encoder, for `load_audio_encoder`; `start` is the encoder before tuning."""
    out = Path(folder) / ENCODER_FOLDER
    write_text(out / net_dir.CONFIG, (Path(start) / net_dir.CONFIG).read_text(encoding="utf-8"))
    model_dir.save_weights(out / model_dir.WEIGHTS, model.encoder)


def load_coattention(folder: str | Path, sequences: Sequences) -> tuple[nn.Module, CoAttentionTrainConfig]:
    """Load a model of train_coattention, in eval mode.

    Raises
    ------
    SerError
        If the modalities or the dimensions of the sequences are not those of the training.
    """
    weights = model_dir.load_weights(folder)
    config = load_config(CoAttentionTrainConfig, Path(folder) / "config.yaml")
    prefix = "coattention." if config.encoder_layer else ""
    statistics = {}
    for name, width in sequences.widths.items():
        mean = weights.get(f"{prefix}sides.{name}.mean", torch.zeros(width))
        statistics[name] = (torch.zeros_like(mean), torch.ones_like(mean))
    attention = CoAttention(config.model, statistics, len(model_dir.load_classes(folder)))
    net: nn.Module = attention
    if config.encoder_layer:
        net = TunedCoAttention(load_patch_net(str(folder), config.encoder_layer), config.encoder_layer, attention)
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise SerError(
            f"{folder}: trained on other inputs than {sequences.widths}; give it the inputs of its training"
        ) from error
    return net.eval(), config


@torch.inference_mode()
def posteriors(
    model: nn.Module, config: CoAttentionTrainConfig, sequences: Sequences, device: torch.device | str
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each utterance and its class posteriors (K,)."""
    source = SequenceSource(sequences, np.zeros(len(sequences.utts), np.int64), config.data, seed=None)
    left = iter(sequences.utts)
    for inputs, _ in source.batches(0):
        logits = model({name: tensor.to(device) for name, tensor in inputs.items()})
        for vector in class_probabilities(logits, config.loss.kind).cpu().numpy():
            yield next(left), vector
