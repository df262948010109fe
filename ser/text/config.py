"""The settings of conf/bert.yaml."""

import dataclasses

from ser.config import check_ranges
from ser.text.bert import Pooling
from ser.text.wordpiece import ScratchConfig
from ser.training.fit import FitConfig
from ser.training.losses import LossConfig


@dataclasses.dataclass(frozen=True)
class TextModelConfig:
    """The section `model:`, of `ser.text.bert.TextClassifier`.

    Attributes
    ----------
    pooling : a text's vector: ``cls``, the first token's hidden state, or ``mean``, the mean over the tokens.
    dropout : probability, on the pooled vector.
    """

    pooling: Pooling
    dropout: float

    def __post_init__(self) -> None:
        check_ranges("model", self, dropout="[0, 1)")


@dataclasses.dataclass(frozen=True)
class TextDataConfig:
    """The section `data:`: how texts become batches.

    Attributes
    ----------
    max_tokens : longer texts are cut; special tokens count.
    batch_size : largest number of texts per batch.
    valid_fraction : share of the dialogues (or texts) held out for validation, if neither the corpus nor the command
        names a validation set.
    """

    max_tokens: int
    batch_size: int
    valid_fraction: float

    def __post_init__(self) -> None:
        # At least two special tokens and one of the text.
        check_ranges("data", self, max_tokens="[3, inf)", batch_size="[1, inf)", valid_fraction="[0, 1)")


@dataclasses.dataclass(frozen=True)
class TextConfig:
    """The contents of conf/bert.yaml.

    Attributes
    ----------
    text_model : initial encoder: a name on the Hugging Face Hub, or a folder.
    scratch : size of the encoder that `build_toy_bert` makes; null for a pretrained one.
    """

    text_model: str
    model: TextModelConfig
    data: TextDataConfig
    loss: LossConfig
    fit: FitConfig
    scratch: ScratchConfig | None
