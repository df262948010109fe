"""Plan of system A: x-vectors pretrained on speakers and fine-tuned on emotion, BERT, LDA-PLDA. Its jobs."""

from collections.abc import Iterator
from pathlib import Path

from ser.config import read_yaml
from ser.errors import SerError
from ser.plan import calls
from ser.plan.calls import NOT_APPLICABLE, TEXT_LAYER
from ser.plan.corpora import holding, read_corpora
from ser.plan.facts import Facts
from ser.plan.job import Job, Plan, job
from ser.plan.roles import NONE, distinct
from ser.plan.xvector_bert_options import LAST_STAGE, Options, check

__all__ = ["KINDS", "LAST_STAGE", "SYSTEM", "Options", "check", "corpora", "plan"]

SYSTEM = "xvector_bert"
VOXCELEB = "voxceleb1"
# Kind of job -> number of the stage that runs it.
KINDS = {
    "prepare": 0, "features": 1, "augmented": 2, "speeds": 2, "classes": 2, "roles": 2, "test_folds": 2, "test_all": 2,
    "audit": 2, "pretrain": 3, "gate": 3, "finetune": 4, "embedded": 5, "embeddings": 5, "text_init": 6, "test_text": 6,
    "text": 6, "text_vectors": 6, "joined": 7, "cells": 8, "human": 9, "card": 9, "report": 9, "detector": 9,
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
        *builder.joined(), *builder.cells(), *builder.results(),
    ]  # fmt: skip
    texts = {"text_used.txt": builder.text_used()} if options.uses_text else {}
    return Plan(KINDS, tuple(jobs), texts)


