"""The options of system A and the checks of their values before anything runs."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ser.backend.speaker_normalisation import SpeakerNormalisation
from ser.config import read_yaml
from ser.corpora.label_map import read_label_map
from ser.errors import SerError
from ser.plan.corpora import check_holds, holding, read_corpora
from ser.plan.encoders import Encoder, by_column, check_encoders, read_encoders
from ser.plan.options import RunOptions, check_hold_out, check_run, check_words
from ser.plan.roles import NONE, Roles, distinct

LAST_STAGE = 9
MODALITIES = ("speech", "text", "speech+text")
NOISES = ("reverb", "noise", "music", "babble")
LAYERS = ("tdnn6", "tdnn7", "tdnn8", "tdnn9")


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The options of run.sh that other drivers do not have; ``./run.sh --help`` explains them.

    The driver has already put the corpus of --only (`only`) into the roles.
    """

    processes: int
    compress: bool
    pretrain: tuple[str, ...]
    finetune: tuple[str, ...]
    backend: tuple[str, ...]
    text_train: tuple[str, ...]
    test: str
    only: str
    drawn_text: tuple[str, ...]
    text_condition: str
    augment: tuple[str, ...]
    finetune_noise: bool
    finetune_speeds: tuple[str, ...]
    pretrain_config: str
    finetune_config: str
    label_map: str
    unseen: tuple[str, ...]
    ties: str
    same_trials: bool | None
    modalities: tuple[str, ...]
    layers: str
    encoders: tuple[str, ...]
    text_model: str
    pooling: str
    backend_config: str
    lda_dim: int | None
    hold_out_speakers: float
    speaker_normalisation: str
    speaker_cmvn: bool

    @cached_property
    def scored(self) -> tuple[str, ...]:
        """The modalities that are scored; with --text-condition none, text alone is not."""
        return tuple(word for word in self.modalities if word != "text" or self.text_condition != NONE)

    @property
    def uses_speech(self) -> bool:
        """Whether speech is scored."""
        return any("speech" in modality for modality in self.scored)

    @property
    def uses_net(self) -> bool:
        """Whether an x-vector net is trained."""
        return self.uses_speech and bool(self.layer_names)

    @property
    def uses_text(self) -> bool:
        """Whether a text model is trained."""
        return any("text" in modality for modality in self.scored)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers of the net whose embeddings are scored."""
        return tuple(filter(None, self.layers.split(",")))

    @property
    def frozen_layers(self) -> dict[str, tuple[Encoder, str]]:
        """The layers of published encoders, by their names in the results: each one's encoder and layer."""
        return by_column(read_encoders(self.encoders)) if self.uses_speech else {}

    @property
    def pretrain_settings(self) -> str:
        """Path of the YAML file of settings of the pretraining."""
        return f"{self.conf}/{self.pretrain_config}.yaml"

    @property
    def finetune_settings(self) -> str:
        """Path of the YAML file of settings of the fine-tuning."""
        return f"{self.conf}/{self.finetune_config}.yaml"

    @property
    def speaker_normalisations(self) -> tuple[str, ...]:
        """The speaker normalisations that are scored; one empty word: that of the settings of the back end."""
        return distinct(word.strip() for word in self.speaker_normalisation.split(","))

    @property
    def text_name(self) -> str:
        """Name of the text condition in the results."""
        return Path(self.text_condition).name

    def roles(self, folds: tuple[str, ...] = ()) -> Roles:
        """Return the corpora of each role.

        The roles of a modality that is not scored are empty. In a toy run, corpora without a toy version (VoxCeleb2)
        are left out of the pretraining.
        """
        known = read_corpora()
        pretrain = tuple(name for name in self.pretrain if not self.toy or known[name].toy is not None)
        speech = (distinct(pretrain), distinct(self.finetune)) if self.uses_net else ((), ())
        text = distinct(self.text_train) if self.uses_text else ()
        return Roles(*speech, distinct(self.backend), text, self.test, folds)

    @property
    def scores_same_trials(self) -> bool:
        """Whether the run without the scored corpus is also scored fold by fold; in a toy run not by default."""
        return not self.toy if self.same_trials is None else self.same_trials

    def augmented(self) -> tuple[str, ...]:
        """Return the corpora that get noisy copies."""
        roles = self.roles()
        return distinct((*roles.pretrain, *(roles.finetune if self.finetune_noise else ()))) if self.augment else ()

    def speech_corpora(self) -> tuple[str, ...]:
        """Return the corpora whose speech features are made."""
        roles = self.roles()
        return distinct((*roles.pretrain, *roles.finetune, *roles.backend, self.test)) if self.uses_net else ()

    def all_corpora(self) -> tuple[str, ...]:
        """Return all corpora that stage 0 prepares."""
        roles = self.roles()
        noise = holding("noise", read_corpora()) if self.augmented() else ()
        return distinct((*self.speech_corpora(), *roles.backend, self.test, *roles.text_train, *noise))

    def variant(self) -> str:
        """Return the name of the trainings in the results, from their settings' names and the kinds of copies."""
        name = self.finetune_config.removeprefix("xvector_finetune").removeprefix("_") or "all"
        if not self.roles().pretrain:
            name = "scratch" if name == "all" else f"scratch_{name}"
        elif pretrained := self.pretrain_config.removeprefix("xvector_pretrain"):
            name += f"+pretrain{pretrained}"
        name += "+noise" * bool(self.augment and self.finetune_noise) + "+speed" * bool(self.finetune_speeds)
        return name + "+speaker_cmvn" * self.speaker_cmvn


