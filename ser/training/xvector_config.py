"""The settings of an x-vector training, as ``conf/xvector_*.yaml`` has them."""

from dataclasses import dataclass

from ser.models.xvector import XVectorConfig
from ser.training.dataset import DataConfig
from ser.training.fit import FitConfig
from ser.training.losses import LossConfig


@dataclass(frozen=True)
class TrainConfig:
    """A whole ``conf/xvector_*.yaml``."""

    model: XVectorConfig
    data: DataConfig
    loss: LossConfig
    fit: FitConfig
