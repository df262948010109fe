"""The whole settings file of each kind of training; the sections are defined beside what they set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

from ser.config import check_ranges
from ser.errors import SerError
from ser.models.coattention import CoAttentionConfig
from ser.models.context import BcLstm, ContextConfig, Icon
from ser.models.fusion import LateFusion
from ser.models.vgg import VggConfig
from ser.models.xvector import XVectorConfig
from ser.training.chunks import DataConfig
from ser.training.clips import ClipConfig
from ser.training.fit_config import FitConfig
from ser.training.losses import LossConfig
from ser.training.sequences import SequenceConfig


@dataclass(frozen=True)
class TrainConfig:
    """A whole ``conf/xvector_*.yaml``."""

    model: XVectorConfig
    data: DataConfig
    loss: LossConfig
    fit: FitConfig


@dataclass(frozen=True)
class VggTrainConfig:
    """A whole ``conf/vgg_bert/vgg.yaml``."""

    model: VggConfig
    data: ClipConfig
    loss: LossConfig
    fit: FitConfig


@dataclass(frozen=True)
class BatchConfig:
    """The section `data:`."""

    batch_size: int  # dialogues; without context, utterances

    def __post_init__(self) -> None:
        check_ranges("data", self, batch_size="[1, inf)")


@dataclass(frozen=True)
class FusionConfig:
    """A whole ``fusion.yaml``.

    Attributes
    ----------
    network : ``late`` takes class probabilities of each utterance by itself; ``bc_lstm`` and ``icon`` take embeddings,
        and hear the dialogue.
    model : sizes of the latter two; null for ``late``, which has none.
    """

    network: Literal["late", "bc_lstm", "icon"]
    model: ContextConfig | None
    data: BatchConfig
    loss: LossConfig
    fit: FitConfig

    @property
    def in_context(self) -> bool:
        """Whether the network hears the dialogue around an utterance."""
        return self.model is not None


def make_network(config: FusionConfig, widths: Mapping[str, int], num_classes: int) -> nn.Module:
    """Make the network that takes vectors of these widths, by name of the modality, to logits of K classes."""
    if config.network == "late":
        return LateFusion(widths, num_classes)
    if config.model is None:
        raise SerError(f"{config.network}: no section `model`, which gives its sizes")
    return (BcLstm if config.network == "bc_lstm" else Icon)(config.model, widths, num_classes)


@dataclass(frozen=True)
class CoAttentionTrainConfig:
    """A whole ``conf/coattention/fusion.yaml``.

    Attributes
    ----------
    encoder_layer : of the net of speech that is trained with the rest; empty where there is none.
    """

    model: CoAttentionConfig
    data: SequenceConfig
    loss: LossConfig
    fit: FitConfig
    encoder_layer: str = ""
