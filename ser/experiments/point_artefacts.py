"""The artefacts of each point of a grid, from data dirs and pretrained models of a finished run to scores."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ser.config import read_yaml
from ser.errors import SerError
from ser.experiments.artefact import Artefact, Workshop
from ser.experiments.grid import NOT_APPLICABLE, GridConfig, GridPoint, Variant
from ser.kaldi import tables
from ser.plan.corpora import holding, read_corpora
from ser.plan.layout import Layout
from ser.plan.roles import NONE, Roles, distinct, in_order
from ser.record.digests import Digests
from ser.results.result_table import NAMES, Result

WEIGHTS = "model.safetensors"


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
        self._digests = digests
        self._at = Layout(data, exp)
        self._emotions: dict[str, frozenset[str]] = {}
        sizes = {name: len(_settings(v.config)["model"]["segment_dims"]) for name, v in config.variants.items()}
        # Variant -> segment-level layers of its net.
        self.layers = {name: tuple(f"tdnn{6 + index}" for index in range(size)) for name, size in sizes.items()}

    def folds(self) -> list[str]:
        """List the folds of the test corpus."""
        path = self._emotion_dir(self._config.test) / "utt2fold"
        return in_order(tables.read_map(path, fields=2).values()) if path.exists() else []

    def card_options(self) -> list[str]:
        """Return the options of make_protocol_card for the card of the grid."""
        config = self._config
        trained = [name for block in config.blocks for train in block.train for name in train]
        corpora = self._given_corpora((*config.pretrain, *trained, *config.text_train, config.test))
        text = ["--text-condition", "gold"] if config.text_train else []
        return ["--corpora", " ".join(map(str, corpora)), "--label-map", config.label_map, *text]

    def row(self, cell: GridPoint) -> Result:
        """Return the row of a cell in the results table, still without figures."""
        config = self._config
        return Result(
            system=config.system,
            train="+".join(self._roles(cell.train).trained_on(cell.fold, cell.modality)),
            test=config.test,
            fold="all" if cell.fold == NONE else cell.fold,
            variant=cell.variant,
            seed=str(cell.seed),
            text=NOT_APPLICABLE if cell.modality == "speech" else "gold",
            layer=cell.layer,
            modality=cell.modality,
            backend=cell.backend,
            lda_dim=cell.lda_dim if isinstance(cell.lda_dim, int) else None,
            held_out=NOT_APPLICABLE if cell.held_out == NONE else cell.held_out,
            status="planned",
        )

    def cell(self, cell: GridPoint) -> Artefact:
        """Describe the scores of a cell: its back end, result and predictions, in ``$dir/cell``."""
        config = self._config
        role = self._role(cell.train, cell.fold, cell.held_out)
        test, whole = self._given_data(self._at.test(cell.fold)), self._emotion_dir(config.test)
        vectors, scp = self._vectors(cell)
        names = {"config": config.backend_config, "protocol": config.protocol, "speakers": f"{whole}/spk2utt"}
        names |= dict(zip(NAMES, self.row(cell).name(), strict=True))
        words = " ".join(
            f"--{name.replace('_', '-')} {value}" for name, value in names.items() if value != NOT_APPLICABLE
        )
        return self._make(
            "cell",
            f"python3 -m ser.bin.evaluate_backend {words} {role.path}/data scp:{scp} {test} scp:{scp} $dir/cell",
            inputs=(role, vectors),
            given=self._digest_data(test, whole),
            after=(self._audit(cell.train, cell.fold, cell.held_out),),
        )

    def _vectors(self, cell: GridPoint) -> tuple[Artefact, str]:
        """Return the artefact with the vectors of a cell, and its scp file."""
        if cell.modality == "text":
            text = self._text_vectors(cell.train, cell.fold, cell.held_out)
            return text, f"{text.path}/all.scp"
        speech = self._embeddings(cell)
        if cell.modality == "speech":
            return speech, f"{speech.path}/{cell.layer}.scp"
        text = self._text_vectors(cell.train, cell.fold, cell.held_out)
        # evaluate_backend reports utterances without text; training utterances of a held-out class never have a vector.
        joined = self._make(
            "joined",
            f"python3 -m ser.bin.concat_vectors --allow-missing true scp:{speech.path}/{cell.layer}.scp "
            f"scp:{text.path}/all.scp ark,scp:$dir/vectors.ark,$dir/vectors.scp",
            inputs=(speech, text),
        )
        return joined, f"{joined.path}/vectors.scp"

    def _embeddings(self, cell: GridPoint) -> Artefact:
        """Embeddings of all layers of a net, for back-end training and test utterances: ``$dir/<layer>.scp``."""
        net = self._net(cell)
        sources = [self._emotion_dir(name) for name in distinct((*cell.train, self._config.test))]
        command = f"utils/combine_data.sh $dir/data {' '.join(map(str, sources))}"
        embedded = self._make("embedded", command, given=self._digest_data(*sources))
        return self._make(
            "embeddings",
            f"steps/extract_embeddings.sh --nj 1 --layers {','.join(self.layers[cell.variant])} "
            f"{net.path}/model {embedded.path}/data $dir",
            inputs=(net, embedded),
        )

    def _net(self, cell: GridPoint) -> Artefact:
        """The pretrained net fine-tuned on emotion: ``$dir/model``. The run's own net is adopted if it is the same."""
        variant = self._config.variants[cell.variant]
        settings = _settings(variant.config)
        settings["fit"]["seed"] = cell.seed
        role = self._role(cell.train, cell.fold, cell.held_out, variant)
        initial = self._given_model("pretrain", self._fold(cell.fold, self._config.pretrain))
        adopt = f"python3 -m ser.bin.adopt_net {self._at.model('finetune', cell.fold)} $dir/config.yaml"
        return self._make(
            "net",
            f"steps/train_xvector.sh --config $dir/config.yaml --init-model {initial} "
            f"{role.path}/data {role.path}/data/utt2emo $dir/model",
            inputs=(role,),
            given={str(initial): self._digests.model(initial)},
            files={"config.yaml": yaml.safe_dump(settings, sort_keys=False)},
            shortcuts=(f"{adopt} {initial} {role.path}/data $dir/model",),
            after=(self._audit(cell.train, cell.fold, cell.held_out, variant),),
            trains=True,
        )

    def _text_model(self, fold: str, held_out: str) -> _TextModel:
        """The run's own text model; with a held-out class, one trained with the same settings without that class."""
        config = self._config
        fold = self._fold(fold, config.text_train)
        own = self._given_model("text", fold)
        if held_out == NONE:
            donors = self._given_data(self._at.role("text", fold))
            given = {str(own): self._digests.model(own)} | self._digest_data(donors)
            return _TextModel(str(own), str(donors), (), given)
        role = self._role(config.text_train, fold, held_out)
        settings = _settings(str(own / "config.yaml"))
        weights = Path(settings["text_model"]) / WEIGHTS
        made = self._make(
            "text_model",
            f"steps/train_text.sh --config $dir/config.yaml {role.path}/data {role.path}/data/utt2emo $dir/model",
            inputs=(role,),
            given={str(weights): self._digests.file(weights)} if weights.is_file() else {},
            files={"config.yaml": yaml.safe_dump(settings, sort_keys=False)},
            trains=True,
        )
        return _TextModel(f"{made.path}/model", f"{role.path}/data", (made, role), {})

    def _text_vectors(self, train: tuple[str, ...], fold: str, held_out: str) -> Artefact:
        """Text vectors of back-end training and test utterances: ``$dir/all.scp``."""
        config = self._config
        text = self._text_model(fold, held_out)
        sources = [self._emotion_dir(name) for name in distinct((*train, config.test))]
        commands, read = [], []
        for name, source in zip(distinct((*train, config.test)), sources, strict=True):
            if held_out != NONE and name in config.drawn_text:
                # A held-out class has no donors, and no training utterance needs one.
                part = f"$dir/parts/{source.name}"
                commands.append(f"local/make_role_dir.sh --without-class {held_out} {self._at.data} {name} {part}")
                read.append(part)
            else:
                read.append(str(source))
        return self._make(
            "text_vectors",
            *commands,
            f"local/make_text_vectors.sh --nj 1 --drawn '{' '.join(config.drawn_text)}' "
            f"{text.model} {text.donors} $dir {' '.join(read)}",
            inputs=text.inputs,
            given=text.given | self._digest_data(*sources),
        )

    def _role(self, train: tuple[str, ...], fold: str, held_out: str, variant: Variant | None = None) -> Artefact:
        """Utterances of the training corpora without the fold and without the held-out class: ``$dir/data``.

        With a variant, its noisy copies are included.
        """
        kinds = variant.kinds if variant else ("emotion",)
        sources = [self._given_data(self._at.corpus(f"{name}_{kind}")) for kind in kinds for name in train]
        copies = [self._copies(name) for name in train] if variant and variant.noise else []
        found = [*map(str, sources), *(f"{made.path}/*_aug_emotion" for made in copies)]
        if copies:
            kinds = (*kinds, "aug_emotion")
        without = f"--without-class {held_out} " if held_out != NONE else ""
        return self._make(
            "role",
            f"mkdir -p $dir/corpora && ln -sfnr -t $dir/corpora {' '.join(found)}",
            f"local/make_role_dir.sh --test {self._config.test} --fold {fold} --kinds '{' '.join(kinds)}' {without}"
            f"$dir/corpora '{' '.join(train)}' $dir/data",
            inputs=tuple(copies),
            given=self._digest_data(*sources),
        )

    def _copies(self, corpus: str) -> Artefact:
        """Noisy copies of a corpus, prepared for the nets: ``$dir/<corpus>_aug_emotion``."""
        config = self._config
        clean, musan, rirs = self._given_corpora((corpus, *holding("noise", read_corpora())))
        return self._make(
            "copies",
            f"steps/augment_data_dir.sh --kinds '{' '.join(config.noise_kinds)}' {clean} {musan} {rirs} $dir/copies",
            "steps/make_mfcc_pitch.sh --nj 1 --mfcc-config conf/mfcc.conf --pitch-config conf/pitch.conf $dir/copies",
            "steps/prepare_feats.sh --nj 1 --cmvn-config conf/cmvn.conf $dir/copies $dir/copies_no_sil",
            f"utils/apply_label_map.sh {config.label_map} $dir/copies_no_sil $dir/{corpus}_aug_emotion",
            given=self._digest_data(clean, musan, rirs),
        )

    def _audit(self, train: tuple[str, ...], fold: str, held_out: str, variant: Variant | None = None) -> Artefact:
        """The audit: a fold's test set must share nothing with its training sets; if it fails, nothing is trained."""
        config = self._config
        role = self._role(train, fold, held_out, variant)
        test = self._given_data(self._at.test(fold))
        pretrain = self._given_data(self._at.role("pretrain", self._fold(fold, config.pretrain)))
        text_fold = self._fold(fold, config.text_train)
        text = [self._given_data(self._at.role("text", text_fold))] if config.text_train else []
        corpora = self._given_corpora((*config.pretrain, *train, *config.text_train, config.test))
        return self._make(
            "audit",
            f"python3 -m ser.bin.audit_protocol --corpora '{' '.join(map(str, corpora))}' --out $dir/audit.tsv {test} "
            f"pretrain={pretrain} {''.join(f'text={path} ' for path in text)}finetune+backend={role.path}/data",
            inputs=(role,),
            given=self._digest_data(test, pretrain, *text, *corpora),
        )

    def _classes(self, corpus: str) -> frozenset[str]:
        if corpus not in self._emotions:
            utt2emo = tables.read_map(self._emotion_dir(corpus) / "utt2emo", fields=2)
            self._emotions[corpus] = frozenset(utt2emo.values())
        return self._emotions[corpus]

    def _fold(self, fold: str, corpora: tuple[str, ...]) -> str:
        return self._roles(()).fold_of(fold, corpora)

    def _roles(self, train: tuple[str, ...]) -> Roles:
        """Return the roles of a point of the grid: a run with the same corpora for net and back end."""
        config = self._config
        return Roles(config.pretrain, train, train, config.text_train, config.test, ())

    def _emotion_dir(self, corpus: str) -> Path:
        return self._given_data(self._at.emotion(corpus))

    def _given_data(self, folder: Path) -> Path:
        return self._given(folder, "utt2spk", "data dir")

    def _given_corpora(self, names: Iterable[str]) -> list[Path]:
        return [self._given_data(self._at.corpus(name)) for name in distinct(names)]

    def _given_model(self, kind: str, fold: str) -> Path:
        return self._given(self._at.model(kind, fold), WEIGHTS, "finished model")

    def _given(self, folder: Path, name: str, what: str) -> Path:
        if not (folder / name).is_file():
            options = f"the options of earlier runs are in {self._at.exp}/commands.txt"
            raise SerError(f"{folder}: no {what}; make it by ./run.sh --name {self._config.run} ({options})")
        return folder

    def _digest_data(self, *folders: Path) -> dict[str, str]:
        return {str(folder): self._digests.data_dir(folder) for folder in folders}


def _settings(path: str) -> dict[str, Any]:
    """Read the YAML of a training and check for the sections that a grid needs."""
    settings = read_yaml(path)
    if not isinstance(settings, dict) or not isinstance(settings.get("fit"), dict) or "model" not in settings:
        raise SerError(f"{path}: expected the settings of a training, with the sections model and fit")
    return settings
