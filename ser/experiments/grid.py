"""The axes of a grid, as ``conf/experiments.yaml`` declares them, and the cells that they span."""

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ser.backend.speaker_normalisation import SpeakerNormalisation
from ser.errors import SerError
from ser.plan.calls import TEXT_LAYER
from ser.plan.encoders import Encoder, by_column, read_encoders
from ser.plan.roles import NONE, Roles
from ser.results.result_table import AVERAGE, NO_NORMALISATION, NOT_APPLICABLE

Modality = Literal["speech", "text", "speech+text"]
Backend = Literal["plda", "cosine", "logistic"]
Scored = Literal["whole", "folds"]


@dataclass(frozen=True)
class Variant:
    """A way to fine-tune the x-vector net.

    Attributes
    ----------
    config : YAML of its settings.
    noise : whether noisy copies of the speech are trained on as well.
    speeds : factors of the run's slower and faster copies that it trains on as well, such as ``0.9``.
    """

    config: str
    noise: bool
    speeds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A part of the grid: the product of its axes.

    `fold` []: all folds of the test corpus; `lda_dim` 0: K-1; `speaker_normalisation`: none, all, or first N. `train`
    are corpora of net and back end; `backend_train` are those of the back end if they differ, else []. `scored` says
    how models that were not trained on the test corpus are scored: on the ``whole`` corpus, or on each of its
    ``folds``, so on the trials of models that were trained on its other folds. `seed` is that of all trainings behind a
    cell, from pretraining to text model, and of the draw of texts; `average_seeds` adds a cell of the scores averaged
    over seeds.
    """

    variant: tuple[str, ...]
    train: tuple[tuple[str, ...], ...]
    fold: tuple[str, ...]
    layer: tuple[str, ...]
    modality: tuple[Modality, ...]
    lda_dim: tuple[int, ...]
    backend: tuple[Backend, ...]
    seed: tuple[int, ...]
    held_out: tuple[str, ...]
    speaker_normalisation: tuple[str, ...] = (NO_NORMALISATION,)
    backend_train: tuple[tuple[str, ...], ...] = ((),)
    scored: tuple[Scored, ...] = ("whole",)
    average_seeds: bool = False


@dataclass(frozen=True)
class GridConfig:
    """The contents of conf/experiments.yaml.

    Attributes
    ----------
    name : name of the grid; its folder is exp/<run>/experiments/<name>.
    run : name of the finished ./run.sh that it builds on: data/<run>, exp/<run>. Test corpus, pretraining and drawn
        texts, classes and held-out speakers are options of that run.
    noise_kinds : kinds of noisy copies: reverb, noise, music, babble.
    backend_config, protocol : YAML of the back end, and YAML of the figures that are reported of a cell.
    variants : name -> variant.
    blocks : parts of the grid, which is their union.
    encoders : published audio encoders, as --encoders of ./run.sh names them; their layers are ``<name>_<layer>``.
    """

    name: str
    run: str
    noise_kinds: tuple[str, ...]
    backend_config: str
    protocol: str
    variants: dict[str, Variant]
    blocks: tuple[Block, ...]
    encoders: tuple[str, ...] = ()

    @property
    def frozen_layers(self) -> dict[str, tuple[Encoder, str]]:
        """The layers of the encoders by their names in the results: each one's encoder and layer."""
        return by_column(read_encoders(self.encoders))


@dataclass(frozen=True)
class GridPoint:
    """A point of the grid, one row of the results.

    `fold` is the fold that training leaves out, and is scored; it is ``none`` if the test corpus is not in training. In
    that case `part` is the fold that is scored, or ``-`` for the whole corpus; in other cases it is ``-``. `averaged`
    are the seeds whose scores are averaged if `seed` is ``average``.
    """

    variant: str
    seed: int | str
    train: tuple[str, ...]
    fold: str
    layer: str
    modality: str
    backend: str
    lda_dim: int | str
    held_out: str
    speaker_normalisation: str = NO_NORMALISATION
    backend_train: tuple[str, ...] = ()
    part: str = NOT_APPLICABLE
    averaged: tuple[int, ...] = ()

    @property
    def backend_corpora(self) -> tuple[str, ...]:
        """The corpora that train the back end."""
        return self.backend_train or self.train

    @property
    def scored(self) -> str:
        """The fold that is scored, ``none`` for the whole test corpus."""
        return self.fold if self.part == NOT_APPLICABLE else self.part

    def of_each_seed(self) -> list["GridPoint"]:
        """List the points whose scores this one averages; only itself if it has one seed."""
        return [replace(self, seed=seed, averaged=()) for seed in self.averaged] or [self]


