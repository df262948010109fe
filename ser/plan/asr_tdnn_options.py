"""The options of system B (local/run_asr_tdnn.sh) and the checks of their values before anything runs."""

from dataclasses import dataclass
from pathlib import Path

from ser.backend.speaker_normalisation import SpeakerNormalisation
from ser.errors import SerError
from ser.features.mfcc import MfccOptions
from ser.features.pooling import STATISTICS
from ser.kaldi.options import read_options
from ser.plan.corpora import check_holds, read_corpora
from ser.plan.facts import Facts
from ser.plan.options import RunOptions, check_run, check_words
from ser.plan.roles import distinct
from ser.plan.sizes import Size, of_data_dir

SYSTEM = "asr_tdnn"
LAST_STAGE = 8
# Variants of the classifiers' input. From a net: a trained one, one with random weights, a trained one with i-vectors
# of zeros. Without a net: the i-vectors, and the MFCC, as frames and as their mean and standard deviation.
PRETRAINED, RANDOM, NO_IVECTOR, IVECTOR_ONLY, MFCC = VARIANTS = (
    "pretrained", "random", "no_ivector", "ivector_only", "mfcc"
)  # fmt: skip
FRAME_OFFSETS = range(3)  # the nets compute every third frame
# Histories of the i-vectors. Each but the first of --ivector-history is a further variant, pretrained_by_<history>.
HISTORIES = ("utterance", "dialogue", "speaker")
BY = PRETRAINED + "_by_"
# In place of a speech corpus: Kaldi data dirs, which --train-part and --test-part name.
DATA_DIR = "data_dir"
SECONDS = 8.0  # of an utterance there, where no utt2num_frames tells
# Speech corpus -> its training part and its test part (for word errors).
PARTS = {
    "tedlium": ("train", "test"),
    "librispeech": ("train-clean-5", "dev-clean-2"),
    "speechocean762": ("train", "test"),
    DATA_DIR: ("", ""),
}


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The options of local/run_asr_tdnn.sh that other drivers do not have; its --help explains them."""

    speech: str
    train_part: str
    test_part: str
    test_speakers: str
    lexicon: str
    lm_text: str
    arpa: str
    asr_model: str
    extractor: str
    mfcc_config: str
    speeds: tuple[str, ...]
    test: str
    label_map: str
    layers: tuple[str, ...]
    variants: tuple[str, ...]
    statistics: tuple[str, ...]
    backend_config: str
    speaker_normalisation: str
    ivector_history: tuple[str, ...]
    frame_offset: int
    processes: int
    decode: bool
    word_loop: bool
    max_wer: str
    max_active: int
    lm_weight: float
    word_penalty: float
    vote: str

    @property
    def trains(self) -> bool:
        """Whether this run trains a recogniser; false if it was given one."""
        return not self.asr_model

    @property
    def speaker_normalisations(self) -> tuple[str, ...]:
        """Speaker normalisations of the back end, each with a row of the table; empty: that of its settings."""
        return distinct(word.strip() for word in self.speaker_normalisation.split(","))

    @property
    def histories(self) -> dict[str, str]:
        """The further variants by their i-vectors' history: name of the variant -> history."""
        return {BY + history: history for history in self.ivector_history[1:]}

    @property
    def pooled(self) -> tuple[str, ...]:
        """The statistics of the utterance vectors that the back end scores; a toy run has only one, to save time."""
        return self.statistics[-1:] if self.toy else self.statistics

    def settings(self, name: str) -> str:
        """Path of the YAML file of settings of a model."""
        return f"{self.conf}/{name}.yaml"


