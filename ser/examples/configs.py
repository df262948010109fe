"""The settings file of each kind of training, as a dataclass; each section is defined beside the code it sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

from ser.config import check_ranges
from ser.errors import SerError
from ser.examples.chunks import DataConfig
from ser.examples.clips import ClipConfig
from ser.models.context import BcLstm, ContextConfig, Icon
from ser.models.fusion import LateFusion, LinearProbe
from ser.models.vgg import VggConfig
from ser.models.xvector import XVectorConfig
from ser.training.fit_config import FitConfig
from ser.training.losses import LossConfig


@dataclass(frozen=True)
class TrainConfig:
    """The contents of a ``conf/xvector_*.yaml``."""

    model: XVectorConfig
    data: DataConfig
    loss: LossConfig
    fit: FitConfig


@dataclass(frozen=True)
class VggTrainConfig:
    """The contents of ``conf/vgg_bert/vgg.yaml``."""

    model: VggConfig
    data: ClipConfig
    loss: LossConfig
    fit: FitConfig


@dataclass(frozen=True)
class BatchConfig:
    """The section `data:`."""

    batch_size: int  # dialogues per batch; for ``late``, utterances per batch

    def __post_init__(self) -> None:
        check_ranges("data", self, batch_size="[1, inf)")


@dataclass(frozen=True)
class FusionConfig:
    """The contents of a ``fusion.yaml``.

    Attributes
    ----------
    network : ``late`` takes the class probabilities of one utterance, ``linear`` its embeddings; ``bc_lstm`` and
        ``icon`` take embeddings of the whole dialogue.
    model : sizes of ``bc_lstm`` or ``icon``; null for the others.
    """

    network: Literal["late", "linear", "bc_lstm", "icon"]
    model: ContextConfig | None
    data: BatchConfig
    loss: LossConfig
    fit: FitConfig

    @property
    def in_context(self) -> bool:
        """Whether the network takes the whole dialogue of an utterance."""
        return self.model is not None


def make_network(config: FusionConfig, widths: Mapping[str, int], num_classes: int) -> nn.Module:
    """Make the network: vectors of these widths (by name of the modality) to logits of K classes."""
    if config.network == "late":
        return LateFusion(widths, num_classes)
    if config.network == "linear":
        return LinearProbe(widths, num_classes)
    if config.model is None:
        raise SerError(f"{config.network}: the section `model` is missing, which gives the sizes; add it")
    return (BcLstm if config.network == "bc_lstm" else Icon)(config.model, widths, num_classes)