def check(options: Options) -> list[str]:
    """Refuse settings that would otherwise fail only hours later; return warnings."""
    files = [options.backend_config, options.label_map]
    if options.uses_speech and not options.layer_names and not options.encoders:
        raise SerError("--layers and --encoders are both empty; name a layer of the net, or an encoder")
    check_encoders(options.encoders)
    if options.uses_net:
        files += [options.pretrain_settings] * bool(options.pretrain) + [options.finetune_settings]
    if options.uses_text:
        files.append(f"{options.conf}/bert.yaml")
    check_words("modalities", options.modalities, MODALITIES)
    check_words("augment", options.augment, NOISES)
    check_words("layers", options.layer_names, LAYERS)
    for words in filter(None, options.speaker_normalisations):
        SpeakerNormalisation.parse(words)
    check_words("ties", [options.ties], ("drop", "first", "level"))
    check_hold_out(options.hold_out_speakers)
    check_words("pooling", [options.pooling] * bool(options.pooling), ("cls", "mean"))
    check_run(options, LAST_STAGE, files)
    check_words("unseen", options.unseen, sorted(set(read_label_map(options.label_map).values())))
    if options.processes < 1:
        raise SerError(f"--processes: expected a number from 1, found '{options.processes}'")
    if bad := [speed for speed in options.finetune_speeds if not re.fullmatch(r"(?=.*[1-9])\d+\.?\d*", speed)]:
        raise SerError(f"--finetune-speeds: expected factors such as '0.9 1.1', found '{bad[0]}'")
    known = read_corpora()
    speech, text = ["speech"] * options.uses_speech, ["text"] * options.uses_text
    check_holds("test", [options.test], [*speech, *text, "emotion"], known)
    check_holds("pretrain", options.pretrain, ["speech"], known)
    check_holds("finetune", options.finetune, ["speech", "emotion"], known)
    check_holds("backend", options.backend, [*speech, "emotion"], known)
    check_holds("text-train", options.text_train, ["text", "emotion"], known)
    for name in ("finetune",) * options.uses_net + ("backend",) + ("text_train",) * options.uses_text:
        if not getattr(options, name):
            raise SerError(f"--{name.replace('_', '-')}: name one or more corpora")
    if options.uses_net and not options.roles().pretrain:
        settings = read_yaml(options.finetune_settings)
        if frozen := (settings.get("fit") or {}).get("frozen"):
            raise SerError(
                f"{options.finetune_settings}: fit.frozen keeps {', '.join(frozen)} as they begin, and without"
                " --pretrain they begin at random; name a corpus to pretrain on, or other settings by --finetune-config"
            )
    if options.uses_text and options.test in options.drawn_text:
        raise SerError(f"{options.test} is scored and in --drawn-text: the draw uses the labels; take it out")
    return _check_text_condition(options)


def _check_text_condition(options: Options) -> list[str]:
    condition, name = options.text_condition, options.text_name
    if condition in ("gold", "shuffled"):
        return []
    if condition == NONE:
        if not options.scored:
            raise SerError(
                "--text-condition none leaves nothing to score with --modalities text; add speech or speech+text"
            )
        gone = "No rows of text alone: --text-condition none leaves nothing to score"
        return [gone] if "text" in options.modalities else []
    if not (Path(condition).is_file() and Path(condition).stat().st_size):
        raise SerError(f"--text-condition: expected gold, none, shuffled or a file of transcripts, found '{condition}'")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name) or name in ("gold", "none", "shuffled"):
        raise SerError(
            f"--text-condition: the results would call it '{name}'; rename the file to letters, digits and ._- only"
        )
    return []
