"""The settings of a VGG training, as ``conf/vgg_bert/vgg.yaml`` has them."""

from dataclasses import dataclass

from ser.models.vgg import VggConfig
from ser.training.clips import ClipConfig
from ser.training.fit import FitConfig
from ser.training.losses import LossConfig


@dataclass(frozen=True)
class VggTrainConfig:
    """A whole ``conf/vgg_bert/vgg.yaml``."""

    model: VggConfig
    data: ClipConfig
    loss: LossConfig
    fit: FitConfig