def check(options: Options) -> list[str]:
    """Refuse settings that would otherwise fail only hours later; return warnings."""
    known = read_corpora()
    check_holds("test", [options.test], ["speech", "emotion"], known)
    check_words("variants", options.variants, VARIANTS)
    check_words("statistics", options.statistics, STATISTICS)
    for words in filter(None, options.speaker_normalisations):
        SpeakerNormalisation.parse(words)
    check_words("ivector-history", options.ivector_history, HISTORIES)
    if not options.ivector_history:
        raise SerError("--ivector-history: name one or more of utterance, dialogue and speaker")
    check_words("vote", [options.vote], ("sum", "log"))
    if options.frame_offset not in FRAME_OFFSETS:
        raise SerError(f"--frame-offset {options.frame_offset}: expected 0, 1 or 2")
    if options.processes < 1:
        raise SerError(f"--processes: expected a number from 1, found '{options.processes}'")
    if options.lm_weight <= 0:
        raise SerError(f"--lm-weight {options.lm_weight:g}: expected more than 0")
    if not options.layers or PRETRAINED not in options.variants:
        raise SerError("--layers: name one or more layers; --variants: include pretrained")
    if "dialogue" in options.ivector_history and "dialogues" not in known[options.test].holds:
        raise SerError(f"--ivector-history dialogue: {options.test} has no dialogues; leave dialogue out")
    files = [options.label_map, options.mfcc_config, options.backend_config, options.settings("frames")]
    if options.trains:
        check_words("speech", [options.speech], PARTS)
        if options.speech == DATA_DIR:
            files += _files_of_data_dirs(options)
        else:
            check_holds("speech", [options.speech], ["speech", "text"], known)
        files += [options.settings("ivector"), options.settings("tdnnf")]
    else:
        files += [f"{options.asr_model}/config.yaml"]
        if RANDOM in options.variants:
            raise SerError("--variants random: not possible with an imported net (--asr-model); leave out random")
        if options.extractor:
            files.append(f"{options.extractor}/online.conf")
        elif {NO_IVECTOR, IVECTOR_ONLY} & set(options.variants):
            raise SerError("--variants no_ivector and ivector_only need i-vectors; give --extractor or leave them out")
        elif options.histories:
            raise SerError("--ivector-history: a second history needs i-vectors; give --extractor or leave it out")
    if bool(options.extractor) and options.trains:
        raise SerError(
            "--extractor needs --asr-model too; without it, the run trains a recogniser and its own extractor"
        )
    check_run(options, LAST_STAGE, files)
    mfcc = read_options(MfccOptions, options.mfcc_config)
    if not options.trains and ((mfcc.num_ceps, mfcc.num_mel_bins) != (40, 40) or mfcc.use_energy):
        return [
            f"{options.mfcc_config}: {mfcc.num_ceps} MFCC of {mfcc.num_mel_bins} bins, "
            f"use-energy={str(mfcc.use_energy).lower()}; published chain models take 40 MFCC of 40 bins without the "
            "energy: give --mfcc-config the model's own conf/mfcc_hires.conf"
        ]
    if options.trains and not options.decode:
        return ["--decode false: word errors are not measured, and --max-wer cannot stop a net that recognises nothing"]
    return []


def _files_of_data_dirs(options: Options) -> list[str]:
    """Return what must be there of the user's own data dirs; SerError if an option that they need is not given."""
    named = {"train-part": options.train_part, "lexicon": options.lexicon}
    if not options.test_speakers:
        named["test-part"] = options.test_part
    if missing := [name for name, value in named.items() if not value]:
        raise SerError(
            f"--speech {DATA_DIR}: no --{missing[0]}; give the data dir of training as --train-part, that of the word "
            "errors as --test-part (or --test-speakers), and --lexicon"
        )
    folders = [value for name, value in named.items() if name != "lexicon"]
    tables = [f"{folder}/{table}" for folder in folders for table in ("wav.scp", "utt2spk", "text")]
    return [*tables, options.lexicon, *[options.test_speakers] * bool(options.test_speakers)]


def corpora(options: Options) -> tuple[str, ...]:
    """Return all corpora that stage 0 prepares."""
    return (options.test, *[options.speech] * (options.trains and options.speech != DATA_DIR))


def speech_size(options: Options, facts: Facts) -> Size:
    """Return the size of the speech that the recogniser learns from, 0 where none is trained."""
    if options.trains and options.speech == DATA_DIR:
        return of_data_dir(Path(options.train_part), SECONDS)
    nothing = Size(0, 0.0, 1, "not found", False)
    return facts.sizes.get(options.speech, nothing) if options.trains else nothing
