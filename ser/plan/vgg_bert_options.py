"""The options of system D, the checks of their values before anything runs, and the folds that follow from them."""

import re
from dataclasses import dataclass

from ser.errors import SerError
from ser.plan.corpora import check_holds, find, read_corpora
from ser.plan.encoders import Encoder, by_column, check_encoders, read_encoders
from ser.plan.facts import Facts
from ser.plan.options import RunOptions, check_run, check_words
from ser.plan.roles import in_order

LAST_STAGE = 7
MODALITIES = ("speech", "text", "speech+text")
PROTOCOLS = ("folds", "random")
YARDSTICKS = ("bc_lstm", "icon")
COPIES = ("white", "pitch", "stretch", "shift")
# The paper's random split of the utterances: its name as a fold; the shares of training, validation and test part.
RANDOM, RANDOM_SHARES = "random", (0.7, 0.2, 0.1)
# The fusion that is trained on out-of-fold probabilities: from models that were not trained on the speaker.
OUT_OF_FOLD = "fusion_out_of_fold"
# The speech model with --encoder: a linear layer on the embeddings of a published encoder.
ENCODER = "encoder"
# Modality -> its model, and the number of the stage that trains it.
MODELS = {"speech": ("vgg", 2), "text": ("bert", 3)}


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The options of local/run_vgg_bert.sh that other drivers do not have; its --help explains them."""

    test: str
    protocols: tuple[str, ...]
    split_seed: int
    copies: tuple[str, ...]
    modalities: tuple[str, ...]
    yardsticks: tuple[str, ...]
    yardstick_modalities: tuple[str, ...]
    soft_targets: bool
    label_map: str
    text_model: str
    encoder: str
    row_mark: str
    inner_folds: int

    def inner(self, fold: str) -> tuple[str, ...]:
        """Return the names of the inner folds of a fold: parts of its training speakers, each held out once."""
        return tuple(f"{fold}.{part}" for part in range(1, self.inner_folds + 1))

    def uses(self, modality: str) -> bool:
        """Whether models of speech or text (`modality`) are trained, alone or for the fusion."""
        return any(modality in name for name in self.modalities)

    @property
    def models(self) -> dict[str, tuple[str, int]]:
        """Modality -> its model, and the number of the stage that trains it."""
        return {**MODELS, "speech": (ENCODER, 2)} if self.encoder else MODELS

    @property
    def published(self) -> tuple[str, Encoder, str]:
        """The encoder that replaces the CNN: value of the results' column `layer`, the encoder, its layer."""
        ((column, (encoder, layer)),) = by_column(read_encoders([self.encoder])).items()
        return column, encoder, layer

    @property
    def heard(self) -> tuple[str, ...]:
        """The modalities of the dialogue models: those given, else all, but in a toy run only the last one."""
        return self.yardstick_modalities or (self.modalities[-1:] if self.toy else self.modalities)

    def settings(self, model: str) -> str:
        """Path of the YAML file of settings of a model."""
        return f"{self.conf}/{model}.yaml"


def check(options: Options) -> list[str]:
    """Refuse settings that would otherwise fail only hours later; return warnings (there are none)."""
    known = read_corpora()
    texts = ["text"] * options.uses("text")
    check_holds("test", [options.test], ["speech", *texts, "emotion"], known)
    check_words("protocols", options.protocols, PROTOCOLS)
    check_words("modalities", options.modalities, MODALITIES)
    check_words("yardstick-modalities", options.heard, options.modalities)
    check_words("yardsticks", options.yardsticks, YARDSTICKS)
    check_words("copies", options.copies, COPIES)
    if options.encoder:
        check_encoders([options.encoder])
        if len(by_column(read_encoders([options.encoder]))) > 1:
            raise SerError(f"--encoder: '{options.encoder}': expected one layer, as in <name>=<folder>:<layer>")
    if not re.fullmatch(r"[A-Za-z0-9.-]*", options.row_mark):
        raise SerError(f"--row-mark: '{options.row_mark}': expected letters, digits, '.' and '-'")
    if options.yardsticks and "dialogues" not in find(options.test, known).holds:
        asked = " ".join(options.yardsticks)
        raise SerError(f"--yardsticks: {options.test} has no dialogues, which '{asked}' need; give --yardsticks \"\"")
    if not (options.protocols and options.modalities):
        raise SerError("--protocols and --modalities: name one or more of each")
    if options.inner_folds and (options.inner_folds < 2 or not options.uses("+")):
        raise SerError(
            f"--inner-folds {options.inner_folds}: expected 2 or more, with a fusion in --modalities, or 0 for none"
        )
    models = [model for modality, (model, _) in options.models.items() if options.uses(modality)]
    models += ["fusion"] * options.uses("+") + list(options.yardsticks)
    check_run(options, LAST_STAGE, [options.label_map, *map(options.settings, ("logmel", *models))])
    return []


def folds_of(options: Options, facts: Facts) -> list[str]:
    """List the folds for which models are trained: the folds of the corpus and, as one more, the random split."""
    folds = in_order(facts.folds) if "folds" in options.protocols else []
    if "folds" in options.protocols and len(folds) < 3:
        raise SerError(
            f"--protocols folds: {options.test} has {len(folds)} folds here, but at least three are needed, for test,"
            " validation and training"
        )
    return [*folds, *[RANDOM] * ("random" in options.protocols)]
