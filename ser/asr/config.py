"""The settings of conf/asr_tdnn/tdnnf.yaml."""

from dataclasses import dataclass

from ser.asr.chain_loss import ChainLossConfig
from ser.asr.context import ContextConfig
from ser.asr.phone_lm import PhoneLmConfig
from ser.asr.transcripts import SilenceConfig
from ser.models.asr_tdnn import AsrTdnnConfig
from ser.training.fit_config import FitConfig


@dataclass(frozen=True)
class AsrDataConfig:
    """The section `data:`: which utterances are trained on, and how they are batched."""

    batch_size: int  # utterances of similar length a batch; with max_seconds this bounds the memory
    max_seconds: float  # longer utterances are left out
    flat_start_epochs: (
        int  # first epochs, in which phones stay near an equal division of the speech (ser.asr.flat_start)
    )
    flat_start_tolerance: float  # share of the speech that a phone may be off
    valid_utterances: int  # drawn from the training data; their copies do not train
    max_left_out: float  # share of the utterances above which training fails


@dataclass(frozen=True)
class AsrConfig:
    """All of conf/asr_tdnn/tdnnf.yaml."""

    model: AsrTdnnConfig
    units: ContextConfig
    phone_lm: PhoneLmConfig
    silence: SilenceConfig
    data: AsrDataConfig
    loss: ChainLossConfig
    fit: FitConfig
