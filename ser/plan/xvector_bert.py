"""Plan of system A: x-vectors pretrained on speakers and fine-tuned on emotion, BERT, LDA-PLDA. Its jobs."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ser.config import read_yaml
from ser.errors import SerError
from ser.plan import calls
from ser.plan.calls import SYSTEM, TEXT_LAYER
from ser.plan.corpora import holding, read_corpora
from ser.plan.encoders import read_encoders
from ser.plan.facts import Facts
from ser.plan.job import Job, Plan, job
from ser.plan.roles import NONE, Roles, distinct, in_order
from ser.plan.xvector_bert_options import LAST_STAGE, Options, check
from ser.plan.xvector_bert_results import results, text_used
from ser.results.result_table import NOT_APPLICABLE

__all__ = ["KINDS", "LAST_STAGE", "SYSTEM", "Options", "check", "corpora", "plan"]

VOXCELEB = "voxceleb1"
# Kind of job -> number of the stage that runs it.
KINDS = {
    "prepare": 0, "features": 1, "augmented": 2, "speeds": 2, "classes": 2, "roles": 2, "test_folds": 2, "test_all": 2,
    "audit": 2, "pretrain": 3, "gate": 3, "finetune": 4, "embedded": 5, "embeddings": 5, "encoded": 5, "voices": 5,
    "text_init": 6, "test_text": 6, "text": 6, "text_vectors": 6, "joined": 7, "cells": 8, "human": 9, "card": 9,
    "report": 9, "detector": 9,
}  # fmt: skip


def corpora(options: Options) -> tuple[str, ...]:
    """Return all corpora that stage 0 prepares."""
    return options.all_corpora()


def plan(options: Options, facts: Facts) -> Plan:
    """List the jobs of a run.

    Raises
    ------
    SerError
        If the scored corpus needs folds and has none, or if some of its utterances cannot be scored.
    """
    builder = _Builder(options, facts)
    jobs = [
        *builder.data_dirs(), *builder.copies(), *builder.role_dirs(), *builder.nets(), *builder.text(),
        *builder.joined(), *builder.cells(), *results(options, facts, builder.corpus_dirs()),
    ]  # fmt: skip
    texts = {"text_used.txt": text_used(options, options.roles().backend)} if options.uses_text else {}
    return Plan(KINDS, tuple(jobs), texts)


class _Builder:
    """Makes the jobs of one run; one method for each part of the recipe, in the order of the recipe."""

    def __init__(self, options: Options, facts: Facts) -> None:
        self.options, self.facts = options, facts
        self.at = options.layout
        self.roles = options.roles(facts.folds)
        self.conditions = self.roles.conditions()
        # All layers whose embeddings are scored; those of published encoders depend on no training role.
        self.frozen, self.frozen_roles = options.frozen_layers, replace(self.roles, pretrain=(), finetune=())
        self.layers = (*options.layer_names, *self.frozen)
        # Suffix of the folders of the test vectors if the test words are not the corpus's own.
        self.suffix = "" if options.text_condition == "gold" else f"_{options.text_name}"
        self.falls_back = options.uses_speech and bool(self.suffix or facts.wordless)
        if facts.wordless and options.uses_text and not options.uses_speech and not self.suffix:
            raise SerError(
                f"some utterances of {options.test} have no words, and with --modalities text alone there is no net to"
                " score them by speech; add speech to --modalities"
            )
        # The back end comes first: it lists the held-out speakers, whom the other roles leave out.
        self.dirs = {role: self._role_dir_jobs(role) for role in sorted(self.roles.training, key="backend".__ne__)}

    def data_dirs(self) -> Iterator[Job]:
        at = self.at
        for name in self.options.all_corpora():
            folder, made, size = self.options.folder(name), at.corpus(name), self.facts.utts([name])
            ties = ["--ties", self.options.ties] if name == "cremad" and self.options.ties != "drop" else []
            words = [f"local/prepare_{name}.sh", *ties, folder, made]
            yield job(0, "prepare", name, words, [folder], [made], size)
        for name in self.options.speech_corpora():
            dirs = (at.corpus(name), at.normalised(name))
            yield job(1, "features", name, dirs, dirs[:1], dirs[1:], self.facts.utts([name]))

    def copies(self) -> Iterator[Job]:
        at, options = self.at, self.options
        noise = [at.corpus(name) for name in holding("noise", read_corpora())]
        for name in options.augmented():
            sources, made = [at.corpus(name), *noise], [at.corpus(at.noisy(name)), at.normalised(at.noisy(name))]
            size = len(options.augment) * self.facts.utts([name])
            yield job(2, "augmented", name, [*sources, *made], sources, made, size)
        for copies, name, speed in self._speed_copies():
            whole, made = at.corpus(name), [at.corpus(copies), at.normalised(copies)]
            yield job(2, "speeds", copies, [speed, whole, *made], [whole], made, self.facts.utts([name]))

    def _speed_copies(self) -> list[tuple[str, str, str]]:
        """List the speed-perturbed copies: (name of the data dir, its corpus, speed factor)."""
        speeds = self.options.finetune_speeds
        return [(self.at.at_speed(name, speed), name, speed) for name in self.roles.finetune for speed in speeds]

    def role_dirs(self) -> Iterator[Job]:
        at, options, roles = self.at, self.options, self.roles
        labelled = distinct((*roles.finetune, *roles.backend, options.test))
        noisy = roles.finetune if options.augment and options.finetune_noise else ()
        speech = [*labelled, *map(at.noisy, noisy), *(copies for copies, _, _ in self._speed_copies())]
        sources = [(name, at.normalised(name) if options.uses_net else at.corpus(name)) for name in speech]
        sources += [(name, at.corpus(name)) for name in roles.text_train if name not in labelled]
        for name, source in sources:
            yield job(2, "classes", name, [source, at.emotion(name)], [source], [at.emotion(name)])
        for jobs in self.dirs.values():
            yield from jobs
        whole = at.emotion(options.test)
        for condition in self.conditions:
            if condition != NONE:
                made = at.test(condition)
                yield job(2, "test_folds", condition, [condition, whole, made], [whole], [made])
        yield job(2, "test_all", NONE, [whole, at.test(NONE)], [whole], [at.test(NONE)])
        for fold in roles.trained_folds():
            trained = {role: at.role(role, fold) for role in roles.trained_for(fold)}
            words = calls.audit(self.corpus_dirs(), at.audit(fold), at.test(fold), trained)
            yield job(2, "audit", fold, words, [at.test(fold), *trained.values()], [at.audit(fold)])

    def corpus_dirs(self) -> list[Path]:
        """Return the data dirs of the whole corpora, without copies."""
        used = distinct((*self.options.speech_corpora(), *self.roles.backend, self.roles.test, *self.roles.text_train))
        return sorted(self.at.corpus(name) for name in used)

    def _role_dir_jobs(self, role: str) -> list[Job]:
        """Return the jobs that combine, for each fold, the data dirs on which a role trains, with augmented copies."""
        at, options, names = self.at, self.options, self.roles.training[role]
        of = at.normalised if role == "pretrain" else at.emotion
        noisy = options.augment and (role == "pretrain" or (role == "finetune" and options.finetune_noise))
        speeds = options.finetune_speeds if role == "finetune" else ()
        times, jobs = 1 + len(options.augment) * bool(noisy) + len(speeds), []
        for fold in self.roles.folds_of(names):
            trained = self.roles.corpora_of(fold, names)
            sources = [(name, of(name)) for name in trained]
            sources += [(name, of(at.noisy(name))) for name in trained if noisy]
            sources += [(name, of(at.at_speed(name, speed))) for speed in speeds for name in trained]
            made = at.role(role, fold)
            backend = at.role("backend", self.roles.fold_of(fold, self.roles.backend))
            held_out = calls.held_out(self.roles, options.hold_out_speakers, role, backend)
            words = calls.role_dir(made, sources, options.test, fold, *held_out)
            if role != "pretrain" and options.unseen:
                words = ["--unseen", " ".join(options.unseen), *words]
            size = times * self._utts_outside(fold, names)
            jobs.append(job(2, "roles", f"{role}_{fold}", words, [data for _, data in sources], [made], size))
        return jobs

    def _utts_outside(self, fold: str, names: tuple[str, ...]) -> float:
        """Count the utterances that train a role: of the scored corpus those outside the fold, or 0 in `none`."""
        test, folds = self.options.test, len(self.roles.folds)
        utts = self.facts.utts(self.roles.corpora_of(NONE, [name for name in names if name != test]))
        if fold != NONE and test in names:
            utts += self.facts.utts([test]) * (folds - 1) / folds
        return utts

    def _size_of(self, role: str, fold: str) -> float:
        return next(one.size for one in self.dirs[role] if one.name == f"{role}_{fold}")

    def nets(self) -> Iterator[Job]:
        at, roles, options = self.at, self.roles, self.options
        for fold in roles.folds_of(roles.pretrain):
            data, model = at.role("pretrain", fold), at.model("pretrain", fold)
            words = [*options.seed_override(), "--config", options.pretrain_settings, data, data / "utt2spk", model]
            yield job(3, "pretrain", fold, words, [data], [model], self._size_of("pretrain", fold))
        if VOXCELEB in roles.pretrain and self.facts.has_trials:
            # The speakers of the trials belong to the test part of VoxCeleb1, which is not used in training.
            model, train = at.model("pretrain", NONE), at.normalised(VOXCELEB)
            test = f"{VOXCELEB}_test"
            made = [at.corpus(test), at.normalised(test), at.exp / "verification"]
            words = ["--speaker-cmvn", "true"] if options.speaker_cmvn else []
            words += [options.folder(VOXCELEB), model, train, *made]
            yield job(3, "gate", VOXCELEB, words, [model, train], made)
        for fold in roles.folds_of(roles.speech):
            own = roles.fold_of(fold, roles.finetune)
            data, model = at.role("finetune", own), at.model("finetune", fold)
            initial = at.model("pretrain", roles.fold_of(fold, roles.pretrain))
            begin = ["--init-model", initial] if roles.pretrain else []
            words = [*options.seed_override(), "--config", options.finetune_settings, *begin]
            words += [data, data / "utt2emo", model]
            yield job(4, "finetune", fold, words, [data, *begin[1:]], [model], self._size_of("finetune", own))
        if not options.uses_speech:
            return
        sources = [at.emotion(name) for name in distinct((*roles.backend, options.test))]
        embedded, size = at.embedded, self.facts.utts(distinct((*roles.backend, options.test)))
        yield job(5, "embedded", "embedded", [embedded, *sources], sources, [embedded], size)
        for fold in roles.folds_of(roles.speech):
            model, vectors = at.model("finetune", fold), at.vectors("embeddings", fold)
            yield job(5, "embeddings", fold, [model, embedded, vectors], [model, embedded], [vectors], size)
        for encoder in read_encoders(options.encoders):
            words, out = (
                ["--encoder", encoder.source, "--layers", " ".join(encoder.layers), embedded],
                at.encoded(encoder.name),
            )
            yield job(5, "encoded", encoder.name, [*words, out], [embedded], [out], size)

    def _speech(self, layer: str, condition: str) -> Path:
        """Return the table of the embeddings of a layer, of the net or of an encoder, in a condition."""
        if layer in self.frozen:
            encoder, own = self.frozen[layer]
            return self.at.encoded(encoder.name) / f"{own}.scp"
        return self.at.vectors("embeddings", self.roles.fold_of(condition, self.roles.speech)) / f"{layer}.scp"

    def _roles(self, layer: str) -> Roles:
        return self.frozen_roles if layer in self.frozen else self.roles

    def text(self) -> Iterator[Job]:
        at, roles, options = self.at, self.roles, self.options
        folds = roles.folds_of(roles.text_train)
        if not folds:
            return
        encoder = options.text_model
        if options.toy and not encoder:  # a toy run must not need the Hub: it has a tiny BERT of random weights
            encoder, source = str(at.toy_bert), at.role("text", folds[0])
            yield job(6, "text_init", "bert", [source, encoder], [source], [encoder])
        whole, test_text = at.emotion(options.test), at.test_text
        drawing = [] if options.seed is None else ["--seed", options.seed]
        yield job(6, "test_text", "test", [*drawing, options.text_condition, whole, test_text], [whole], [test_text])
        known = distinct((*roles.backend, *([] if self.suffix else [options.test])))
        for fold in folds:
            data, model = at.role("text", fold), at.model("text", fold)
            begin = ["--text-model", encoder] if encoder else []
            words = [*options.seed_override(), *begin, data, data / "utt2emo", model]
            yield job(6, "text", fold, words, [data], [model], self._size_of("text", fold))
            sources = {name: at.emotion(name) for name in known}
            made = at.vectors("text_embeddings", fold)
            words = [*drawing, *calls.text_vectors(model, data, made, sources, options.drawn_text)]
            yield job(6, "text_vectors", fold, words, [model, data, *sources.values()], [made], self.facts.utts(known))
            if self.suffix:
                made = at.vectors("text_embeddings", fold, self.suffix)
                own = calls.text_vectors(model, data, made, {options.test: test_text}, ())
                yield job(6, "text_vectors", f"{fold}{self.suffix}", own, [model, test_text], [made])

    def joined(self) -> Iterator[Job]:
        at = self.at
        folds = {layer: self._joined_folds(self._roles(layer)) for layer in self.layers}
        for fold in in_order(fold for own in folds.values() for fold in own):
            for layer in (layer for layer in self.layers if fold in folds[layer]):
                roles = self._roles(layer)
                for side in distinct(("", self.suffix)):  # for training; and for test, if its words are not its own
                    speech = self._speech(layer, fold)
                    text = at.vectors("text_embeddings", roles.fold_of(fold, roles.text_train), side) / "all.scp"
                    made = at.vectors("speech+text", fold, side) / layer
                    name, words = f"{fold}{side}_{layer}", calls.joined(speech, text, made)
                    yield job(7, "joined", name, words, [speech, text], [f"{made}.scp"])

    def _joined_folds(self, roles: Roles) -> list[str]:
        return roles.folds_of((*roles.speech, *roles.text_train)) if "speech+text" in self.options.scored else []

    def cells(self) -> Iterator[Job]:
        options, folds = self.options, [condition for condition in self.conditions if condition != NONE]
        # (condition, test set): `none` is scored on the whole test corpus, then on the trials of each fold.
        pairs = [(condition, condition) for condition in self.conditions]
        pairs += [(NONE, fold) for fold in folds if options.scores_same_trials and NONE in self.conditions]
        for (condition, scored), modality in itertools.product(pairs, options.scored):
            layers = (TEXT_LAYER,) if modality == "text" else self.layers
            for layer, words in itertools.product(layers, options.speaker_normalisations):
                yield self._cell(condition, scored, modality, layer, words)

    def _cell(self, condition: str, part: str, modality: str, layer: str, speaker_normalisation: str) -> Job:
        at, roles, options = self.at, self._roles(layer), self.options
        fallback, variant, settings = None, options.variant(), options.finetune_settings
        if modality == "speech":
            train = test = self._speech(layer, condition)
        elif modality == "text":
            fold = roles.fold_of(condition, roles.text_train)
            train, test = (at.vectors("text_embeddings", fold, side) / "all.scp" for side in ("", self.suffix))
            fallback = self._speech((options.layer_names or self.layers)[-1], condition) if self.falls_back else None
            variant, settings = NOT_APPLICABLE, f"{options.conf}/bert.yaml"
        else:
            fold = roles.fold_of(condition, (*roles.speech, *roles.text_train))
            train, test = (at.vectors("speech+text", fold, side) / f"{layer}.scp" for side in ("", self.suffix))
            fallback = self._speech(layer, condition)
        if layer in self.frozen:
            variant, settings = NOT_APPLICABLE, f"{options.conf}/bert.yaml" if modality != "speech" else ""
        first = speaker_normalisation == options.speaker_normalisations[0]
        apart = [] if part == condition else [f"fold{part}"]
        made = at.cell(
            modality, layer, condition, *apart, *([] if first else [speaker_normalisation.replace(" ", "-")])
        )
        seed: object = NOT_APPLICABLE
        if settings:
            seed = read_yaml(settings)["fit"]["seed"] if options.seed is None else options.seed
        data, scored = at.role("backend", roles.fold_of(condition, roles.backend)), at.test(part)
        names = calls.row(roles, condition, part, modality, layer, variant, seed, options.text_name)
        words = [] if options.lda_dim is None else [f"--lda-dim={options.lda_dim}"]
        words += ["--unseen", " ".join(options.unseen)] if options.unseen else []
        if speaker_normalisation:
            names["speaker_normalisation"] = speaker_normalisation
        own = fallback if self.falls_back else None
        words += calls.cell(names, at.test(NONE), (data, train), (scored, test), made, own, at.test_text / "text")
        size = self.facts.utts([options.test]) / (1 if part == NONE else len(roles.folds))
        return job(8, "cells", made.name, words, distinct(map(str, (data, train, scored, test))), [made], size)
