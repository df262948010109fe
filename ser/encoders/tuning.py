"""Fine-tuning of an audio encoder with a classifier on top: choice of layers, pooling, and what is trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ser.encoders.audio_encoder import check_layers
from ser.encoders.frame_encoder import FrameEncoder
from ser.encoders.patch_encoder import PatchEncoder
from ser.errors import SerError
from ser.models.layer_sum import LayerSum
from ser.models.lora import add_lora
from ser.models.pooling import standard_deviation
from ser.models.yamnet import FINAL, LAYERS, Yamnet
from ser.training.fit_config import FitConfig
from ser.training.unfreezing import GroupConfig, UnfreezingConfig

# Parts of `TunedEncoder` after the encoder.
HEAD = ("layer_sum", "pooling", "norm", "output")


@dataclass(frozen=True)
class LoraConfig:
    """The section `model.lora:`; null: the blocks' own weights are trained."""

    rank: int
    alpha: float
    upper_share: float  # share of the blocks, counted from the last one down, that get LoRA


@dataclass(frozen=True)
class TuningConfig:
    """The section `model:` of ``conf/audio_encoder.yaml``."""

    # Layers whose states are summed, separated by spaces or commas: "7 8 9"; a single one: "9,"; empty: all numbered
    # layers.
    layers: str
    normalise_layers: bool  # whether each layer's states are normalised before the sum
    pooling: Literal["mean", "mean_std", "attentive"]
    normalise_pooled: bool  # batch normalisation of the pooled vector
    dropout: float  # before the output layer
    top_blocks: int  # number of blocks, counted from the last one down, that are trained; 0: only the head, -1: all
    train_front_end: bool  # whether the parts outside of the blocks, such as the convolutions, are trained too
    lora: LoraConfig | None


@dataclass(frozen=True)
class GradualConfig:
    """The section `gradual:`: the head is trained first, then blocks too, from the last one down; null: all at once.

    Attributes
    ----------
    epochs : number of epochs until the next group of blocks is unfrozen.
    groups : number of groups into which the trained blocks are divided.
    rate_ratio : the learning rate of a group is that of the group above it divided by this (Howard and Ruder: 2.6).
    """

    epochs: int
    groups: int
    rate_ratio: float


class TunedEncoder(nn.Module):
    """Encoder, weighted sum of its layers, pooling, dropout and a linear layer.

    Parameters
    ----------
    encoder : its module becomes a part of this one.
    config : see `TuningConfig`.
    num_classes : K.

    Raises
    ------
    SerError
        If a layer does not exist, or the layers' states differ in dimension.
    """

    def __init__(self, encoder: FrameEncoder | PatchEncoder, config: TuningConfig, num_classes: int) -> None:
        super().__init__()
        self.layers = list(
            config.layers.replace(",", " ").split() or [layer for layer in encoder.layers if layer.isdecimal()]
        )
        check_layers(encoder, self.layers)
        self.adaptor, self.encoder = encoder, encoder.model
        widths = {layer: width for layer, width in zip(self.layers, _widths(encoder, self.layers), strict=True)}
        if len(set(widths.values())) > 1:
            shown = " ".join(f"{layer}:{width}" for layer, width in widths.items())
            raise SerError(f"{encoder.what}: model.layers of different sizes ({shown}); give some of one size")
        width = widths[self.layers[0]]
        self.layer_sum = LayerSum(len(self.layers), config.normalise_layers)
        self.pooling: nn.Module = MaskedMeanPooling(with_deviation=config.pooling == "mean_std")
        if config.pooling == "attentive":
            self.pooling = MaskedAttentivePooling(width)
        pooled = width if config.pooling == "mean" else 2 * width
        self.norm = nn.BatchNorm1d(pooled, affine=False) if config.normalise_pooled else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(pooled, num_classes)
        self.num_frozen = 0  # YAMNet's lower layers that are neither trained nor summed; set by `arrange`

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map a batch of `ser.encoders.wave_batches` to logits (B, K)."""
        inputs = dict(inputs)
        if isinstance(self.adaptor, PatchEncoder):
            counts = inputs["counts"].tolist()
            if (outputs := inputs.get("outputs")) is not None:
                states = self.adaptor.model.states(outputs, self.layers, self.num_frozen)
            else:
                states = self.adaptor.model.states(inputs["patches"], self.layers)  # (all patches, D) each
            rows = self.layer_sum([states[layer] for layer in self.layers]).split(counts)
            mask = pad_sequence([torch.ones(len(row), device=row.device) for row in rows], batch_first=True)
            pooled = self.pooling(pad_sequence(list(rows), batch_first=True), mask)
        else:
            num_samples = int(inputs.pop("num_samples")[0])
            states = self.adaptor.batch_states(inputs, self.layers, num_samples)  # type: ignore[attr-defined]
            frames = self.layer_sum([states[layer] for layer in self.layers])  # (B, T, D)
            pooled = self.pooling(frames, frames.new_ones(frames.shape[:2]))
        return self.output(self.dropout(self.norm(pooled)))


class MaskedMeanPooling(nn.Module):
    """The mean over the unmasked rows, or their mean and (biased) standard deviation."""

    def __init__(self, with_deviation: bool = False) -> None:
        super().__init__()
        self.with_deviation = with_deviation

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Map rows (B, T, D), of which those with a `mask` (B, T) of 1 are there, to (B, D) or (B, 2 D)."""
        mean, variance = _weighted_moments(rows, mask / mask.sum(dim=1, keepdim=True))
        return torch.cat([mean, standard_deviation(variance)], dim=1) if self.with_deviation else mean


