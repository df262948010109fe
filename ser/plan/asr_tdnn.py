"""Plan of system B: bottleneck features of a speech recogniser's TDNN-F, and emotion classifiers on them. Its jobs."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from ser.config import read_yaml
from ser.errors import SerError
from ser.features.pooling import MEAN_STDDEV
from ser.plan import calls
from ser.plan.asr_tdnn_options import (
    DATA_DIR,
    IVECTOR_ONLY,
    LAST_STAGE,
    MFCC,
    NO_IVECTOR,
    PARTS,
    PRETRAINED,
    RANDOM,
    SYSTEM,
    Options,
    check,
    corpora,
    speech_size,
)
from ser.plan.facts import Facts
from ser.plan.job import Job, Plan, job
from ser.plan.roles import in_order

__all__ = ["KINDS", "LAST_STAGE", "SYSTEM", "Options", "check", "corpora", "plan"]

# The layer of the row of ser.bin.evaluate_frames that is chosen in each fold without its test session.
NESTED = "nested"
# Suffix of a layer's name in the table if its vectors have the standard deviations too.
WITH_DEVIATIONS = "+stddev"
# --max-active for the net with random weights: it finds all paths equally likely, so more only take time.
PATHS_OF_RANDOM = 500
# As in Kaldi's training, speakers are cut into pairs of utterances for the i-vectors, so that the net also learns from
# i-vectors of short histories.
TRAINING_HISTORY = "2"
KINDS = {
    "prepare": 0, "prepare_speech": 0, "classes": 1, "mfcc": 1, "copies": 1, "fold_parts": 1, "audit": 1,
    "extractor": 2, "ivectors": 2, "lang": 3, "asr": 4, "random_net": 4, "outputs": 5, "decode": 5,
    "bottlenecks": 6, "pooled": 6, "frames": 7, "cells": 8, "backends": 8, "card": 8,
    "report": 8, "detector": 8,
}  # fmt: skip


def plan(options: Options, facts: Facts) -> Plan:
    """List the jobs of a run."""
    folds = in_order(facts.folds)
    if len(folds) < 3:
        raise SerError(
            f"{options.test} has {len(folds)} folds here, but three are needed, for test, validation and training"
        )
    builder = _Builder(options, facts, folds)
    jobs = [*builder.data(), *builder.recogniser(), *builder.emotions()]
    return Plan(KINDS, tuple(sorted(jobs, key=lambda one: one.stage)), builder.texts)


class _Builder:
    """Makes the jobs of one run; one method for each part of the recipe, in the order of the recipe."""

    def __init__(self, options: Options, facts: Facts, folds: list[str]) -> None:
        self.options, self.facts, self.folds, self.at = options, facts, folds, options.layout
        self.labelled = self.at.classes(options.test)
        self.utts = facts.utts([options.test])
        self.speech_utts = float(speech_size(options, facts).utts)
        self.train, self.heard = (self.at.corpus(f"{options.speech}_{part}") for part in ("train", "test"))
        self.copied = self.at.corpus(f"{options.speech}_train_copies")
        self.extractor = Path(options.extractor) if not options.trains else self.at.exp / "extractor"
        self.model = Path(options.asr_model) if not options.trains else self.at.exp / "asr"
        self.has_ivectors = options.trains or bool(options.extractor)
        self.texts: dict[str, str] = {}

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
        is_corpus = options.speech != DATA_DIR
        parts = PARTS[options.speech]
        for data, part, own in zip(
            (self.train, self.heard), parts, (options.train_part, options.test_part), strict=True
        ):
            if options.test_speakers and data == self.heard:
                continue  # stage 0 takes these speakers out of the training part
            others = [self.heard] if options.test_speakers else []
            folder = options.folder(options.speech) if is_corpus else own
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
            tables = [(options.test, self.labelled, options.ivector_history[0])]
            tables += [(f"{options.test}_{other}", self.labelled, other) for other in options.histories.values()]
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
                gate: list[object] = ["--max-wer", options.max_wer] if options.max_wer and model == self.model else []
                if model != self.model:
                    gate = ["--max-active", min(options.max_active, PATHS_OF_RANDOM)]
                tail = ["--lang", lang, model, self.heard, f"scp:{out}.scp"]
                yield job(
                    5, "decode", model.name, [*gate, *tail, out.parent], [f"{out}.scp", lang], [out.parent / "wer"]
                )
                if options.word_loop and model == self.model:
                    loop = model / "decode_loop"
                    words = ["--loop", "true", *tail, loop]
                    yield job(5, "decode", f"{model.name}_loop", words, [f"{out}.scp", lang], [loop / "wer"])

    def emotions(self) -> Iterator[Job]:
        options, at = self.options, self.at
        trained, backends = [], []
        seed = read_yaml(options.settings("frames"))["fit"]["seed"] if options.seed is None else options.seed
        for variant in (*options.variants, *options.histories):
            tables = self._frames(variant)
            if variant not in (IVECTOR_ONLY, MFCC):
                yield self._bottlenecks(variant, list(tables.values()))
            wanted = {**dict.fromkeys(options.pooled), **({MEAN_STDDEV: None} if variant == MFCC else {})}
            pooled = at.exp / "pooled" / variant
            vectors = {
                layer + WITH_DEVIATIONS * (kind == MEAN_STDDEV): pooled / kind / f"{layer}.scp"
                for layer in tables
                for kind in wanted
            }
            if wanted:
                words = [f"--statistics={','.join(wanted)}", f"--done={pooled}/pooled.done", pooled]
                words += [f"{layer}={scp}" for layer, scp in tables.items()]
                yield job(6, "pooled", variant, words, tables.values(), vectors.values(), self.utts)
            judged = dict(tables)
            if variant == MFCC:  # the control without a net: a classifier on the mean and deviation of the MFCC
                judged[MFCC + WITH_DEVIATIONS] = vectors[MFCC + WITH_DEVIATIONS]
            for layer, scp in judged.items():
                folder = at.exp / "frames" / f"{variant}_{layer}"
                words = [*options.seed_override(), self.labelled, scp, folder]
                yield job(7, "frames", folder.name, words, [scp, self.labelled], [folder], self.utts)
                trained.append(f"--trained={variant}:{layer}:{folder}")
            if options.pooled:
                scored = {name: scp for name, scp in vectors.items() if scp.parent.name in options.pooled}
                backends.append(self._backends(variant, scored, seed))
        cells = at.cells
        words = ["--train", options.test, "--test", options.test, "--seed", seed, *trained, self.labelled, cells]
        yield job(8, "cells", "cells", words, [at.exp / "frames"], [cells / "list"])
        yield from backends
        words = ["--corpora", at.corpus(options.test), at.exp]
        yield job(8, "card", "card", words, [at.audits], [at.card])
        # The headline: if there are several layers, the choice in which no test session has a say.
        layer = NESTED if len(options.layers) > 1 else options.layers[0]
        real = [] if options.toy else [options.test]
        page = calls.report(at.exp, self.labelled, real, row={"variant": PRETRAINED, "layer": layer})
        yield job(8, "report", "report", page, [at.cells], [at.exp / "report.html"])
        # A detector has only one recording at a time, so its i-vectors must be estimated from single utterances.
        if options.pooled and options.ivector_history[0] == "utterance":
            fold, made, pooled = self.folds[0], at.exp / "detector", at.exp / "pooled" / PRETRAINED
            words = ["--net", self.model, *(["--extractor", self.extractor] if self.has_ivectors else [])]
            words += ["--layers", ",".join(options.layers), "--statistics", options.pooled[-1], "--fold", fold]
            words += [at.role("rest", fold), pooled, made]
            yield job(8, "detector", "detector", words, [self.model, pooled], [made])

    def _frames(self, variant: str) -> dict[str, Path]:
        """Return the tables of frames that the classifiers of a variant take: layer -> scp."""
        if variant == IVECTOR_ONLY:
            return {"ivector": self._ivectors(self.options.test)}
        if variant == MFCC:
            return {MFCC: self.labelled / "feats.scp"}
        folder = self.at.exp / "bottlenecks" / variant / "frames"
        return {layer: folder / f"{layer}.scp" for layer in self.options.layers}

    def _bottlenecks(self, variant: str, made: list[Path]) -> Job:
        options, out = self.options, self.at.exp / "bottlenecks" / variant
        model = self.at.exp / "asr_random" if variant == RANDOM else self.model
        history = options.histories.get(variant)
        known = self._ivectors(options.test if history is None else f"{options.test}_{history}")
        ivectors = "zero" if variant == NO_IVECTOR else known
        given = f"--ivectors={ivectors if self.has_ivectors else ''}"
        words = [f"--layers={','.join(options.layers)}", given, model, self.labelled, out]
        return job(6, "bottlenecks", variant, words, [model, self.labelled], made, self.utts)

    def _backends(self, variant: str, vectors: dict[str, Path], seed: object) -> Job:
        """Return the job of system A's back end on each table of vectors, a cell for each fold."""
        options, at, lines, made = self.options, self.at, [], []
        for (layer, scp), less in itertools.product(vectors.items(), options.speaker_normalisations):
            for fold in self.folds:
                names = [variant, layer, "plda", *([less.replace(" ", "-")] if less else []), fold]
                folder = at.cell(*names)
                words: list[object] = ["--system", SYSTEM, "--train", options.test, "--test", options.test]
                words += ["--fold", fold, "--variant", variant, "--seed", seed, "--layer", layer]
                words += ["--modality", "speech", "--speakers", self.labelled / "spk2utt"]
                words += ["--speaker-normalisation", less] if less else []
                words += [at.role("rest", fold), f"scp:{scp}", at.test(fold), f"scp:{scp}", folder]
                lines.append("\t".join(map(str, words)) + "\n")
                made.append(folder)
        self.texts[f"backends.{variant}.tsv"] = "".join(lines)
        words = [f"--list={at.cells}/{variant}.list", at.plan / f"backends.{variant}.tsv"]
        return job(8, "backends", variant, words, vectors.values(), made)
