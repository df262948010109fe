"""Plan of system D: a VGG on log mel energies and a BERT, fused by a third network. Its options and jobs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ser.config import read_yaml
from ser.errors import SerError
from ser.plan.corpora import check_holds, find, read_corpora
from ser.plan.facts import Facts
from ser.plan.job import Job, Plan, job
from ser.plan.options import RunOptions, check_run, check_words
from ser.plan.roles import in_order, next_fold

SYSTEM = "vgg_bert"
LAST_STAGE = 7
MODALITIES = ("speech", "text", "speech+text")
PROTOCOLS = ("folds", "random")
YARDSTICKS = ("bc_lstm", "icon")
COPIES = ("white", "pitch", "stretch", "shift")
# The paper's random split of the utterances: its name as a fold; the shares of training, validation and test part.
RANDOM, RANDOM_SHARES = "random", (0.7, 0.2, 0.1)
# Modality -> its model, and the number of the stage that trains it.
MODELS = {"speech": ("vgg", 2), "text": ("bert", 3)}
# Kind of job -> number of the stage that runs it.
KINDS = {
    "prepare": 0, "classes": 1, "logmel": 1, "fold_parts": 1, "random_parts": 1, "audit": 1, "copies": 1, "clips": 1,
    "vgg": 2, "vgg_vectors": 2, "vgg_posteriors": 2, "text_init": 3, "bert": 3, "bert_vectors": 3, "bert_posteriors": 3,
    "fusion": 4, "fusion_posteriors": 4,
    **{f"{name}{kind}": 5 for name in YARDSTICKS for kind in ("", "_posteriors")},
    "cells": 6, "human": 7, "card": 7, "report": 7,
}  # fmt: skip


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

    def uses(self, modality: str) -> bool:
        """Whether models of speech or text (`modality`) are trained, alone or for the fusion."""
        return any(modality in name for name in self.modalities)

    @property
    def heard(self) -> tuple[str, ...]:
        """The modalities of the yardsticks: those given, else all, but in a toy run only the last one."""
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
    if options.yardsticks and "dialogues" not in find(options.test, known).holds:
        asked = " ".join(options.yardsticks)
        raise SerError(f"--yardsticks: {options.test} has no dialogues, which '{asked}' need; give --yardsticks \"\"")
    if not (options.protocols and options.modalities):
        raise SerError("--protocols and --modalities: name one or more of each")
    models = [model for modality, (model, _) in MODELS.items() if options.uses(modality)]
    models += ["fusion"] * options.uses("+") + list(options.yardsticks)
    check_run(options, LAST_STAGE, [options.label_map, *map(options.settings, ("logmel", *models))])
    return []


def corpora(options: Options) -> tuple[str, ...]:
    """Return all corpora that stage 0 prepares."""
    return (options.test,)


def folds_of(options: Options, facts: Facts) -> list[str]:
    """List the folds that have models of their own: the folds of the corpus and, as one more, the random split."""
    folds = in_order(facts.folds) if "folds" in options.protocols else []
    if "folds" in options.protocols and len(folds) < 3:
        raise SerError(
            f"--protocols folds: {options.test} has {len(folds)} folds here, but three or more are needed: one to test,"
            " one to validate, the others to train"
        )
    return [*folds, *[RANDOM] * ("random" in options.protocols)]


def plan(options: Options, facts: Facts) -> Plan:
    """List the jobs of a run."""
    builder = _Builder(options, facts)
    jobs = [*builder.data(), *builder.models(), *builder.fusions(), *builder.results()]
    texts = {"text_used.txt": f"{options.test}: its own words\n"} if options.uses("text") else {}
    return Plan(KINDS, tuple(jobs), texts)


class _Builder:
    """Makes the jobs of one run; one method for each part of the recipe, in the order of the recipe."""

    def __init__(self, options: Options, facts: Facts) -> None:
        self.options, self.facts, self.at = options, facts, options.layout
        self.folds = folds_of(options, facts)
        self.labelled = self.at.classes(options.test)
        self.utts = facts.utts([options.test])

    def _size(self, fold: str, part: int) -> float:
        """Count the utterances of the training (0), validation (1) or test part (2) of a fold."""
        folds = len(self.facts.folds)
        return self.utts * (RANDOM_SHARES[part] if fold == RANDOM else (folds - 2 if part == 0 else 1) / folds)

    def data(self) -> Iterator[Job]:
        at, options, labelled = self.at, self.options, self.labelled
        name, folder = options.test, options.folder(options.test)
        words = [f"local/prepare_{name}.sh", folder, at.corpus(name)]
        yield job(0, "prepare", name, words, [folder], [at.corpus(name)], self.utts)
        yield job(1, "classes", name, [at.corpus(name), labelled], [at.corpus(name)], [labelled], self.utts)
        yield job(1, "logmel", name, [labelled], [labelled], [labelled / "feats.scp"], self.utts)
        for fold in self.folds:
            train, valid, test = (at.role(part, fold) for part in ("train", "valid", "test"))
            if fold == RANDOM:
                words = [*map(str, ("--seed", options.split_seed, labelled, train, valid, test))]
                yield job(1, "random_parts", fold, words, [labelled], [train, valid, test], self.utts)
            else:
                following = next_fold(fold, self.facts.folds)
                words = [fold, following, str(labelled), str(test), str(at.role("rest", fold)), str(valid), str(train)]
                yield job(1, "fold_parts", fold, words, [labelled], [train, valid, test], self.utts)
            # In the paper's random split, training and test share speakers: the audit reports it. In a fold of the
            # corpus that is an error.
            only = "true" if fold == RANDOM else "false"
            options_of = ["--corpora", labelled, "--out", at.audit(fold), "--report-only", only]
            words = [*map(str, (*options_of, test, f"train={train}", f"valid={valid}"))]
            yield job(1, "audit", fold, words, [test, train, valid], [at.audit(fold)])
            copies, clips = at.role("copies", fold), at.role("clips", fold)
            size = (1 + len(options.copies)) * self._size(fold, 0)
            if options.copies:
                yield job(1, "copies", fold, [train, copies, clips], [train], [clips, copies], size)
            else:
                yield job(1, "clips", fold, [train, clips], [train], [clips], size)

    def _tables(self, fold: str, kind: str, modality: str) -> Path:
        """The table of vectors or probabilities of all utterances by the model of a modality, without its suffix."""
        return self.at.vectors(kind, fold) / modality

    def models(self) -> Iterator[Job]:
        at, options, labelled = self.at, self.options, self.labelled
        encoder = options.text_model
        if options.uses("text") and options.toy and not encoder:
            # A first try must run without the Hub, so it starts from a tiny BERT of random weights.
            encoder, source = str(at.toy_bert), f"{options.corpora}/dailydialog/train/dialogues_train.txt"
            yield job(3, "text_init", "bert", [source, encoder], [source], [encoder])
        for modality, (kind, stage) in MODELS.items():
            for fold in self.folds if options.uses(modality) else ():
                train, valid = at.role("train" if kind == "bert" else "clips", fold), at.role("valid", fold)
                model, left_out = at.model(kind, fold), []
                words = [*options.seed_override(), "--valid-data", valid]
                size = self._size(fold, 0)
                if kind == "bert":
                    words += ["--text-model", encoder] if encoder else []
                    words += [train, labelled / "utt2emo", model]
                    left_out = ["--left-out", f"{self._tables(fold, 'embeddings', modality)}_missing"]
                else:
                    words += [train, model]
                    size *= 1 + len(options.copies)
                yield job(stage, kind, fold, words, [train, valid], [model], size)
                vectors, posteriors = (self._tables(fold, name, modality) for name in ("embeddings", "posteriors"))
                words = ["--done", f"{vectors}.done", *left_out, model, labelled, _archive(vectors)]
                yield job(stage, f"{kind}_vectors", fold, words, [model, labelled], [f"{vectors}.scp"], self.utts)
                words = [model, f"scp:{vectors}.scp", _archive(posteriors)]
                made = [f"{posteriors}.scp"]
                yield job(stage, f"{kind}_posteriors", fold, words, [model, f"{vectors}.scp"], made, self.utts)

    def fusions(self) -> Iterator[Job]:
        if self.options.uses("+"):
            for fold in self.folds:
                yield from self._fusion(4, "fusion", fold, fold, "posteriors", "speech+text")
        for yardstick in self.options.yardsticks:
            for modality in self.options.heard:
                for fold in self.folds:
                    yield from self._fusion(5, yardstick, fold, f"{modality}_{fold}", "embeddings", modality)

    def _fusion(self, stage: int, kind: str, fold: str, name: str, tables: str, modality: str) -> Iterator[Job]:
        """Yield the jobs that train a network on vectors of the modalities and compute posteriors of the test part."""
        at = self.at
        scps = {one: f"{self._tables(fold, tables, one)}.scp" for one in modality.split("+")}
        heard = [word for one, scp in scps.items() for word in ("--input", f"{one}=scp:{scp}")]
        train, valid, test = (at.role(part, fold) for part in ("train", "valid", "test"))
        model = at.model(kind, name)
        words = [*self.options.seed_override(), *heard, "--valid-data", valid, train, model]
        yield job(stage, kind, name, words, [*scps.values(), train, valid], [model], self._size(fold, 0))
        words, made = [*heard, model, test, _archive(model / "posteriors")], [model / "posteriors.scp"]
        yield job(stage, f"{kind}_posteriors", name, words, [model, test], made, self._size(fold, 2))

    def results(self) -> Iterator[Job]:
        at, options = self.at, self.options
        for fold in self.folds:
            for modality in options.modalities:
                if modality in MODELS:
                    kind = MODELS[modality][0]
                    scp = f"{self._tables(fold, 'posteriors', modality)}.scp"
                    yield self._cell(SYSTEM, kind, at.model(kind, fold), scp, fold, modality)
                else:
                    model = at.model("fusion", fold)
                    yield self._cell(SYSTEM, "fusion", model, f"{model}/posteriors.scp", fold, modality)
            for modality in options.heard:
                for yardstick in options.yardsticks:
                    model = at.model(yardstick, f"{modality}_{fold}")
                    yield self._cell(yardstick, yardstick, model, f"{model}/posteriors.scp", fold, modality)
        corpus = at.corpus(options.test)
        if self.facts.annotated:
            inputs, table = [corpus, self.labelled / "utt2emo"], at.exp / "human.tsv"
            yield job(7, "human", options.test, [*inputs, table], inputs, [table])
        text = ["--text-condition", "gold"] if options.uses("text") else []
        words = ["--corpora", corpus, *text, at.exp]
        yield job(7, "card", "card", words, [at.audits], [at.card])
        # The licence of a real corpus may forbid to embed its clips: the page of errors looks the corpus's name up.
        words = ["--test-dir", self.labelled, *([] if options.toy else ["--corpus", options.test]), at.exp]
        yield job(7, "report", "report", words, [at.cells], [at.exp / "report.html"])

    def _cell(self, system: str, kind: str, model: Path, scp: str, fold: str, modality: str) -> Job:
        options, made, test = self.options, self.at.cell(kind, modality, fold), self.at.test(fold)
        seed = read_yaml(options.settings(kind))["fit"]["seed"] if options.seed is None else options.seed
        names = {
            "system": system, "train": options.test, "test": options.test, "fold": "all" if fold == RANDOM else fold,
            "variant": (RANDOM if fold == RANDOM else "folds") + "+soft" * options.soft_targets, "seed": seed,
            "layer": kind, "modality": modality, "text": "gold" if "text" in modality else "-",
            "speakers": self.labelled / "spk2utt",
        }  # fmt: skip
        words = [str(word) for name, value in names.items() for word in (f"--{name}", value)]
        if options.uses("speech"):  # an utterance without words is scored by speech alone
            words.append(f"--fallback=scp:{self._tables(fold, 'posteriors', 'speech')}.scp")
        words += [f"{model}/classes.txt", str(test), f"scp:{scp}", str(made)]
        return job(6, "cells", made.name, words, [model, scp, test], [made], self._size(fold, 2))


def _archive(path: Path) -> str:
    return f"ark,scp:{path}.ark,{path}.scp"