@dataclass(frozen=True)
class Expansion:
    """The cells of a grid, each once, and the number of points in the blocks' products.

    Attributes
    ----------
    cells : in the order of the blocks.
    points : number of points in all products.
    absent : number of points with a layer that the variant does not have.
    """

    cells: tuple[GridPoint, ...]
    points: int
    absent: int

    @property
    def shared(self) -> int:
        """Number of points that repeat a cell: text has no variant, training without the test corpus no folds."""
        return self.points - self.absent - len(self.cells)


def expand(config: GridConfig, layers: Mapping[str, Collection[str]], roles: Roles) -> Expansion:
    """Expand the blocks of a grid into its cells.

    Parameters
    ----------
    config : the grid.
    layers : variant -> segment-level layers of its net.
    roles : those of the run, with the folds of the test corpus.

    Raises
    ------
    SerError
        If an axis of a block is empty, or names an unknown variant, fold or layer.
    """
    cells: dict[GridPoint, None] = {}
    points = absent = 0
    frozen = config.frozen_layers
    for number, block in enumerate(config.blocks):
        where = f"block {number + 1} of the grid {config.name}"
        _check_known(where, "variant", block.variant, config.variants)
        _check_known(where, "fold", block.fold, roles.folds)
        for words in block.speaker_normalisation:
            SpeakerNormalisation.parse(words)
        _check_known(where, "layer", block.layer, {*frozen, *(layer for known in layers.values() for layer in known)})
        of_block = list(_product(block, roles, frozen))
        if block.average_seeds and len(set(block.seed)) < 2:
            raise SerError(f"{where}: average_seeds: there is one seed; give two or more, or leave average_seeds out")
        if not of_block:
            raise SerError(f"{where}: an axis is empty; give each at least one value (fold: [] is every fold)")
        points += len(of_block)
        for point in of_block:
            if point.modality != "text" and point.layer not in {*layers[point.variant], *frozen}:
                absent += 1
            else:
                cells[_normalised(point, frozen)] = None
    return Expansion(tuple(cells), points, absent)


def _without_net(modality: str, layer: str, frozen: Collection[str]) -> bool:
    """Tell whether no net is fine-tuned for a point, so that only the back end's corpora matter."""
    return modality == "text" or layer in frozen


def _product(block: Block, roles: Roles, frozen: Collection[str]) -> Iterator[GridPoint]:
    # Two products, since a type checker cannot follow one product of so many axes.
    corpora = itertools.product(block.train, block.backend_train, block.fold or roles.folds, block.scored)
    scores = itertools.product(block.layer, block.modality, block.backend, block.lda_dim, block.speaker_normalisation)
    seeds: list[tuple[int | str, tuple[int, ...]]] = [(seed, ()) for seed in block.seed]
    seeds += [(AVERAGE, tuple(sorted(set(block.seed))))] * block.average_seeds
    nets = itertools.product(block.variant, seeds, block.held_out)
    for of_corpora, (variant, (seed, averaged), held_out), score in itertools.product(corpora, nets, scores):
        train, backend_train, fold, scored = of_corpora
        layer, modality, backend, lda_dim, speaker = score
        backend_alone = backend_train and _without_net(modality, layer, frozen)
        condition = roles.fold_of(fold, (*(() if backend_alone else train), *backend_train))
        part = fold if condition == NONE and scored == "folds" else NOT_APPLICABLE
        point = GridPoint(variant, seed, train, condition, layer, modality, backend, lda_dim, held_out, speaker)
        yield replace(point, backend_train=backend_train, part=part, averaged=averaged)


def _normalised(point: GridPoint, frozen: Collection[str]) -> GridPoint:
    """Blank the axes that do not apply to a point, so that equal experiments become equal cells."""
    values = dict(vars(point))
    if point.modality == "text":
        values |= {"variant": NOT_APPLICABLE, "layer": TEXT_LAYER}
    elif point.layer in frozen:
        values["variant"] = NOT_APPLICABLE
        if point.modality == "speech":
            values |= {"seed": NOT_APPLICABLE, "averaged": ()}
    if _without_net(point.modality, point.layer, frozen):
        values |= {"train": point.backend_corpora, "backend_train": ()}
    if set(point.backend_train) == set(point.train):
        values["backend_train"] = ()
    if point.backend == "logistic":
        values["lda_dim"] = NOT_APPLICABLE
    return GridPoint(**values)


def _check_known(where: str, axis: str, values: Collection[str], known: Collection[str]) -> None:
    for value in values:
        if value not in known:
            raise SerError(f"{where}: {axis}: unknown '{value}'; known: {', '.join(sorted(known))}")
