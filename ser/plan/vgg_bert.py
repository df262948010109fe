"""Plan of system D: a VGG on log-mel energies and a BERT, fused by a third network. Its jobs."""

from collections.abc import Iterator
from pathlib import Path

from ser.config import read_yaml
from ser.plan import calls
from ser.plan.facts import Facts
from ser.plan.job import Job, Plan, job
from ser.plan.roles import next_fold
from ser.plan.vgg_bert_options import (
    ENCODER,
    LAST_STAGE,
    MODELS,
    OUT_OF_FOLD,
    RANDOM,
    RANDOM_SHARES,
    YARDSTICKS,
    Options,
    check,
    folds_of,
)

__all__ = ["KINDS", "LAST_STAGE", "MODELS", "SYSTEM", "Options", "check", "corpora", "folds_of", "plan"]

SYSTEM = "vgg_bert"
# Kind of job -> number of the stage that runs it.
KINDS = {
    "prepare": 0, "classes": 1, "logmel": 1, "fold_parts": 1, "random_parts": 1, "audit": 1, "copies": 1, "clips": 1,
    "inner_parts": 1, "snr": 1,
    "vgg": 2, "vgg_vectors": 2, "vgg_posteriors": 2, "encoded": 2, ENCODER: 2, f"{ENCODER}_posteriors": 2,
    "text_init": 3, "bert": 3, "bert_vectors": 3, "bert_posteriors": 3,
    "fusion": 4, "fusion_posteriors": 4, "out_of_fold": 4, OUT_OF_FOLD: 4, f"{OUT_OF_FOLD}_posteriors": 4,
    **{f"{name}{kind}": 5 for name in YARDSTICKS for kind in ("", "_posteriors")},
    "cells": 6, "human": 7, "card": 7, "report": 7,
}  # fmt: skip


