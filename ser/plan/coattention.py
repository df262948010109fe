"""Plan of system C: co-attention over the states of pretrained audio encoders and of a pretrained T5. Its jobs."""

from collections.abc import Iterator
from pathlib import Path

from ser.config import read_yaml
from ser.corpora.folds import group_folds
from ser.plan import calls
from ser.plan.coattention_options import (
    ALL,
    ENCODERS,
    LAST_STAGE,
    RANDOM,
    SYSTEM,
    Options,
    check,
    has_patches,
)
from ser.plan.coattention_rows import Row, list_rows, net_folder, states, tokens
from ser.plan.corpora import find, read_corpora
from ser.plan.facts import Facts
from ser.plan.job import Job, Plan, job
from ser.plan.roles import distinct

# For rows `unseen-sentence`, the sentences of a corpus are divided into two halves: one for training, one for test.
HALVES = ("1", "2")
# A published encoder has 50 frames per second; one of this many is kept.
EVERY = 4

__all__ = ["KINDS", "LAST_STAGE", "Options", "check", "corpora", "plan"]

# Kind of job -> number of the stage that runs it.
KINDS = {
    "prepare": 0, "classes": 1, "together": 1, "parts": 1, "unseen": 1, "random_parts": 1, "audit": 1,
    "frames": 2, "toy_nets": 2, "triplet": 2, "patches": 3, "states": 3, "text_init": 4, "text_model": 4, "tokens": 5,
    "merged": 5, "fixed": 6, "tuned": 6, "joined": 6, "cells": 7, "card": 7, "report": 7,
}  # fmt: skip


def corpora(options: Options) -> tuple[str, ...]:
    """Return all corpora that stage 0 prepares."""
    trains_triplet = "triplet" in options.encoders and not options.triplet
    more = [options.triplet_train] * trains_triplet + [options.text_train] * options.trains_text
    return distinct((*options.scored, *more))


def plan(options: Options, facts: Facts) -> Plan:
    """List the jobs of a run."""
    builder = _Builder(options, facts)
    jobs = [*builder.data(), *builder.audio(), *builder.text(), *builder.models(), *builder.results()]
    words = "".join(f"{name}: its own words\n" for name in options.scored if name not in options.speech_only)
    return Plan(KINDS, tuple(jobs), {"text_used.txt": words})


