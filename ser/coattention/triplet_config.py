"""The settings of a triplet training (``conf/coattention/triplet.yaml``)."""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from ser.coattention.triplets import TripletLossConfig, TripletNet
from ser.coattention.windows import WindowConfig
from ser.errors import SerError
from ser.models.resnet import Resnet, ResnetConfig
from ser.training.fit_config import FitConfig


@dataclass(frozen=True)
class TripletConfig:
    """The contents of a ``triplet.yaml``.

    Attributes
    ----------
    network : ``yamnet`` (its sizes are Google's) or ``resnet`` (its sizes are in the section `model`).
    model : sizes of the ``resnet``; null for ``yamnet``.
    sphere_dim : dimension of the unit vectors that the loss compares. The layer that makes them is not saved.
    """

    network: Literal["yamnet", "resnet"]
    model: ResnetConfig | None
    sphere_dim: int
    data: WindowConfig
    loss: TripletLossConfig
    fit: FitConfig


def make_triplet_net(config: TripletConfig) -> TripletNet:
    """Make the untrained net.

    Raises
    ------
    SerError
        If the section `model` does not fit the network.
    """
    net: nn.Module
    if config.network == "resnet":
        if config.model is None:
            raise SerError("network: resnet: the section model is null; give channels and blocks")
        net = Resnet(config.model)
        return TripletNet(net, net.embedding_dim, config.sphere_dim)
    from ser.models.yamnet import EMBEDDING_DIM, NUM_CLASSES, ShiftNorm, Yamnet, YamnetConfig

    if config.model is not None:
        raise SerError("network: yamnet: its sizes are fixed; set model to null")
    net = Yamnet(YamnetConfig(batch_norm=True, num_classes=NUM_CLASSES))
    for module in net.modules():
        if isinstance(module, ShiftNorm):
            # Statistics that begin at 0 and 1 must reach those of the data within an epoch: validation uses them.
            module.momentum = 0.1
    return TripletNet(net, EMBEDDING_DIM, config.sphere_dim)
