"""Plan of the cross-corpus results: each corpus is scored by nets trained on other corpora. Options and jobs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser.asr.recogniser_dir import has_recogniser
from ser.config import read_yaml
from ser.errors import SerError
from ser.kaldi import tables
from ser.plan import calls
from ser.plan.corpora import check_holds, find, read_corpora
from ser.plan.facts import Facts
from ser.plan.job import Job, Plan, job
from ser.plan.options import RunOptions, check_hold_out, check_run
from ser.plan.roles import NONE, in_order

SYSTEM = "cross_corpus"
LAST_STAGE = 5
# Kind of job -> number of the stage that runs it.
KINDS = {
    "prepare": 0, "features": 1, "classes": 1, "shared": 1, "roles": 1, "folds": 1, "audit": 1,
    "nets": 2, "embedded": 3, "embeddings": 3, "encoded": 3, "cells": 4, "card": 5, "report": 5,
}  # fmt: skip
PLAIN, ADAPTED = "plain", "adapted"


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The options of local/run_cross_corpus.sh that other drivers do not have; its --help explains them."""

    among: tuple[str, ...]
    within: bool
    encoder: str
    layers: str
    label_map: str
    finetune_config: str
    hold_out_speakers: float
    backend_config: str

    @property
    def test(self) -> str:
        """The corpus whose folds are in `Facts`; this module looks up the folds of the others."""
        return self.among[0]

    @property
    def encoder_name(self) -> str:
        """Name of the encoder in the results; a recogniser, which is in the detector of a run, has the run's name."""
        folder = Path(self.encoder)
        return folder.parent.name if has_recogniser(folder) else folder.name

    @property
    def settings(self) -> str:
        """Path of the YAML file of settings of the net that each training set trains."""
        return f"{self.conf}/{self.finetune_config}.yaml"


def check(options: Options) -> list[str]:
    """Refuse settings that would otherwise fail only later; return warnings (there are none)."""
    check_holds("among", options.among, ["speech", "emotion"], read_corpora())
    if len(set(options.among)) < 2 or len(set(options.among)) < len(options.among):
        raise SerError(f"--among '{' '.join(options.among)}': name two corpora or more, each once")
    nets = [] if options.encoder else [options.settings]
    check_hold_out(options.hold_out_speakers)
    check_run(options, LAST_STAGE, [options.label_map, options.backend_config, *nets])
    return []


def corpora(options: Options) -> tuple[str, ...]:
    """Return all corpora that stage 0 prepares."""
    return options.among