def corpora(options: Options) -> tuple[str, ...]:
    """Return all corpora that stage 0 prepares."""
    return (options.test,)


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
        yield job(1, "snr", name, [labelled, at.exp / "snr.tsv"], [labelled], [at.exp / "snr.tsv"], self.utts)
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
            if inner := options.inner(fold):
                made = [at.role(part, name) for name in inner for part in ("train", "clips", "held")]
                words = ["--parts", options.inner_folds, train, clips, at.data, fold]
                yield job(1, "inner_parts", fold, words, [train, clips], made, size)

    def _tables(self, fold: str, kind: str, modality: str) -> Path:
        """The table of vectors or probabilities of all utterances by the model of a modality, without its suffix."""
        if self.options.encoder and (kind, modality) == ("embeddings", "speech"):
            _, encoder, layer = self.options.published
            return self.at.encoded(encoder.name) / layer
        return self.at.vectors(kind, fold) / modality

    def models(self) -> Iterator[Job]:
        at, options, labelled = self.at, self.options, self.labelled
        encoder = options.text_model
        if options.uses("text") and options.toy and not encoder:
            # A toy run must not need the Hub, so it starts from a tiny BERT of random weights.
            encoder, source = str(at.toy_bert), f"{options.corpora}/dailydialog/train/dialogues_train.txt"
            yield job(3, "text_init", "bert", [source, encoder], [source], [encoder])
        if options.encoder and options.uses("speech"):
            yield from self._encoded()
        for modality, (kind, stage) in MODELS.items():
            skipped = not options.uses(modality) or (options.encoder and modality == "speech")
            for fold, outer in () if skipped else self._trained():
                train, valid = at.role("train" if kind == "bert" else "clips", fold), at.role("valid", outer)
                model, left_out = at.model(kind, fold), []
                words = [*options.seed_override(), "--valid-data", valid]
                # An inner model is trained on the other parts, and gives the probabilities of the held-out part.
                share = 1.0 if fold == outer else 1.0 - 1.0 / options.inner_folds
                size, heard = share * self._size(outer, 0), labelled if fold == outer else at.role("held", fold)
                if kind == "bert":
                    words += ["--text-model", encoder] if encoder else []
                    words += [train, labelled / "utt2emo", model]
                    left_out = ["--left-out", f"{self._tables(fold, 'embeddings', modality)}_missing"]
                else:
                    words += [train, model]
                    size *= 1 + len(options.copies)
                yield job(stage, kind, fold, words, [train, valid], [model], size)
                vectors, posteriors = (self._tables(fold, name, modality) for name in ("embeddings", "posteriors"))
                utts = self.utts if fold == outer else self._size(outer, 0) / options.inner_folds
                words = ["--done", f"{vectors}.done", *left_out, model, heard, _archive(vectors)]
                yield job(stage, f"{kind}_vectors", fold, words, [model, heard], [f"{vectors}.scp"], utts)
                words = [model, f"scp:{vectors}.scp", _archive(posteriors)]
                made = [f"{posteriors}.scp"]
                yield job(stage, f"{kind}_posteriors", fold, words, [model, f"{vectors}.scp"], made, utts)

    def _encoded(self) -> Iterator[Job]:
        """Yield the jobs of a published encoder in place of the CNN: its embeddings, and a linear layer on them."""
        at, options, labelled = self.at, self.options, self.labelled
        _, encoder, layer = options.published
        made, scp = at.encoded(encoder.name), f"{self._tables('', 'embeddings', 'speech')}.scp"
        words = ["--encoder", encoder.source, "--layers", layer, labelled, made]
        yield job(2, "encoded", encoder.name, words, [labelled], [made], self.utts)
        for fold, outer in self._trained():
            train, valid, model = at.role("train", fold), at.role("valid", outer), at.model(ENCODER, fold)
            heard, read = ["--input", f"speech=scp:{scp}"], labelled if fold == outer else at.role("held", fold)
            words = [*options.seed_override(), *heard, "--valid-data", valid, train, model]
            yield job(2, ENCODER, fold, words, [scp, train, valid], [model], self._size(outer, 0))
            posteriors = self._tables(fold, "posteriors", "speech")
            words = [*heard, model, read, _archive(posteriors)]
            yield job(2, f"{ENCODER}_posteriors", fold, words, [model, read], [f"{posteriors}.scp"], self.utts)

    def _trained(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each model of a modality and its fold; inner folds come after their fold."""
        for fold in self.folds:
            yield fold, fold
            yield from ((inner, fold) for inner in self.options.inner(fold))

    def fusions(self) -> Iterator[Job]:
        if self.options.uses("+"):
            for fold in self.folds:
                yield from self._fusion(4, "fusion", fold, fold, "posteriors", "speech+text")
                for modality in MODELS if self.options.inner_folds else ():
                    # Probabilities of the training part come from inner models, all others from the fold's own model.
                    made = f"{self._tables(fold, 'posteriors_out_of_fold', modality)}.scp"
                    inner = [f"{self._tables(name, 'posteriors', modality)}.scp" for name in self.options.inner(fold)]
                    own = f"{self._tables(fold, 'posteriors', modality)}.scp"
                    words = [self.at.role("train", fold) / "utt2spk", own, made, *inner]
                    yield job(4, "out_of_fold", f"{fold}_{modality}", words, [own, *inner], [made], self.utts)
                if self.options.inner_folds:
                    yield from self._fusion(4, OUT_OF_FOLD, fold, fold, "posteriors_out_of_fold", "speech+text")
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
        if tables == "embeddings":  # a dialogue model needs whole dialogues, which the random split divides
            heard += ["--context-dir", str(self.labelled)]
        words = [*self.options.seed_override(), *heard, "--valid-data", valid, train, model]
        yield job(stage, kind, name, words, [*scps.values(), train, valid], [model], self._size(fold, 0))
        words, made = [*heard, model, test, _archive(model / "posteriors")], [model / "posteriors.scp"]
        yield job(stage, f"{kind}_posteriors", name, words, [model, test], made, self._size(fold, 2))

    def results(self) -> Iterator[Job]:
        at, options = self.at, self.options
        for fold in self.folds:
            for modality in options.modalities:
                if modality in options.models:
                    kind = options.models[modality][0]
                    scp = f"{self._tables(fold, 'posteriors', modality)}.scp"
                    yield self._cell(SYSTEM, kind, at.model(kind, fold), scp, fold, modality)
                else:
                    model = at.model("fusion", fold)
                    yield self._cell(SYSTEM, "fusion", model, f"{model}/posteriors.scp", fold, modality)
                    if options.inner_folds:
                        model = at.model(OUT_OF_FOLD, fold)
                        yield self._cell(SYSTEM, OUT_OF_FOLD, model, f"{model}/posteriors.scp", fold, modality)
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
        page = calls.report(at.exp, self.labelled, [] if options.toy else [options.test])
        yield job(7, "report", "report", page, [at.cells], [at.exp / "report.html"])

    def _cell(self, system: str, kind: str, model: Path, scp: str, fold: str, modality: str) -> Job:
        options, made, test = self.options, self.at.cell(kind, modality, fold), self.at.test(fold)
        seed = (
            read_yaml(options.settings("fusion" if kind == OUT_OF_FOLD else kind))["fit"]["seed"]
            if options.seed is None
            else options.seed
        )
        variant = (RANDOM if fold == RANDOM else "folds") + "+soft" * options.soft_targets
        names = {
            "system": system, "train": options.test, "test": options.test, "fold": "all" if fold == RANDOM else fold,
            "variant": variant + f"+{options.row_mark}" * bool(options.row_mark), "seed": seed,
            "layer": options.published[0] if kind == ENCODER else kind, "modality": modality,
            "text": "gold" if "text" in modality else "-",
            "speakers": self.labelled / "spk2utt",
        }  # fmt: skip
        words = [str(word) for name, value in names.items() for word in (f"--{name}", value)]
        if options.uses("speech"):  # an utterance without words is scored by speech alone
            words.append(f"--fallback=scp:{self._tables(fold, 'posteriors', 'speech')}.scp")
        words += [f"{model}/classes.txt", str(test), f"scp:{scp}", str(made)]
        return job(6, "cells", made.name, words, [model, scp, test], [made], self._size(fold, 2))


def _archive(path: Path) -> str:
    return f"ark,scp:{path}.ark,{path}.scp"
