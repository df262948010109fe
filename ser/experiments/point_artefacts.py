"""The artefacts of each point of a grid, from data dirs and pretrained models of a finished run to scores."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ser.config import read_yaml
from ser.encoders.folder import encoder_files
from ser.errors import SerError
from ser.experiments.artefact import Artefact, Workshop, shell_words
from ser.experiments.finished_run import WEIGHTS, FinishedRun
from ser.experiments.grid import GridConfig, GridPoint
from ser.experiments.training_sets import DIR, TrainingSets, data_of
from ser.plan import calls
from ser.plan.roles import NONE, Roles, distinct
from ser.plan.xvector_bert_results import text_used
from ser.results.result_table import NAMES, NOT_APPLICABLE, Result

# What holds the files of evaluate_backend in the folder of a cell.
CELL = "cell"
# The words that are scored, and those of training: the corpora's own.
TEXT = "gold"


class _Model(NamedTuple):
    """A model or the data dir of a training: its folder, and the artefacts or files that it comes from."""

    folder: str
    inputs: tuple[Artefact, ...]
    given: Mapping[str, str]


class PointArtefacts:
    """The artefacts of a grid's cells. Each method describes one kind; equal arguments give the same artefact.

    Parameters
    ----------
    config : the grid.
    workshop : factory of artefacts.
    run : the finished run that it builds on.
    """

    def __init__(self, config: GridConfig, workshop: Workshop, run: FinishedRun) -> None:
        self._config, self._make, self._run, self._at = config, workshop.artefact, run, run.at
        self._sets = TrainingSets(config, workshop, self._run)
        self._frozen = config.frozen_layers
        sizes = {name: len(_settings(v.config)["model"]["segment_dims"]) for name, v in config.variants.items()}
        # Variant -> segment-level layers of its net.
        self.layers = {name: tuple(f"tdnn{6 + index}" for index in range(size)) for name, size in sizes.items()}

    def card_options(self) -> list[str]:
        """Return the options of make_protocol_card for the card of the grid."""
        roles = self._run.roles
        corpora = self._run.corpora((*roles.pretrain, *self._trained(), *roles.text_train, roles.test))
        return [*calls.card(corpora, TEXT if self._with_text() else None), "--label-map", self._run.options.label_map]

    def text_used(self) -> str:
        """Return which words the text vectors of each corpus are made from, a line each; empty if no cell has text."""
        corpora = self._with_text()
        return text_used(replace(self._run.options, text_condition=TEXT), corpora) if corpora else ""

    def _with_text(self) -> tuple[str, ...]:
        """Return the corpora that train the back ends of cells with text."""
        blocks = [block for block in self._config.blocks if any("text" in modality for modality in block.modality)]
        return distinct(
            name
            for block in blocks
            for train, backend in itertools.product(block.train, block.backend_train)
            for name in backend or train
        )

    def report_options(self, exp: Path) -> list[str]:
        """Return the arguments of steps/make_report.sh for the grid in the folder `exp`."""
        options, at = self._run.options, self._run.at
        real = [] if options.toy else [options.test]
        return calls.report(exp, at.emotion(options.test), real, map(at.emotion, self._trained()))

    def _trained(self) -> tuple[str, ...]:
        """Return the corpora that train nets or back ends of any block."""
        return distinct(
            name for block in self._config.blocks for train in (*block.train, *block.backend_train) for name in train
        )

    def row(self, cell: GridPoint) -> Result:
        """Return the row of a cell in the results table, still without figures."""
        named = calls.row(
            self._roles_of(cell), cell.fold, cell.scored, cell.modality, cell.layer, cell.variant, cell.seed, TEXT
        )
        names: dict[str, Any] = {name: str(value) for name, value in named.items()}
        return Result(
            **names,
            backend=cell.backend,
            lda_dim=cell.lda_dim if isinstance(cell.lda_dim, int) else None,
            held_out=NOT_APPLICABLE if cell.held_out == NONE else cell.held_out,
            status="planned",
            speaker_normalisation=cell.speaker_normalisation,
        )

    def cell(self, cell: GridPoint) -> Artefact:
        """Describe the scores of a cell: its back end, result and predictions, in ``$dir/cell``."""
        config, options, roles = self._config, self._run.options, self._roles_of(cell)
        fold = roles.fold_of(cell.fold, roles.backend)
        role = self._sets.role(roles.backend, fold, cell.held_out)
        test, whole = self._run.data_dir(self._at.test(cell.scored)), self._run.emotion(options.test)
        vectors = [self._vectors(one) for one in cell.of_each_seed()]
        names = {"config": config.backend_config, "protocol": config.protocol}
        names |= dict(zip(NAMES, self.row(cell).name(), strict=True))
        names["unseen"] = " ".join(options.unseen) or NOT_APPLICABLE
        names = {name: value for name, value in names.items() if value != NOT_APPLICABLE}
        (_, scp), *others = vectors
        also = [word for _, other in others for word in ("--also", f"scp:{other}", f"scp:{other}")]
        words = [*also, *calls.cell(names, whole, (data_of(role), scp), (test, scp), DIR / CELL)]
        return self._make(
            "cell",
            shell_words("python3 -m ser.bin.evaluate_backend", words),
            inputs=(role, *(made for made, _ in vectors)),
            given=self._run.digest_data(test, whole),
            after=(self._sets.audit(roles.backend, fold, cell.held_out),),
        )

    def _vectors(self, cell: GridPoint) -> tuple[Artefact, str]:
        """Return the artefact with the vectors of a cell, and its scp file."""
        if cell.modality == "text":
            text = self._text_vectors(cell)
            return text, f"{text.path}/all.scp"
        speech, layer = self._embeddings(cell)
        if cell.modality == "speech":
            return speech, f"{speech.path}/{layer}.scp"
        text = self._text_vectors(cell)
        # evaluate_backend reports utterances without text; training utterances of a held-out class never have a vector.
        words = calls.joined(f"{speech.path}/{layer}.scp", f"{text.path}/all.scp", DIR / "vectors")
        command = shell_words("python3 -m ser.bin.concat_vectors --allow-missing true", words)
        joined = self._make("joined", command, inputs=(speech, text))
        return joined, f"{joined.path}/vectors.scp"

    def _embeddings(self, cell: GridPoint) -> tuple[Artefact, str]:
        """Embeddings of all layers of a net or of an encoder, for back-end training and test utterances:
        ``$dir/<layer>.scp``; and the cell's layer."""
        sources = [self._run.emotion(name) for name in distinct((*cell.backend_corpora, self._run.options.test))]
        command = f"utils/combine_data.sh $dir/data {' '.join(map(str, sources))}"
        embedded = self._make("embedded", command, given=self._run.digest_data(*sources))
        if cell.layer in self._frozen:
            encoder, layer = self._frozen[cell.layer]
            files = encoder_files(Path(encoder.source))
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
        fold = self._run.roles.fold_of(cell.fold, cell.train)
        role = self._sets.role(cell.train, fold, cell.held_out, variant)
        initial = self._pretrained(cell)
        adopt = f"python3 -m ser.bin.adopt_net {self._at.model('finetune', fold)} $dir/config.yaml"
        return self._make(
            "net",
            f"steps/train_xvector.sh --config $dir/config.yaml --init-model {initial.folder} "
            f"{role.path}/data {role.path}/data/utt2emo $dir/model",
            inputs=(role, *initial.inputs),
            given=initial.given,
            files=_config_file(settings),
            shortcuts=(f"{adopt} {initial.folder} {role.path}/data $dir/model",),
            after=(self._sets.audit(cell.train, fold, cell.held_out, variant),),
            trains=True,
        )

    def _pretrained(self, cell: GridPoint) -> _Model:
        """The run's own pretrained net; with another seed, one of the same settings and data: ``$dir/model``."""
        fold = self._run.roles.fold_of(cell.fold, self._run.roles.pretrain)
        own, data = self._run.model("pretrain", fold), self._at.role("pretrain", fold)
        settings = _settings(f"{own}/config.yaml")
        if settings["fit"]["seed"] == cell.seed:
            return _Model(str(own), (), self._run.digest_model(own))
        settings["fit"]["seed"] = cell.seed
        made = self._make(
            "pretrained",
            f"steps/train_xvector.sh --config $dir/config.yaml {data} {data}/utt2spk $dir/model",
            given=self._run.digest_data(self._run.data_dir(data)),
            files=_config_file(settings),
            trains=True,
        )
        return _Model(f"{made.path}/model", (made,), {})

    def _text_model(self, cell: GridPoint) -> tuple[_Model, _Model]:
        """The run's own text model, and its training data dir, from which texts are drawn.

        With another seed or a held-out class, it is a text model that the grid trains with the same settings.
        """
        roles = self._roles_of(cell)
        fold = roles.fold_of(cell.fold, roles.text_train)
        own, data = self._run.model("text", fold), self._at.role("text", fold)
        settings = _settings(f"{own}/config.yaml")
        if cell.held_out == NONE:
            donors = _Model(str(data), (), self._run.digest_data(self._run.data_dir(data)))
        else:
            role = self._sets.text_role(roles, fold, cell.held_out)
            donors = _Model(f"{role.path}/data", (role,), {})
        if cell.held_out == NONE and settings["fit"]["seed"] == cell.seed:
            return _Model(str(own), (), self._run.digest_model(own)), donors
        settings["fit"]["seed"] = cell.seed
        made = self._make(
            "text_model",
            f"steps/train_text.sh --config $dir/config.yaml {donors.folder} {donors.folder}/utt2emo $dir/model",
            inputs=donors.inputs,
            given={**donors.given, **self._run.digest_file(Path(settings["text_model"]) / WEIGHTS)},
            files=_config_file(settings),
            trains=True,
        )
        return _Model(f"{made.path}/model", (made,), {}), donors

    def _text_vectors(self, cell: GridPoint) -> Artefact:
        """Text vectors of back-end training and test utterances: ``$dir/all.scp``."""
        options = self._run.options
        model, donors = self._text_model(cell)
        sources = {name: self._run.emotion(name) for name in distinct((*cell.backend_corpora, options.test))}
        commands, read = [], dict(sources)
        for name in options.drawn_text if cell.held_out != NONE else ():
            if name in sources:
                # A held-out class has no donors, and no training utterance needs one.
                read[name] = DIR / "parts" / sources[name].name
                words = calls.role_dir(read[name], [(name, sources[name])], "", NONE)
                commands.append(shell_words(f"local/make_role_dir.sh --without-class {cell.held_out}", words))
        pooling = ["--pooling", options.pooling] if options.pooling else []
        words = [*pooling, *calls.text_vectors(model.folder, donors.folder, DIR, read, options.drawn_text)]
        return self._make(
            "text_vectors",
            *commands,
            shell_words(f"local/make_text_vectors.sh --nj 1 --seed {cell.seed}", words),
            inputs=(*model.inputs, *donors.inputs),
            given={**model.given, **donors.given, **self._run.digest_data(*sources.values())},
        )

    def _roles_of(self, cell: GridPoint) -> Roles:
        """Return the roles of a point of the grid; a published encoder is trained on none of the corpora."""
        roles = replace(self._run.roles, finetune=cell.train, backend=cell.backend_corpora)
        return replace(roles, pretrain=(), finetune=()) if cell.layer in self._frozen else roles


def _config_file(settings: dict[str, Any]) -> dict[str, str]:
    return {"config.yaml": yaml.safe_dump(settings, sort_keys=False)}


def _settings(path: str) -> dict[str, Any]:
    """Read the YAML of a training and check for the sections that a grid needs."""
    settings = read_yaml(path)
    if not isinstance(settings, dict) or not isinstance(settings.get("fit"), dict) or "model" not in settings:
        raise SerError(f"{path}: expected the settings of a training, with the sections model and fit")
    return settings