def training_sets(test: str, among: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the training sets whose nets score the corpus `test`: each other corpus, and all others together.

    >>> training_sets("a", ["a", "b", "c"])
    {'b': ('b',), 'c': ('c',), 'not_a': ('b', 'c')}
    """
    others = tuple(name for name in among if name != test)
    sets: dict[str, tuple[str, ...]] = {name: (name,) for name in others}
    return sets if len(others) == 1 else {**sets, f"not_{test}": others}


def plan(options: Options, facts: Facts) -> Plan:
    """List the jobs of a run."""
    builder = _Builder(options, facts)
    return Plan(KINDS, (*builder.data(), *builder.audits(), *builder.vectors(), *builder.cells(), *builder.results()))


class _Builder:
    """Makes the jobs of one run; one method for each part of the recipe, in the order of the recipe."""

    def __init__(self, options: Options, facts: Facts) -> None:
        self.options, self.facts, self.at = options, facts, options.layout
        # Training set -> its corpora (sets), and the corpora on which its net is scored (scored).
        self.sets: dict[str, tuple[str, ...]] = {}
        self.scored: dict[str, list[str]] = {}
        for test in options.among:
            for name, members in training_sets(test, options.among).items():
                self.sets[name] = members
                self.scored.setdefault(name, []).append(test)
        self.folds = {name: self._folds_of(name) for name in options.among} if options.within else {}

    def _folds_of(self, name: str) -> tuple[str, ...]:
        """Return the folds of a corpus: those of its data dir or, if that does not exist yet, the published ones."""
        made = self.at.corpus(name)
        if not (made / "utt2spk").is_file():
            return find(name, read_corpora()).fold_names
        if not (made / "utt2fold").is_file():
            return ()
        return tuple(in_order(set(tables.read_map(made / "utt2fold", fields=2).values())))

    def _shared(self, name: str) -> Path:
        return self.at.corpus(f"{name}_shared")

    def _training_dir(self, name: str) -> Path:
        return self.at.data / f"train_{name}"

    def data(self) -> Iterator[Job]:
        at, options = self.at, self.options
        for name in options.among:
            folder, size = options.folder(name), self.facts.utts([name])
            words = [f"local/prepare_{name}.sh", folder, at.corpus(name)]
            yield job(0, "prepare", name, words, [folder], [at.corpus(name)], size)
            dirs = [at.corpus(name), at.normalised(name)]
            yield job(1, "features", name, dirs, dirs[:1], dirs[1:], size)
            yield job(1, "classes", name, [dirs[1], at.emotion(name)], dirs[1:], [at.emotion(name)])
        pairs = [f"{at.emotion(name)}={self._shared(name)}" for name in options.among]
        made = at.exp / "classes.tsv"
        outputs = [made, *map(self._shared, options.among)]
        yield job(1, "shared", "classes", [made, *pairs], map(at.emotion, options.among), outputs)
        for name, members in self.sets.items():
            yield self._role(name, self._training_dir(name), members)
        for name, folds in self.folds.items():
            for fold in folds:
                test = at.role(f"{name}_test", fold)
                words = ["--part", "test", fold, self._shared(name), test]
                yield job(1, "folds", f"{name}_test_{fold}", words, [self._shared(name)], [test])
                yield self._role(f"{name}_{fold}", at.role(f"{name}_train", fold), (name,), fold)

    def _role(self, name: str, made: Path, members: Sequence[str], fold: str = NONE) -> Job:
        """Combine the corpora of a training set, without the fold, and list speakers whom no net is trained on."""
        sources = [(member, self._shared(member)) for member in members]
        share = 0.0 if self.options.encoder else self.options.hold_out_speakers
        words = calls.role_dir(made, sources, NONE if fold == NONE else members[0], fold, share)
        return job(1, "roles", name, words, [data for _, data in sources], [made])

    def audits(self) -> Iterator[Job]:
        at = self.at
        whole = " ".join(str(at.corpus(name)) for name in self.options.among)
        for name, tests in self.scored.items():
            for test in tests:
                yield self._audit(whole, f"{test}_by_{name}", self._shared(test), self._training_dir(name))
        for name, folds in self.folds.items():
            for fold in folds:
                dirs = [at.role(f"{name}_{part}", fold) for part in ("test", "train")]
                yield self._audit(whole, f"{name}_{fold}", *dirs)

    def _audit(self, whole: str, name: str, test: Path, train: Path) -> Job:
        made = self.at.audit(name)
        words = ["--corpora", whole, "--out", made, test, f"backend={train}"]
        return job(1, "audit", name, words, [test, train], [made])

    def _nets(self) -> dict[str, Path]:
        """Map the name of each net (a training set, or corpus and fold) to its training data dir."""
        nets = {name: self._training_dir(name) for name in self.sets}
        for name, folds in self.folds.items():
            nets |= {f"{name}_{fold}": self.at.role(f"{name}_train", fold) for fold in folds}
        return nets

    def vectors(self) -> Iterator[Job]:
        at, options = self.at, self.options
        sources = [self._shared(name) for name in options.among]
        embedded, size = at.embedded, self.facts.utts(options.among)
        yield job(3, "embedded", "embedded", [embedded, *sources], sources, [embedded], size)
        if options.encoder:
            made = at.exp / "embeddings"
            yield job(3, "encoded", "encoder", [embedded, made], [embedded], [made], size)
            return
        for name, data in self._nets().items():
            model, made = at.model("net", name), at.vectors("embeddings", name)
            words = [*options.seed_override(), "--config", options.settings, data, data / "utt2emo", model]
            yield job(2, "nets", name, words, [data], [model], self.facts.utts(self.sets.get(name, ())))
            yield job(3, "embeddings", name, [model, embedded, made], [model, embedded], [made], size)

    def cells(self) -> Iterator[Job]:
        for layer in self.options.layers.replace(",", " ").split():
            for name, tests in self.scored.items():
                for test in tests:
                    for variant in (PLAIN, ADAPTED):
                        yield self._cell(name, "+".join(self.sets[name]), test, "all", variant, layer)
            for name, folds in self.folds.items():
                for fold in folds:
                    yield self._cell(f"{name}_{fold}", name, name, fold, PLAIN, layer)

    def _cell(self, net: str, train: str, test: str, fold: str, variant: str, layer: str) -> Job:
        at, options = self.at, self.options
        within = train == test
        data = at.role(f"{test}_train", fold) if within else self._training_dir(net)
        scored = at.role(f"{test}_test", fold) if within else self._shared(test)
        folder = at.exp / "embeddings" if options.encoder else at.vectors("embeddings", net)
        vectors, made = f"scp:{folder / layer}.scp", at.cell(net, test, variant, layer)
        seed: object = "-"
        if not options.encoder:
            seed = read_yaml(options.settings)["fit"]["seed"] if options.seed is None else options.seed
        names = {
            "system": f"encoder {options.encoder_name}" if options.encoder else "xvector", "train": train,
            "test": test, "fold": fold, "variant": variant, "seed": seed, "text": "-", "layer": layer,
            "modality": "speech",
        }  # fmt: skip
        words = [word for name, value in names.items() for word in (f"--{name}", str(value))]
        words += ["--adapt", "true" if variant == ADAPTED else "false", "--speakers", f"{self._shared(test)}/spk2utt"]
        words += [str(data), vectors, str(scored), vectors, str(made)]
        size = self.facts.utts([test])
        return job(4, "cells", made.name, words, [data, scored, folder], [made], size)

    def results(self) -> Iterator[Job]:
        dirs = " ".join(str(self.at.corpus(name)) for name in self.options.among)
        made = self.at.card
        yield job(5, "card", "card", ["--corpora", dirs, self.at.exp], [self.at.audits], [made])
        exp, among = self.at.exp, [] if self.options.toy else self.options.among
        words = calls.report(exp, self.at.embedded, among)
        yield job(5, "report", "report", words, [self.at.cells], [exp / "report.html"])