class _Builder:
    """Makes the jobs of one run; one method for each part of the recipe, in the order of the recipe."""

    def __init__(self, options: Options, facts: Facts) -> None:
        self.options, self.facts, self.at = options, facts, options.layout
        self.both = "+".join(options.together)
        self.rows = list_rows(options)

    def _folds(self, corpus: str) -> list[str]:
        names = [find(name, read_corpora()).fold_names for name in corpus.split("+")]
        if corpus == self.options.test and self.facts.folds:
            names = [self.facts.folds]
        folds = sorted({fold for each in names for fold in each})
        return sorted(set(group_folds(folds, self.options.fold_groups).values())) if folds else [ALL]

    def _folds_of(self, row: Row) -> list[str]:
        return [RANDOM] if row.is_random else self._folds(row.corpus)

    def _part(self, part: str, corpus: str, fold: str) -> Path:
        return self.at.role(part, f"{corpus}_{fold}")

    def data(self) -> Iterator[Job]:
        at, options = self.at, self.options
        for name in corpora(options):
            folder, utts = options.folder(name), self.facts.utts([name])
            words = [f"local/prepare_{name}.sh", folder, at.corpus(name)]
            yield job(0, "prepare", name, words, [folder], [at.corpus(name)], utts)
        for name in options.scored:
            chosen = options.text_map if name == "goemotions" else options.label_map
            labelled = self.at.classes(name)
            words = [chosen, at.corpus(name), labelled]
            yield job(1, "classes", name, words, [at.corpus(name)], [labelled], self.facts.utts([name]))
        if self.both:
            dirs = [self.at.classes(name) for name in options.together]
            words = [self.at.classes(self.both), *dirs]
            yield job(1, "together", self.both, words, dirs, [self.at.classes(self.both)])
        for name in (*options.scored, *([self.both] if self.both else [])):
            folds, labelled = self._folds(name), self.at.classes(name)
            made = [self._part(part, name, fold) for fold in folds for part in ("train", "valid", "test")]
            words = ["--groups", options.fold_groups, "--seed", options.seed or 0, labelled, name, at.data]
            yield job(1, "parts", name, words, [labelled], made, self.facts.utts(name.split("+")))
            for fold in folds:
                train, valid, test = (self._part(part, name, fold) for part in ("train", "valid", "test"))
                for half in HALVES if name in options.unseen and name in options.tests else ():
                    outs = [self._part(part, name, f"{fold}.{half}") for part in ("test", "train", "valid")]
                    words = ["--parts", len(HALVES), "--part", half, test, outs[0], train, outs[1], valid, outs[2]]
                    yield job(1, "unseen", f"{name}_{fold}.{half}", words, [test, train, valid], outs)
                yield self._audit(name, fold)
            if name in options.random and name in options.tests:
                made = [self._part(part, name, RANDOM) for part in ("train", "valid", "test")]
                words = ["--seed", options.seed or 0, labelled, *made]
                yield job(1, "random_parts", name, words, [labelled], made, self.facts.utts([name]))
                yield self._audit(name, RANDOM)

    def _audit(self, corpus: str, fold: str) -> Job:
        """Return the audit of a fold: it stops the run if parts share something; that of the random split counts."""
        train, test = (self._part(part, corpus, fold) for part in ("train", "test"))
        table = self.at.audit(f"{corpus}_{fold}")
        words = ["--corpora", self.at.classes(corpus), "--out", table, "--report-only", str(fold == RANDOM).lower()]
        return job(1, "audit", f"{corpus}_{fold}", [*words, test, f"train={train}"], [test, train], [table])

    def audio(self) -> Iterator[Job]:
        at, options = self.at, self.options
        spoken = [name for name in options.scored if name not in options.text_only]
        for encoder in options.encoders:
            net = net_folder(options, encoder)
            if getattr(options, encoder):
                continue
            if encoder == "triplet":
                data = at.corpus(options.triplet_train)
                feats = at.exp / "patches" / "triplet_frames"
                utts = self.facts.utts([options.triplet_train])
                words: list[object] = [*_segments(data), f"scp:{data}/wav.scp", f"ark,scp:{feats}.ark,{data}/feats.scp"]
                yield job(2, "frames", data.name, words, [data], [data / "feats.scp"], utts)
                words = ["--config", options.settings("triplet"), *options.seed_override(), data, net]
                yield job(2, "triplet", "triplet", words, [data], [net], utts)
            else:
                yield job(2, "toy_nets", encoder, ["--kind", encoder, net], [], [net])
        for corpus in spoken:
            data, utts = self.at.classes(corpus), self.facts.utts([corpus])
            fronts = distinct(ENCODERS[name][1] for name in options.tuned)
            for front in fronts if corpus in options.tests else ():
                made = at.exp / "patches" / f"{front}_{corpus}"
                words = ["--net", front, *_segments(data), "--done", f"{made}.done", f"scp:{data}/wav.scp"]
                words += [f"ark,scp:{made}.ark,{made}.scp"]
                yield job(3, "patches", f"{front}_{corpus}", words, [data], [f"{made}.scp"], utts)
            needed = options.nets if corpus in options.tests and "fixed" in options.variants else ()
            for encoder in distinct((*needed, options.fusion_encoder)):
                scp = Path(states(options, encoder, corpus))
                net = net_folder(options, encoder)
                words = ["--encoder", net, "--layers", options.layer(encoder)]
                is_patchwise = encoder in ENCODERS or has_patches(net)
                words += ["--level", "patch"] if is_patchwise else ["--level", "frame", "--every", EVERY]
                words += [*_segments(data), "--done", scp.parent / "states.done", f"scp:{data}/wav.scp", scp.parent]
                yield job(3, "states", f"{encoder}_{corpus}", words, [data, net], [scp], utts)

    def text(self) -> Iterator[Job]:
        at, options = self.at, self.options
        if not options.has_text:
            return
        model = options.text_start
        if options.builds_text_model:
            texts = [at.corpus(options.text_train)] if options.text_train else [at.corpus(options.test)]
            yield job(4, "text_init", "t5_init", [*texts, model], texts, [model])
        if options.trains_text:
            data, tuned = at.corpus(options.text_train), at.exp / "text_model"
            words = [*options.seed_override(), "--part", "train", "--text-model", model, data, tuned]
            yield job(
                4, "text_model", options.text_train, words, [data], [tuned], self.facts.utts([options.text_train])
            )
            model = str(tuned)
        for corpus in options.scored:
            if corpus not in options.speech_only:
                data, stem = self.at.classes(corpus), tokens(options, corpus).removesuffix(".scp")
                words = ["--done", f"{stem}.done", model, data, f"ark,scp:{stem}.ark,{stem}.scp"]
                yield job(5, "tokens", corpus, words, [data, model], [f"{stem}.scp"], self.facts.utts([corpus]))
        if self.both:
            for out, of in (
                (tokens(options, self.both), [tokens(options, name) for name in options.together]),
                (
                    states(options, options.fusion_encoder, self.both),
                    [states(options, options.fusion_encoder, name) for name in options.together],
                ),
            ):
                yield job(5, "merged", Path(out).parent.name, [out, *of], of, [out])

    def models(self) -> Iterator[Job]:
        for row in self.rows:
            folds = self._folds_of(row)
            parted = [f"{fold}.{half}" for fold in folds for half in HALVES] if row.is_unseen else folds
            # With --fold-groups the models of all folds share a process, because in a quick run most of the time of a
            # process is its start.
            for batch in [parted] if self.options.fold_groups else [[fold] for fold in parted]:
                yield self._training(row, batch)
            for fold in folds if row.is_unseen else ():
                halves = [f"{self._model(row, f'{fold}.{half}')}/posteriors.scp" for half in HALVES]
                out = self._joined(row, fold)
                yield job(6, "joined", out.stem, [out, *halves], halves, [out])

    def _training(self, row: Row, folds: list[str]) -> Job:
        """Return the job that trains the models of `folds` and computes posteriors of the test part of each fold."""
        fold = "FOLD" if len(folds) > 1 else folds[0]
        train, valid, test = (self._part(part, row.corpus, fold) for part in ("train", "valid", "test"))
        model = self._model(row, fold)
        words: list[object] = ["--config", row.settings, *self.options.seed_override()]
        words += [word for change in row.overrides for word in ("--set", change)]
        words += [word for name, scp in row.inputs.items() for word in ("--input", f"{name}=scp:{scp}")]
        if row.tune:
            words += ["--encoder", row.tune[0], "--encoder-layer", row.tune[1]]
        words += ["--folds", " ".join(folds)] if len(folds) > 1 else []
        words += ["--test-data", test, "--without-text", str(len(row.inputs) > 1).lower()]
        words += ["--valid-data", valid, train, model]
        dirs = [self._part(part, row.corpus, one) for one in folds for part in ("train", "valid", "test")]
        made = [self._model(row, one) for one in folds]
        size = len(folds) * self.facts.utts(row.corpus.split("+")) / (len(HALVES) if row.is_unseen else 1)
        return job(6, "tuned" if row.tune else "fixed", made[0].name, words, [*row.inputs.values(), *dirs], made, size)

    def _model(self, row: Row, fold: str) -> Path:
        return self.at.model(row.name, f"{row.corpus}_{fold}")

    def _joined(self, row: Row, fold: str) -> Path:
        """The table of the class probabilities of both halves of the sentences."""
        return self.at.exp / "posteriors" / f"{row.name}_{row.corpus}_{fold}.scp"

    def results(self) -> Iterator[Job]:
        at, options = self.at, self.options
        for row in self.rows:
            for fold in self._folds_of(row):
                yield self._cell(row, fold, row.text, "posteriors")
                if row.name in (f"fusion_{options.losses[0]}", "fusion_random"):
                    yield self._cell(row, fold, "none", "posteriors_none")
        words = ["--corpora", " ".join(str(at.corpus(name)) for name in options.scored), "--text-condition", "gold"]
        # Those of --vggish, --yamnet and --triplet.
        if nets := " ".join(net_folder(options, name) for name in options.encoders if getattr(options, name)):
            words += ["--nets", nets]
        yield job(7, "card", "card", [*words, at.exp], [at.audits], [at.card])
        # Of the first corpus: its co-attention, if it has one.
        shown = {"test": options.test}
        if options.test in options.tests:
            shown |= {"modality": "speech+text", "variant": options.losses[0], "text": "gold"}
        words = calls.report(at.exp, at.classes(options.test), [] if options.toy else [options.test], row=shown)
        yield job(7, "report", "report", words, [at.cells], [at.exp / "report.html"])

    def _cell(self, row: Row, fold: str, text: str, scp: str) -> Job:
        options, model, test = self.options, self._model(row, fold), self._part("test", row.corpus, fold)
        scp = f"{model}/{scp}.scp"
        if row.is_unseen:
            model, scp = self._model(row, f"{fold}.{HALVES[0]}"), str(self._joined(row, fold))
        made = self.at.cell(row.name, row.corpus, text, fold)
        seed = read_yaml(row.settings)["fit"]["seed"] if options.seed is None else options.seed
        names = {
            "system": SYSTEM, "train": row.corpus, "test": row.corpus, "fold": ALL if row.is_random else fold,
            "variant": row.variant, "seed": seed, "layer": row.layer, "modality": row.modality, "text": text,
            "speakers": self.at.classes(row.corpus) / "spk2utt",
        }  # fmt: skip
        words = [str(word) for name, value in names.items() for word in (f"--{name}", value)]
        words += [f"{model}/classes.txt", str(test), f"scp:{scp}", str(made)]
        return job(7, "cells", made.name, words, [model, test], [made])


def _segments(data: Path) -> list[object]:
    return ["--segments", data / "segments"] if (data / "segments").is_file() else []
