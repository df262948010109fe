"""The artefacts of each point of a grid, from data dirs and pretrained models of a finished run to scores."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ser.config import read_yaml
from ser.errors import SerError
from ser.experiments.artefact import Artefact, Workshop, shell_words
from ser.experiments.finished_run import WEIGHTS, FinishedRun
from ser.experiments.grid import NOT_APPLICABLE, GridConfig, GridPoint, Variant
from ser.kaldi import tables
from ser.plan import calls
from ser.plan.corpora import holding, read_corpora
from ser.plan.layout import Layout
from ser.plan.roles import NONE, Roles, distinct, in_order
from ser.record.digests import Digests
from ser.results.result_table import NAMES, Result

# The folder of an artefact, as its commands write it; of a cell's, what holds the files of evaluate_backend; of an
# audit's, the table.
_DIR = Path("$dir")
CELL = "cell"
AUDIT = "audit.tsv"


class _TextModel(NamedTuple):
    """A text model: its folder, the data dir of its training, and the artefacts or files that both come from."""

    model: str
    donors: str
    inputs: tuple[Artefact, ...]
    given: dict[str, str]


class PointArtefacts:
    """The artefacts of a grid's cells. Each method describes one kind; equal arguments give the same artefact.

    Parameters
    ----------
    config : the grid.
    workshop, digests : factory of artefacts, and digests of the run's files.
    data, exp : the folders of the run, data/<run> and exp/<run>.
    """

    def __init__(self, config: GridConfig, workshop: Workshop, digests: Digests, data: Path, exp: Path) -> None:
        self._config = config
        self._make = workshop.artefact
        self._run = FinishedRun(config.run, Layout(data, exp), digests)
        self._at = self._run.at
        self._frozen = config.frozen_layers
        sizes = {name: len(_settings(v.config)["model"]["segment_dims"]) for name, v in config.variants.items()}
        # Variant -> segment-level layers of its net.
        self.layers = {name: tuple(f"tdnn{6 + index}" for index in range(size)) for name, size in sizes.items()}

    def folds(self) -> list[str]:
        """List the folds of the test corpus."""
        path = self._run.emotion(self._config.test) / "utt2fold"
        return in_order(tables.read_map(path, fields=2).values()) if path.exists() else []

    def card_options(self) -> list[str]:
        """Return the options of make_protocol_card for the card of the grid."""
        config = self._config
        trained = [name for block in config.blocks for train in (*block.train, *block.backend_train) for name in train]
        corpora = self._run.corpora((*config.pretrain, *trained, *config.text_train, config.test))
        text = ["--text-condition", "gold"] if config.text_train else []
        return ["--corpora", " ".join(map(str, corpora)), "--label-map", config.label_map, *text]

    def row(self, cell: GridPoint) -> Result:
        """Return the row of a cell in the results table, still without figures."""
        config = self._config
        return Result(
            system=config.system,
            train=self._roles_of(cell).train_name(cell.fold, cell.modality),
            test=config.test if cell.part == NOT_APPLICABLE else calls.by_fold(config.test),
            fold=calls.row_fold(cell.fold) if cell.part == NOT_APPLICABLE else cell.part,
            variant=cell.variant,
            seed=str(cell.seed),
            text=NOT_APPLICABLE if cell.modality == "speech" else "gold",
            layer=cell.layer,
            modality=cell.modality,
            backend=cell.backend,
            lda_dim=cell.lda_dim if isinstance(cell.lda_dim, int) else None,
            held_out=NOT_APPLICABLE if cell.held_out == NONE else cell.held_out,
            status="planned",
            speaker_normalisation=cell.speaker_normalisation,
        )

    def cell(self, cell: GridPoint) -> Artefact:
        """Describe the scores of a cell: its back end, result and predictions, in ``$dir/cell``."""
        config = self._config
        backend = cell.backend_corpora
        role = self._role(backend, self._fold(cell.fold, backend), cell.held_out)
        scored = cell.fold if cell.part == NOT_APPLICABLE else cell.part
        test, whole = self._run.data_dir(self._at.test(scored)), self._run.emotion(config.test)
        vectors, scp = self._vectors(cell)
        names = {"config": config.backend_config, "protocol": config.protocol}
        names |= dict(zip(NAMES, self.row(cell).name(), strict=True))
        names["unseen"] = " ".join(config.unseen) or NOT_APPLICABLE
        names = {name: value for name, value in names.items() if value != NOT_APPLICABLE}
        words = calls.cell(names, whole, (_data(role), scp), (test, scp), _DIR / CELL)
        return self._make(
            "cell",
            shell_words("python3 -m ser.bin.evaluate_backend", words),
            inputs=(role, vectors),
            given=self._run.digest_data(test, whole),
            after=(self._audit(backend, self._fold(cell.fold, backend), cell.held_out),),
        )

    def _vectors(self, cell: GridPoint) -> tuple[Artefact, str]:
        """Return the artefact with the vectors of a cell, and its scp file."""
        if cell.modality == "text":
            text = self._text_vectors(cell.backend_corpora, cell.fold, cell.held_out)
            return text, f"{text.path}/all.scp"
        speech, layer = self._embeddings(cell)
        if cell.modality == "speech":
            return speech, f"{speech.path}/{layer}.scp"
        text = self._text_vectors(cell.backend_corpora, cell.fold, cell.held_out)
        # evaluate_backend reports utterances without text; training utterances of a held-out class never have a vector.
        words = calls.joined(f"{speech.path}/{layer}.scp", f"{text.path}/all.scp", _DIR / "vectors")
        command = shell_words("python3 -m ser.bin.concat_vectors --allow-missing true", words)
        joined = self._make("joined", command, inputs=(speech, text))
        return joined, f"{joined.path}/vectors.scp"

    def _embeddings(self, cell: GridPoint) -> tuple[Artefact, str]:
        """Embeddings of all layers of a net or of an encoder, for back-end training and test utterances:
        ``$dir/<layer>.scp``; and the cell's layer."""
        sources = [self._run.emotion(name) for name in distinct((*cell.backend_corpora, self._config.test))]
        command = f"utils/combine_data.sh $dir/data {' '.join(map(str, sources))}"
        embedded = self._make("embedded", command, given=self._run.digest_data(*sources))
        if cell.layer in self._frozen:
            encoder, layer = self._frozen[cell.layer]
            files = sorted(Path(encoder.source).rglob("*")) if Path(encoder.source).is_dir() else []
            made = self._make(
                "encoded",
                f"steps/extract_audio_embeddings.sh --nj 1 --encoder {encoder.source} --layers "
                f"{','.join(encoder.layers)} {embedded.path}/data $dir",
                inputs=(embedded,),
                given={name: digest for path in files for name, digest in self._run.digest_file(path).items()},
            )
            return made, layer
        net = self._net(cell)
        made = self._make(
            "embeddings",
            f"steps/extract_embeddings.sh --nj 1 --layers {','.join(self.layers[cell.variant])} "
            f"{net.path}/model {embedded.path}/data $dir",
            inputs=(net, embedded),
        )
        return made, cell.layer

    def _net(self, cell: GridPoint) -> Artefact:
        """The pretrained net fine-tuned on emotion: ``$dir/model``. The run's own net is adopted if it is the same."""
        variant = self._config.variants[cell.variant]
        settings = _settings(variant.config)
        settings["fit"]["seed"] = cell.seed
        fold = self._fold(cell.fold, cell.train)
        role = self._role(cell.train, fold, cell.held_out, variant)
        initial = self._run.model("pretrain", self._fold(cell.fold, self._config.pretrain))
        adopt = f"python3 -m ser.bin.adopt_net {self._at.model('finetune', fold)} $dir/config.yaml"
        return self._make(
            "net",
            f"steps/train_xvector.sh --config $dir/config.yaml --init-model {initial} "
            f"{role.path}/data {role.path}/data/utt2emo $dir/model",
            inputs=(role,),
            given=self._run.digest_model(initial),
            files={"config.yaml": yaml.safe_dump(settings, sort_keys=False)},
            shortcuts=(f"{adopt} {initial} {role.path}/data $dir/model",),
            after=(self._audit(cell.train, fold, cell.held_out, variant),),
            trains=True,
        )

    def _text_model(self, fold: str, held_out: str) -> _TextModel:
        """The run's own text model; with a held-out class, one trained with the same settings without that class."""
        config = self._config
        fold = self._fold(fold, config.text_train)
        own = self._run.model("text", fold)
        if held_out == NONE:
            donors = self._run.data_dir(self._at.role("text", fold))
            given = self._run.digest_model(own) | self._run.digest_data(donors)
            return _TextModel(str(own), str(donors), (), given)
        role = self._role(config.text_train, fold, held_out)
        settings = _settings(str(own / "config.yaml"))
        weights = Path(settings["text_model"]) / WEIGHTS
        made = self._make(
            "text_model",
            f"steps/train_text.sh --config $dir/config.yaml {role.path}/data {role.path}/data/utt2emo $dir/model",
            inputs=(role,),
            given=self._run.digest_file(weights),
            files={"config.yaml": yaml.safe_dump(settings, sort_keys=False)},
            trains=True,
        )
        return _TextModel(f"{made.path}/model", f"{role.path}/data", (made, role), {})

    def _text_vectors(self, train: tuple[str, ...], fold: str, held_out: str) -> Artefact:
        """Text vectors of back-end training and test utterances: ``$dir/all.scp``."""
        config = self._config
        text = self._text_model(fold, held_out)
        sources = {name: self._run.emotion(name) for name in distinct((*train, config.test))}
        commands, read = [], dict(sources)
        for name in config.drawn_text if held_out != NONE else ():
            if name in sources:
                # A held-out class has no donors, and no training utterance needs one.
                read[name] = _DIR / "parts" / sources[name].name
                words = calls.role_dir(read[name], [(name, sources[name])], "", NONE)
                commands.append(shell_words(f"local/make_role_dir.sh --without-class {held_out}", words))
        words = calls.text_vectors(text.model, text.donors, _DIR, read, config.drawn_text)
        return self._make(
            "text_vectors",
            *commands,
            shell_words("local/make_text_vectors.sh --nj 1", words),
            inputs=text.inputs,
            given=text.given | self._run.digest_data(*sources.values()),
        )

    def _role(self, train: tuple[str, ...], fold: str, held_out: str, variant: Variant | None = None) -> Artefact:
        """Utterances of the training corpora without the fold and without the held-out class: ``$dir/data``.

        With a variant, its noisy copies and those at other speeds are included.
        """
        at = self._at
        sources = [(name, self._run.emotion(name)) for name in train]
        for speed in variant.speeds if variant else ():
            sources += [(name, self._run.emotion(at.at_speed(name, speed))) for name in train]
        copies = {name: self._copies(name) for name in train} if variant and variant.noise else {}
        noisy = [(name, self._copies_dir(name, Path(made.path))) for name, made in copies.items()]
        without = f" --without-class {held_out}" if held_out != NONE else ""
        config = self._config
        without += f" --unseen '{' '.join(config.unseen)}'" if config.unseen else ""
        words = calls.role_dir(_DIR / "data", [*sources, *noisy], config.test, fold, config.hold_out_speakers)
        return self._make(
            "role",
            shell_words(f"local/make_role_dir.sh{without}", words),
            inputs=tuple(copies.values()),
            given=self._run.digest_data(*(data for _, data in sources)),
        )

    @staticmethod
    def _copies_dir(corpus: str, folder: Path) -> Path:
        """The data dir of noisy copies of a corpus in the folder of their artefact."""
        return Layout(folder, folder).emotion(Layout.noisy(corpus))

    def _copies(self, corpus: str) -> Artefact:
        """Noisy copies of a corpus, prepared for the nets: the folder `_copies_dir` in ``$dir``."""
        config, at = self._config, Layout(_DIR, _DIR)
        copies, prepared = at.corpus("copies"), at.normalised("copies")
        clean, musan, rirs = self._run.corpora((corpus, *holding("noise", read_corpora())))
        return self._make(
            "copies",
            f"steps/augment_data_dir.sh --kinds '{' '.join(config.noise_kinds)}' {clean} {musan} {rirs} {copies}",
            f"steps/make_mfcc_pitch.sh --nj 1 --mfcc-config conf/mfcc.conf --pitch-config conf/pitch.conf {copies}",
            f"steps/prepare_feats.sh --nj 1 --cmvn-config conf/cmvn.conf {copies} {prepared}",
            f"utils/apply_label_map.sh {config.label_map} {prepared} {self._copies_dir(corpus, _DIR)}",
            given=self._run.digest_data(clean, musan, rirs),
        )

    def _audit(self, train: tuple[str, ...], fold: str, held_out: str, variant: Variant | None = None) -> Artefact:
        """The audit: a fold's test set must share nothing with its training sets; if it fails, nothing is trained."""
        config = self._config
        role = self._role(train, fold, held_out, variant)
        test = self._run.data_dir(self._at.test(fold))
        pretrain = self._run.data_dir(self._at.role("pretrain", self._fold(fold, config.pretrain)))
        text_fold = self._fold(fold, config.text_train)
        given = {"pretrain": pretrain}
        if config.text_train:
            given["text"] = self._run.data_dir(self._at.role("text", text_fold))
        corpora = self._run.corpora((*config.pretrain, *train, *config.text_train, config.test))
        words = calls.audit(corpora, _DIR / AUDIT, test, {**given, "finetune+backend": _data(role)})
        return self._make(
            "audit",
            shell_words("python3 -m ser.bin.audit_protocol", words),
            inputs=(role,),
            given=self._run.digest_data(test, *given.values(), *corpora),
        )

    def _fold(self, fold: str, corpora: tuple[str, ...]) -> str:
        return fold if self._config.test in corpora else NONE

    def _roles_of(self, cell: GridPoint) -> Roles:
        """Return the roles of a point of the grid; an encoder is trained by none."""
        config = self._config
        net = ((), ()) if cell.layer in self._frozen else (config.pretrain, cell.train)
        return Roles(*net, cell.backend_corpora, config.text_train, config.test, ())


def _data(role: Artefact) -> Path:
    return Path(role.path, "data")


def _settings(path: str) -> dict[str, Any]:
    """Read the YAML of a training and check for the sections that a grid needs."""
    settings = read_yaml(path)
    if not isinstance(settings, dict) or not isinstance(settings.get("fit"), dict) or "model" not in settings:
        raise SerError(f"{path}: expected the settings of a training, with the sections model and fit")
    return settings
