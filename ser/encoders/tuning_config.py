"""The settings of a fine-tuning (``conf/audio_encoder.yaml``)."""

from dataclasses import dataclass

from ser.encoders.tuning import GradualConfig, TuningConfig
from ser.encoders.wave_batches import WaveConfig
from ser.training.fit_config import FitConfig
from ser.training.losses import LossConfig


@dataclass(frozen=True)
class AudioEncoderConfig:
    """The contents of ``conf/audio_encoder.yaml``."""

    encoder: str  # name on the Hub, or folder
    model: TuningConfig
    gradual: GradualConfig | None
    data: WaveConfig
    loss: LossConfig
    fit: FitConfig