class _Builder:
    """Makes the jobs of one run; one method for each part of the recipe, in the order of the recipe."""

    def __init__(self, options: Options, facts: Facts) -> None:
        self.options, self.facts = options, facts
        self.at = options.layout
        self.roles = options.roles(facts.folds)
        self.conditions = self.roles.conditions()
        # Suffix of the folders of the test vectors if the test words are not the corpus's own.
        self.suffix = "" if options.text_condition == "gold" else f"_{options.text_name}"
        self.falls_back = options.uses_speech and bool(self.suffix or facts.wordless)
        if facts.wordless and options.uses_text and not options.uses_speech and not self.suffix:
            raise SerError(
                f"some utterances of {options.test} have no words, and with --modalities text alone there is no net to"
                " score them by speech; add speech to --modalities"
            )
        self.dirs = {role: self._role_dir_jobs(role) for role in self.roles.training}

    def data_dirs(self) -> Iterator[Job]:
        at = self.at
        for name in self.options.all_corpora():
            folder, size = self.options.folder(name), self.facts.utts([name])
            words = (f"local/prepare_{name}.sh", folder, at.corpus(name))
            yield job(0, "prepare", name, words, [folder], [at.corpus(name)], size)
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
            made = [at.corpus(copies), at.normalised(copies)]
            size = self.facts.utts([name])
            yield job(2, "speeds", copies, [speed, at.corpus(name), *made], [at.corpus(name)], made, size)

    def _speed_copies(self) -> list[tuple[str, str, str]]:
        """List the speed-perturbed copies: (name of the data dir, its corpus, speed factor)."""
        speeds = self.options.finetune_speeds
        return [(self.at.at_speed(name, speed), name, speed) for name in self.roles.finetune for speed in speeds]

    def role_dirs(self) -> Iterator[Job]:
        at, options, roles = self.at, self.options, self.roles
        labelled = distinct((*roles.finetune, *roles.backend, options.test))
        noisy = roles.finetune if options.augment and options.finetune_noise else ()
        speech = [*labelled, *map(at.noisy, noisy), *(copies for copies, _, _ in self._speed_copies())]
        sources = [(name, at.normalised(name) if options.uses_speech else at.corpus(name)) for name in speech]
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
            words = calls.audit(self._corpus_dirs(), at.audit(fold), at.test(fold), trained)
            yield job(2, "audit", fold, words, [at.test(fold), *trained.values()], [at.audit(fold)])

    def _corpus_dirs(self) -> list[Path]:
        """Return the data dirs of the whole corpora, without copies."""
        used = distinct((*self.options.speech_corpora(), *self.roles.backend, self.roles.test, *self.roles.text_train))
        return sorted(self.at.corpus(name) for name in used)

    def _role_dir_jobs(self, role: str) -> list[Job]:
        """Return the jobs that combine, for each fold, the data dirs on which a role trains, with augmented copies."""
        at, options, names = self.at, self.options, self.roles.training[role]
        of = at.normalised if role == "pretrain" else at.emotion
        noisy = options.augment and (role == "pretrain" or (role == "finetune" and options.finetune_noise))
        speeds = options.finetune_speeds if role == "finetune" else ()
        times = 1 + len(options.augment) * bool(noisy) + len(speeds)
        jobs = []
        for fold in self.roles.folds_of(names):
            trained = self.roles.corpora_of(fold, names)
            sources = [(name, of(name)) for name in trained]
            sources += [(name, of(at.noisy(name))) for name in trained if noisy]
            sources += [(name, of(at.at_speed(name, speed))) for speed in speeds for name in trained]
            made = at.role(role, fold)
            words = calls.role_dir(made, sources, options.test, fold)
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
            words = [*options.seed_override(), data, data / "utt2spk", model]
            yield job(3, "pretrain", fold, words, [data], [model], self._size_of("pretrain", fold))
        if VOXCELEB in roles.pretrain and self.facts.has_trials:
            # The speakers of the trials belong to the test part of VoxCeleb1, which is not used in training.
            model, train = at.model("pretrain", NONE), at.normalised(VOXCELEB)
            test = f"{VOXCELEB}_test"
            made = [at.corpus(test), at.normalised(test), at.exp / "verification"]
            words = [options.folder(VOXCELEB), model, train, *made]
            yield job(3, "gate", VOXCELEB, words, [model, train], made)
        for fold in roles.folds_of(roles.speech):
            own = roles.fold_of(fold, roles.finetune)
            data, model = at.role("finetune", own), at.model("finetune", fold)
            initial = at.model("pretrain", roles.fold_of(fold, roles.pretrain))
            begin = ["--init-model", initial] if roles.pretrain else []
            words = [*options.seed_override(), *begin, data, data / "utt2emo", model]
            yield job(4, "finetune", fold, words, [data, *begin[1:]], [model], self._size_of("finetune", own))
        if not options.uses_speech:
            return
        sources = [at.emotion(name) for name in distinct((*roles.backend, options.test))]
        embedded, size = at.embedded, self.facts.utts(distinct((*roles.backend, options.test)))
        yield job(5, "embedded", "embedded", [embedded, *sources], sources, [embedded], size)
        for fold in roles.folds_of(roles.speech):
            model, vectors = at.model("finetune", fold), at.vectors("embeddings", fold)
            yield job(5, "embeddings", fold, [model, embedded, vectors], [model, embedded], [vectors], size)

    def text(self) -> Iterator[Job]:
        at, roles, options = self.at, self.roles, self.options
        folds = roles.folds_of(roles.text_train)
        if not folds:
            return
        encoder = options.text_model
        if (
            options.toy and not encoder
        ):  # a first try must run without the Hub: start from a tiny BERT of random weights
            encoder, source = str(at.toy_bert), at.role("text", folds[0])
            yield job(6, "text_init", "bert", [source, encoder], [source], [encoder])
        whole, test_text = at.emotion(options.test), at.data / "test_text"
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
        at, roles = self.at, self.roles
        if "speech+text" not in self.options.scored:
            return
        for fold in roles.folds_of((*roles.speech, *roles.text_train)):
            for layer in self.options.layer_names:
                for side in distinct(("", self.suffix)):  # of training; and of test, if its words are not its own
                    speech = at.vectors("embeddings", roles.fold_of(fold, roles.speech)) / f"{layer}.scp"
                    text = at.vectors("text_embeddings", roles.fold_of(fold, roles.text_train), side) / "all.scp"
                    made = at.vectors("speech+text", fold, side) / layer
                    words = calls.joined(speech, text, made)
                    yield job(7, "joined", f"{fold}{side}_{layer}", words, [speech, text], [f"{made}.scp"])

    def cells(self) -> Iterator[Job]:
        for condition in self.conditions:
            for modality in self.options.scored:
                for layer in (TEXT_LAYER,) if modality == "text" else self.options.layer_names:
                    for words in self.options.speaker_normalisations:
                        yield self._cell(condition, modality, layer, words)

    def _cell(self, condition: str, modality: str, layer: str, speaker_normalisation: str) -> Job:
        at, roles, options = self.at, self.roles, self.options
        speech = at.vectors("embeddings", roles.fold_of(condition, roles.speech))
        fallback: Path | None = speech / f"{layer}.scp"
        variant, settings, text = options.variant(), options.finetune_settings, options.text_name
        if modality == "speech":
            train = test = speech / f"{layer}.scp"
            text, fallback = NOT_APPLICABLE, None
        elif modality == "text":
            fold = roles.fold_of(condition, roles.text_train)
            train, test = (at.vectors("text_embeddings", fold, side) / "all.scp" for side in ("", self.suffix))
            fallback = speech / f"{options.layer_names[-1]}.scp"
            variant, settings = NOT_APPLICABLE, f"{options.conf}/bert.yaml"
        else:
            fold = roles.fold_of(condition, (*roles.speech, *roles.text_train))
            train, test = (at.vectors("speech+text", fold, side) / f"{layer}.scp" for side in ("", self.suffix))
        # The first one has the plain name, by which the detector finds it.
        first = speaker_normalisation == options.speaker_normalisations[0]
        made = at.cell(modality, layer, condition, *([] if first else [speaker_normalisation.replace(" ", "-")]))
        seed = read_yaml(settings)["fit"]["seed"] if options.seed is None else options.seed
        data, scored = at.role("backend", roles.fold_of(condition, roles.backend)), at.test(condition)
        names = {
            "system": SYSTEM, "train": "+".join(roles.trained_on(condition, modality)), "test": options.test,
            "fold": calls.row_fold(condition), "variant": variant, "seed": seed, "text": text,
            "layer": layer, "modality": modality,
        }  # fmt: skip
        words = [] if options.lda_dim is None else [f"--lda-dim={options.lda_dim}"]
        if speaker_normalisation:
            names["speaker_normalisation"] = speaker_normalisation
        words += calls.cell(
            names, at.test(NONE), (data, train), (scored, test), made, fallback if self.falls_back else None
        )
        size = self.facts.utts([options.test]) / (1 if condition == NONE else len(roles.folds))
        return job(8, "cells", made.name, words, distinct(map(str, (data, train, scored, test))), [made], size)

    def results(self) -> Iterator[Job]:
        at, options = self.at, self.options
        if self.facts.annotated:
            inputs, table = [at.corpus(options.test), at.test(NONE) / "utt2emo"], at.exp / "human.tsv"
            yield job(9, "human", options.test, [*inputs, table], inputs, [table])
        text = ["--text-condition", options.text_name] if options.uses_text else []
        words = ["--corpora", " ".join(map(str, self._corpus_dirs())), *text, at.exp]
        yield job(9, "card", "card", words, [at.audits], [at.card])
        # The licence of a real corpus may forbid to embed its clips: the page of errors looks the corpus's name up.
        test, trained = at.emotion(options.test), [at.emotion(name) for name in self.roles.backend]
        words = ["--test-dir", test, "--train-dirs", " ".join(map(str, trained))]
        words += [*([] if options.toy else ["--corpus", options.test]), at.exp]
        yield job(9, "report", "report", words, [at.cells], [at.exp / "report.html"])
        if "speech" in options.scored:
            made = at.exp / "detector"
            yield job(9, "detector", "detector", [at.data, at.exp, made], [at.exp], [made])

    def text_used(self) -> str:
        """Return a line of text for each corpus in the results: which words its text vectors were made from."""
        options, lines = self.options, []
        for name in self.roles.backend:
            if name in options.drawn_text:
                source = " ".join(self.roles.text_train)
                lines.append(f"{name}: of a random utterance of the same label in {source} (training only)")
            elif name != options.test:
                lines.append(f"{name}: its own words")
        known = {
            "gold": "its own words",
            NONE: "none where it is scored",
            "shuffled": "where it is scored, the words of another utterance of its fold",
        }
        where = f"where it is scored, those of {options.text_name}"
        return "".join(f"{line}\n" for line in [*lines, f"{options.test}: {known.get(options.text_condition, where)}"])