class MaskedAttentivePooling(nn.Module):
    """Mean and standard deviation with attention weights (Okabe, Koshinaka, Shinoda, Interspeech 2018, section 3.2)."""

    def __init__(self, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.hidden, self.score = nn.Linear(width, hidden), nn.Linear(hidden, 1)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Map rows (B, T, D), of which those with a `mask` (B, T) of 1 are there, to (B, 2 D)."""
        scores = self.score(torch.tanh(self.hidden(rows))).squeeze(2).masked_fill(mask == 0, float("-inf"))
        mean, variance = _weighted_moments(rows, scores.softmax(dim=1))
        return torch.cat([mean, standard_deviation(variance)], dim=1)


def _weighted_moments(rows: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weighted mean and variance, (B, D) each, of rows (B, T, D); the weights (B, T) sum to 1."""
    weights = weights.unsqueeze(2)
    mean = (weights * rows).sum(dim=1)
    return mean, (weights * (rows - mean.unsqueeze(1)).square()).sum(dim=1)


def _widths(encoder: FrameEncoder | PatchEncoder, layers: Sequence[str]) -> list[int]:
    if isinstance(encoder, FrameEncoder):
        return [encoder.dim] * len(layers)
    with torch.no_grad():
        states = encoder.model.states(torch.zeros(1, 96, 64, device=encoder.device), layers)
    return [states[layer].shape[1] for layer in layers]


def find_blocks(module: nn.Module) -> list[str]:
    """Return the names of an encoder's blocks, first to last: its longest list of modules, or YAMNet's layers."""
    if isinstance(module, Yamnet):
        return [f"layer{number}" for number in range(1, len(LAYERS) + 1)]
    lists = {name: child for name, child in module.named_modules() if isinstance(child, nn.ModuleList)}
    named = {
        name: child
        for name, child in lists.items()
        if name.rpartition(".")[2] in ("layers", "layer", "blocks", "stages")
    }
    if not named:
        return []
    name = max(named, key=lambda name: len(named[name]))
    return [f"{name}.{number}" for number in range(len(named[name]))]


def arrange(model: TunedEncoder, config: TuningConfig, gradual: GradualConfig | None, fit: FitConfig) -> FitConfig:
    """Put LoRA into the encoder; return `fit` with the layers that stay frozen and the schedule of unfreezing.

    Raises
    ------
    SerError
        If the encoder has fewer blocks than `config` or `gradual` asks for.
    """
    encoder: Any = model.encoder
    settle(encoder)
    blocks = find_blocks(encoder)
    if all(layer.isdecimal() for layer in model.layers):  # blocks above the highest of these layers are not used
        blocks = blocks[: max(map(int, model.layers))]
    if config.top_blocks > len(blocks):
        raise SerError(
            f"model.top_blocks is {config.top_blocks}, but the encoder has {len(blocks)} blocks up to those layers"
        )
    count = len(blocks) if config.top_blocks < 0 else config.top_blocks
    trained = blocks[len(blocks) - count :]
    if config.lora is not None:
        lora = config.lora
        trained = blocks[len(blocks) - max(1, round(lora.upper_share * len(blocks))) :]
        encoder.requires_grad_(False)
        if not add_lora([encoder.get_submodule(name) for name in trained], lora.rank, lora.alpha):
            raise SerError("model.lora: the encoder's blocks have no feed-forward part; set lora to null")
    frozen = []
    if config.lora is not None or not config.train_front_end:
        for name, module in encoder.named_modules():
            inside = any(name == block or name.startswith(f"{block}.") for block in trained)
            if name and not inside and not list(module.children()):
                frozen.append(f"encoder.{name}")
            if not inside:  # parameters that belong to the module itself, not to a module inside it
                for parameter in module.parameters(recurse=False):
                    parameter.requires_grad_(False)
    if isinstance(encoder, Yamnet) and not config.train_front_end:
        needed = [*(_number(layer) for layer in model.layers), *(_number(block) for block in trained)]
        model.num_frozen = min(needed) - 1
    unfreezing = fit.unfreezing
    if gradual is not None and trained:
        unfreezing = _schedule(trained, gradual)
    return replace(fit, frozen=(*fit.frozen, *frozen), unfreezing=unfreezing)


def _number(name: str) -> int:
    """Return the number of a layer of YAMNet or of its block: 7 for ``7`` and ``layer7``; ``final`` is the last one."""
    return len(LAYERS) if name == FINAL else int(name.removeprefix("layer"))


def _schedule(trained: Sequence[str], gradual: GradualConfig) -> UnfreezingConfig:
    if not 1 <= gradual.groups <= len(trained) or gradual.epochs < 1:
        raise SerError(
            f"gradual: {gradual.groups} groups of {len(trained)} trained blocks, every {gradual.epochs} epochs; give 1 "
            "to as many groups as blocks, and 1 epoch or more"
        )
    groups = [GroupConfig(0, HEAD)]
    last = list(reversed(trained))
    for number in range(gradual.groups):
        part = last[len(last) * number // gradual.groups : len(last) * (number + 1) // gradual.groups]
        names = tuple(f"encoder.{name}" for name in part)
        # The last group also has all other trained parts, such as the convolutions.
        groups.append(
            GroupConfig(gradual.epochs * (number + 1), (*names, "*") if number == gradual.groups - 1 else names)
        )
    return UnfreezingConfig("epochs", gradual.rate_ratio, tuple(groups))


def settle(encoder: nn.Module) -> None:
    """Switch off all randomness but dropout: masking of the input (SpecAugment) and skipping of blocks (LayerDrop)."""
    for module in encoder.modules():
        settings = getattr(module, "config", None)
        for holder in (module, settings):
            for name in ("layerdrop", "encoder_layerdrop", "mask_time_prob", "mask_feature_prob"):
                if isinstance(getattr(holder, name, None), (int, float)):
                    setattr(holder, name, 0.0)
