"""Plan of system B: bottlenecks of a speech recogniser's TDNN-F and frame classifiers of emotion. Options and jobs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ser.config import read_yaml
from ser.errors import SerError
from ser.plan.corpora import check_holds, read_corpora
from ser.plan.facts import Facts
from ser.plan.job import Job, Plan, job
from ser.plan.options import RunOptions, check_run, check_words
from ser.plan.roles import in_order

SYSTEM = "asr_tdnn"
LAST_STAGE = 8
# Variants of the net that gives the bottlenecks: trained, with random weights, trained but fed i-vectors of zeros.
PRETRAINED, RANDOM, NO_IVECTOR, IVECTOR_ONLY = VARIANTS = ("pretrained", "random", "no_ivector", "ivector_only")
HISTORIES = ("utterance", "dialogue", "speaker")
# Speech corpus -> its training part and its test part (for word errors); and its lexicon file.
PARTS = {
    "tedlium": ("train", "test"),
    "librispeech": ("train-clean-5", "dev-clean-2"),
    "speechocean762": ("train", "test"),
}
LEXICONS = {
    "tedlium": "TEDLIUM.152k.dic",
    "librispeech": "librispeech-lexicon.txt",
    "speechocean762": "resource/lexicon.txt",
}
# As in Kaldi's training, speakers are cut into pairs of utterances for the i-vectors, so that the net also learns from
# i-vectors of short histories.
TRAINING_HISTORY = "2"
KINDS = {
    "prepare": 0, "prepare_speech": 0, "classes": 1, "mfcc": 1, "copies": 1, "fold_parts": 1, "audit": 1,
    "extractor": 2, "ivectors": 2, "lang": 3, "asr": 4, "random_net": 4, "outputs": 5, "decode": 5,
    "bottlenecks": 6, "frames": 7, "cells": 8, "card": 8,
}  # fmt: skip


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
    ivector_history: str
    decode: bool
    max_wer: str
    max_active: int
    vote: str

    @property
    def trains(self) -> bool:
        """Whether this run trains the recogniser instead of being given one."""
        return not self.asr_model

    def settings(self, name: str) -> str:
        """Path of the YAML file of settings of a model."""
        return f"{self.conf}/{name}.yaml"


def check(options: Options) -> list[str]:
    """Refuse settings that would otherwise fail only hours later; return warnings."""
    known = read_corpora()
    check_holds("test", [options.test], ["speech", "emotion"], known)
    check_words("variants", options.variants, VARIANTS)
    check_words("ivector-history", [options.ivector_history], HISTORIES)
    check_words("vote", [options.vote], ("sum", "log"))
    if not options.layers or PRETRAINED not in options.variants:
        raise SerError("--layers: name one or more layers; --variants: include pretrained")
    if options.ivector_history == "dialogue" and "dialogues" not in known[options.test].holds:
        raise SerError(f"--ivector-history dialogue: {options.test} has no dialogues; give utterance or speaker")
    files = [options.label_map, options.mfcc_config, options.settings("frames")]
    if options.trains:
        check_words("speech", [options.speech], PARTS)
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
    if bool(options.extractor) and options.trains:
        raise SerError(
            "--extractor needs --asr-model too; without it, the run trains a recogniser and its own extractor"
        )
    check_run(options, LAST_STAGE, files)
    if options.trains and not options.decode:
        return ["--decode false: word errors are not measured, and --max-wer cannot stop a net that recognises nothing"]
    return []


def corpora(options: Options) -> tuple[str, ...]:
    """Return all corpora that stage 0 prepares."""
    return (options.test, *[options.speech] * options.trains)


def plan(options: Options, facts: Facts) -> Plan:
    """List the jobs of a run."""
    folds = in_order(facts.folds)
    if len(folds) < 3:
        raise SerError(
            f"{options.test} has {len(folds)} folds here, but three are needed: to test, to validate and to train"
        )
    builder = _Builder(options, facts, folds)
    jobs = [*builder.data(), *builder.recogniser(), *builder.emotions()]
    return Plan(KINDS, tuple(sorted(jobs, key=lambda one: one.stage)))


class _Builder:
    """Makes the jobs of one run; one method for each part of the recipe, in the order of the recipe."""

    def __init__(self, options: Options, facts: Facts, folds: list[str]) -> None:
        self.options, self.facts, self.folds, self.at = options, facts, folds, options.layout
        self.labelled = self.at.classes(options.test)
        self.utts = facts.utts([options.test])
        self.speech_utts = facts.utts([options.speech]) if options.trains else 0.0
        self.train, self.heard = (self.at.corpus(f"{options.speech}_{part}") for part in ("train", "test"))
        self.copied = self.at.corpus(f"{options.speech}_train_copies")
        self.extractor = Path(options.extractor) if not options.trains else self.at.exp / "extractor"
        self.model = Path(options.asr_model) if not options.trains else self.at.exp / "asr"
        self.has_ivectors = options.trains or bool(options.extractor)

    def data(self) -> Iterator[Job]:
        at, options, labelled = self.at, self.options, self.labelled
        folder, corpus = options.folder(options.test), at.corpus(options.test)
        words = [f"local/prepare_{options.test}.sh", folder, corpus]
        yield job(0, "prepare", options.test, words, [folder], [corpus], self.utts)
        yield job(1, "classes", options.test, [corpus, labelled], [corpus], [labelled], self.utts)
        yield job(1, "mfcc", options.test, [labelled], [labelled], [labelled / "feats.scp"], self.utts)
        for fold in self.folds:
            test, rest = at.test(fold), at.role("rest", fold)
            yield job(1, "fold_parts", fold, [fold, labelled, test, rest], [labelled], [test, rest], self.utts)
            words = ["--corpora", labelled, "--out", at.audit(fold), test, f"train={rest}"]
            yield job(1, "audit", fold, words, [test, rest], [at.audit(fold)])
        if not options.trains:
            return
        folder = options.folder(options.speech)
        parts = PARTS[options.speech]
        for data, part, own in zip(
            (self.train, self.heard), parts, (options.train_part, options.test_part), strict=True
        ):
            if options.test_speakers and data == self.heard:
                continue  # stage 0 takes these speakers out of the training part
            others = [self.heard] if options.test_speakers else []
            words = [options.speech, own or part, folder, data, *others]
            made = [data, *others]
            yield job(0, "prepare_speech", data.name, words, [folder], made, self.speech_utts)
        for data in (self.train, self.heard):
            yield job(1, "mfcc", data.name, [data], [data], [data / "feats.scp"], self.speech_utts)
        size = (1 + len(options.speeds)) * self.speech_utts
        yield job(1, "copies", self.copied.name, [self.train, self.copied], [self.train], [self.copied], size)

    def _ivectors(self, name: str) -> Path:
        return self.at.exp / f"ivectors_{name}" / "ivector_online.scp"

    def recogniser(self) -> Iterator[Job]:
        options, at = self.options, self.at
        words: list[object]
        if self.has_ivectors:
            if options.trains:
                words = [self.copied, self.extractor]
                yield job(2, "extractor", "extractor", words, [self.copied], [self.extractor])
            tables = [(options.test, self.labelled, options.ivector_history)]
            if options.trains:
                tables += [("train", self.copied, TRAINING_HISTORY), ("test", self.heard, "speaker")]
            for name, data, history in tables:
                scp = self._ivectors(name)
                words = [history, self.extractor, data, scp.parent]
                yield job(2, "ivectors", name, words, [data, self.extractor], [scp], self.utts)
        if not options.trains:
            return
        lang = at.corpus("lang")
        yield job(3, "lang", "lang", [self.train, lang], [self.train], [lang], self.speech_utts)
        inputs = [self.copied, lang, self._ivectors("train")]
        words = [*options.seed_override(), "--ivectors", self._ivectors("train"), self.copied, lang]
        size = (1 + len(options.speeds)) * self.speech_utts
        yield job(4, "asr", "asr", [*words, self.model], inputs, [self.model], size)
        if RANDOM in options.variants:
            random = at.exp / "asr_random"
            yield job(4, "random_net", "random", ["--untrained", "true", *words, random], inputs, [random])
        if options.decode:
            for model in [self.model, *[at.exp / "asr_random"] * (RANDOM in options.variants)]:
                out = model / "decode" / "output"
                words = [f"--online-ivectors=scp:{self._ivectors('test')}", model, f"scp:{self.heard}/feats.scp"]
                yield job(5, "outputs", model.name, [*words, f"ark,scp:{out}.ark,{out}.scp"], [model], [f"{out}.scp"])
                gate = ["--max-wer", options.max_wer] if options.max_wer and model == self.model else []
                words = [*gate, "--lang", lang, model, self.heard, f"scp:{out}.scp", out.parent]
                yield job(5, "decode", model.name, words, [f"{out}.scp", lang], [out.parent / "wer"])

    def emotions(self) -> Iterator[Job]:
        options, at = self.options, self.at
        trained = []
        for variant in options.variants:
            tables = {"ivector": self._ivectors(options.test)}
            if variant != IVECTOR_ONLY:
                model, out = (
                    at.exp / "asr_random" if variant == RANDOM else self.model,
                    at.exp / "bottlenecks" / variant,
                )
                tables = {layer: out / "frames" / f"{layer}.scp" for layer in options.layers}
                ivectors = "zero" if variant == NO_IVECTOR else self._ivectors(options.test)
                given = [f"--ivectors={ivectors if self.has_ivectors else ''}"]
                words = [f"--layers={','.join(options.layers)}", *given, model, self.labelled, out]
                yield job(6, "bottlenecks", variant, words, [model, self.labelled], tables.values(), self.utts)
            for layer, scp in tables.items():
                folder = at.exp / "frames" / f"{variant}_{layer}"
                words = [*options.seed_override(), self.labelled, scp, folder]
                yield job(7, "frames", folder.name, words, [scp, self.labelled], [folder], self.utts)
                trained += [f"--trained={variant}:{layer}:{folder}"]
        seed = read_yaml(options.settings("frames"))["fit"]["seed"] if options.seed is None else options.seed
        cells = at.cells
        words = ["--train", options.test, "--test", options.test, "--seed", seed, *trained, self.labelled, cells]
        yield job(8, "cells", "cells", words, [at.exp / "frames"], [cells / "list"])
        words = ["--corpora", at.corpus(options.test), at.exp]
        yield job(8, "card", "card", words, [at.audits], [at.card])
