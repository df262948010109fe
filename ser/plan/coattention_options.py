"""The options of system C and the checks of their values."""

from dataclasses import dataclass
from pathlib import Path

from ser.config import read_yaml
from ser.encoders import onnx_net
from ser.errors import SerError
from ser.plan.corpora import check_holds, read_corpora
from ser.plan.encoders import Encoder, check_encoders, read_encoders
from ser.plan.options import RunOptions, check_run, check_words
from ser.plan.roles import distinct
from ser.text.model_folder import model_name

SYSTEM = "coattention"
LAST_STAGE = 7
# Audio encoder -> the layer whose states are used, and the front end that makes its patches.
ENCODERS = {"vggish": ("fc1", "vggish"), "yamnet": ("10", "yamnet"), "triplet": ("final", "yamnet")}
LOSSES = {"bce": "binary", "ce": "cross_entropy"}
VARIANTS = ("fixed", "tuned")
# Name of the only fold of a corpus that is published with a training, a validation and a test part.
ALL = "all"
# Name of the random split, of its rows and of its parts.
RANDOM = "random"
# Options that name corpora of --tests, for which further rows are made.
EXTRA_ROWS = ("unseen", "random")


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The options of local/run_coattention.sh that other drivers do not have; its --help explains them."""

    tests: tuple[str, ...]
    together: tuple[str, ...]
    speech_only: tuple[str, ...]
    text_only: tuple[str, ...]
    unseen: tuple[str, ...]
    random: tuple[str, ...]
    triplet_train: str
    text_train: str
    encoders: tuple[str, ...]
    published: tuple[str, ...]
    variants: tuple[str, ...]
    fusion_encoder: str
    losses: tuple[str, ...]
    vggish: str
    yamnet: str
    triplet: str
    text_model: str
    text_settings: str
    fold_groups: int
    label_map: str
    text_map: str

    @property
    def test(self) -> str:
        """The first corpus that is scored."""
        return self.scored[0]

    def settings(self, name: str) -> str:
        """Path of the YAML file of settings `name`."""
        return f"{self.conf}/{name}.yaml"

    @property
    def builds_text_model(self) -> bool:
        """Whether the run builds its own text model: in a toy run, a tiny T5 that needs no download."""
        return self.toy and not self.text_model

    @property
    def text_start(self) -> str:
        """The text model before its fine-tuning: the user's, or the one that the run builds, or the settings'."""
        if self.builds_text_model:
            return str(self.layout.exp / "t5_init")
        return self.text_model or self.settings_text_model

    @property
    def settings_text_model(self) -> str:
        """The text model that the settings of its fine-tuning name."""
        path = self.settings(self.text_settings)
        if not (name := read_yaml(path).get("text_model")):
            raise SerError(f"{path}: missing key 'text_model'; add it, or give --text-model")
        return str(name)

    @property
    def text_layer(self) -> str:
        """Value of the column `layer` for the text: what the text model is, so that no row names another one."""
        return "t5" if self.builds_text_model else model_name(self.text_start)

    @property
    def has_text(self) -> bool:
        """Whether any row reads text."""
        return bool(set(self.scored) - set(self.speech_only))

    @property
    def trains_text(self) -> bool:
        """Whether the text model is fine-tuned; for rows of speech alone it is not."""
        return self.has_text and bool(self.text_train)

    @property
    def others(self) -> dict[str, Encoder]:
        """The audio encoders of --published, by name."""
        return {one.name: one for one in read_encoders(self.published)}

    @property
    def nets(self) -> tuple[str, ...]:
        """All audio nets: those of --encoders, then those of --published."""
        return (*self.encoders, *self.others)

    def layer(self, net: str) -> str:
        """Name of the layer of an audio net whose states are used."""
        return ENCODERS[net][0] if net in ENCODERS else self.others[net].layers[0]

    @property
    def tuned(self) -> tuple[str, ...]:
        """The audio nets that have a row `tuned`: all, except ONNX nets, which cannot be trained."""
        return tuple(name for name in self.encoders if "tuned" in self.variants and not is_onnx(self, name))

    @property
    def scored(self) -> tuple[str, ...]:
        """All corpora that are scored."""
        return distinct((*self.tests, *self.together, *self.speech_only, *self.text_only))


def has_patches(source: str) -> bool:
    """Whether the states of the encoder in a folder are one for each patch; else they are one for each frame."""
    path = Path(source) / onnx_net.CONFIG
    if not path.is_file():
        return False
    data = read_yaml(path)
    if data.get("kind") == onnx_net.KIND:
        return onnx_net.read_config(Path(source)).input == "patches"
    return data.get("kind") in ("yamnet", "vggish") or data.get("network") in ("yamnet", "resnet")


def is_onnx(options: Options, encoder: str) -> bool:
    """Whether the user gave the folder of an imported ONNX net as this audio net."""
    folder = getattr(options, encoder)
    return bool(folder) and onnx_net.is_onnx(Path(folder))


def check(options: Options) -> list[str]:
    """Refuse settings that would otherwise fail only hours later; return warnings."""
    known = read_corpora()
    if not options.scored:
        raise SerError("--tests, --speech-only, --text-only: all are empty; name at least one corpus")
    check_holds("tests", options.tests, ["speech", "text", "emotion"], known)
    check_holds("together", options.together, ["speech", "text", "emotion"], known)
    check_holds("speech-only", options.speech_only, ["speech", "emotion"], known)
    check_holds("text-only", options.text_only, ["text", "emotion"], known)
    check_words("unseen", options.unseen, known)
    check_words("random", options.random, known)
    check_words("encoders", options.encoders, ENCODERS)
    check_words("variants", options.variants, VARIANTS)
    check_words("losses", options.losses, LOSSES)
    if not options.losses:
        raise SerError(f"--losses: name one or more of {', '.join(LOSSES)}")
    check_encoders(options.published, "published")
    for one in options.others.values():
        if one.name in ENCODERS or len(one.layers) > 1:
            raise SerError(f"--published {one.name}: give one layer, and a name other than {', '.join(ENCODERS)}")
    check_words("fusion-encoder", [options.fusion_encoder], options.nets)
    for name in options.encoders:
        if name != "triplet" and not options.toy and not getattr(options, name):
            raise SerError(f"--{name}: give the folder that import_audio_net wrote, or leave it out of --encoders")
    if options.text_train and options.text_train != "goemotions":
        raise SerError(f"--text-train: expected goemotions or nothing, found '{options.text_train}'")
    if len(options.together) == 1:
        raise SerError("--together: name two corpora or more, or none")
    names = ["fusion", *(["triplet"] if "triplet" in options.encoders and not options.triplet else [])]
    names += [options.text_settings] * bool(options.has_text and (options.text_train or not options.text_model))
    names += [f"tune_{name}" for name in options.tuned]
    check_run(options, LAST_STAGE, [options.label_map, options.text_map, *map(options.settings, names)])
    if options.has_text and not options.builds_text_model:
        model_name(options.text_start)
    fixed = [name for name in options.encoders if is_onnx(options, name)]
    for name in fixed:
        folder = Path(getattr(options, name))
        if onnx_net.read_config(folder).input != "patches":
            raise SerError(f"--{name} {folder}: takes waveforms, but system C needs a row of states for each patch; "
                           "import a net of patches (import_audio_net --input patches)")  # fmt: skip
    others = {name: [word for word in getattr(options, name) if word not in options.tests] for name in EXTRA_ROWS}
    warnings = [f"--{name}: no row tuned, since ONNX nets cannot be trained" for name in fixed]
    warnings = warnings * ("tuned" in options.variants) + _of_unfreezing(options)
    return warnings + [
        f"--{name}: no such rows of {' '.join(words)}, which --tests lacks" for name, words in others.items() if words
    ]


def _of_unfreezing(options: Options) -> list[str]:
    """Warn of a text model whose layers the settings may not know; only the training, in stage 4, sees them."""
    path = options.settings(options.text_settings)
    if not options.trains_text or not options.text_model or not read_yaml(path)["fit"].get("unfreezing"):
        return []
    if Path(options.text_model).name == Path(options.settings_text_model).name:
        return []
    return [
        f"--text-model {options.text_model}: {path} unfreezes the layers of {options.settings_text_model}; if this "
        "model has others, stage 4 stops: then give settings for it as --text-settings, such as goemotions_bert"
    ]
