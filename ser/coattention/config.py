"""The settings of a co-attention training (``conf/coattention/fusion.yaml``)."""

from dataclasses import dataclass

from ser.coattention.sequences import SequenceConfig
from ser.models.coattention import CoAttentionConfig
from ser.training.fit_config import FitConfig
from ser.training.losses import LossConfig


@dataclass(frozen=True)
class CoAttentionTrainConfig:
    """The contents of ``conf/coattention/fusion.yaml``.

    Attributes
    ----------
    encoder_layer : output layer of the audio encoder that is fine-tuned with the co-attention; empty: none is.
    """

    model: CoAttentionConfig
    data: SequenceConfig
    loss: LossConfig
    fit: FitConfig
    encoder_layer: str = ""
