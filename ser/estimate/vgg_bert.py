"""What each stage of local/run_vgg_bert.sh will cost, as `ser.estimate.costs` has it for run.sh.

Early stopping may end a training sooner: the figures are of all epochs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ser.estimate.costs import Cost, compressed, data_dirs, forward, training, vector_bytes
from ser.estimate.nets import Net
from ser.estimate.rates import Rates
from ser.plan.sizes import Size

# The last stage that writes features.
LAST_OF_DATA = 1
# The share of the training part in the protocol `random`.
_RANDOM_SHARE = 0.7
# Numbers in a vector of class probabilities: no label map has more classes.
_CLASSES = 10


@dataclass(frozen=True)
class Recipe:
    """The options of local/run_vgg_bert.sh that a cost depends on; `copies` is the number of their kinds."""

    test: str
    protocols: tuple[str, ...]
    modalities: tuple[str, ...]
    yardsticks: tuple[str, ...]
    yardstick_modalities: tuple[str, ...]
    copies: int
    nj: int
    toy: bool

    def corpora(self) -> list[str]:
        """Return all corpora that stage 0 prepares."""
        return [self.test]

    def uses(self, modality: str) -> bool:
        """Whether models of speech or of text are trained, for themselves or for the fusion."""
        return any(modality in name for name in self.modalities)

    def training_shares(self, folds: int) -> list[float]:
        """Return the share of the corpus that each model of a modality is trained on: one fold tests, one validates."""
        shares = [max(0, folds - 2) / folds] * folds if "folds" in self.protocols else []
        return shares + [_RANDOM_SHARE] * ("random" in self.protocols)


@dataclass(frozen=True)
class Settings:
    """What the files of settings say of the costs: bands and frames a second, the nets, epochs of each yardstick."""

    num_mels: int
    frame_rate: float
    speech: Net | None
    text: Net | None
    yardstick_epochs: Mapping[str, int]


def estimate(recipe: Recipe, sizes: Mapping[str, Size], rates: Rates, settings: Settings) -> list[Cost]:
    """Estimate each stage; nothing but starting costs anything where the corpus was not found."""
    size = sizes.get(recipe.test, Size(0, 0.0, 1, "not found", False))
    shares = recipe.training_shares(size.folds)
    trained_on = [size.utts * share for share in shares]
    models, vectors = len(shares), len(shares) * size.utts
    stages = [data_dirs(list(sizes.values()), recipe.toy, rates), _features(recipe, size, shares, rates, settings)]
    for stage, modality, net, what in ((2, "speech", settings.speech, "VGG nets"), (3, "text", settings.text, "BERT")):
        if net is None:
            continue
        copies = 1 + recipe.copies if modality == "speech" else 1
        trained = training(stage, what, [copies * utts for utts in trained_on], net, rates)
        frames = size.hours * 3600 * settings.frame_rate if modality == "speech" else size.utts * rates.tokens
        disk = vectors * (vector_bytes(net.dim) + vector_bytes(_CLASSES))
        cpu = models * (2 * rates.start + frames * forward(net))
        stages.append(Cost(stage, f"{what}, vectors", trained.disk + disk, trained.cpu + cpu, trained.gpu))
    if recipe.uses("+"):
        stages.append(Cost(4, "late fusion", vectors * vector_bytes(_CLASSES), 2 * models * rates.start))
    heard = [settings.yardstick_epochs[name] for name in recipe.yardsticks for _ in recipe.yardstick_modalities]
    if heard:
        cpu = 2 * models * len(heard) * rates.start + sum(heard) * sum(trained_on) * rates.dialogue
        stages.append(Cost(5, "yardsticks", len(heard) * vectors * vector_bytes(_CLASSES), cpu))
    columns = len(recipe.modalities) + len(heard)
    stages.append(Cost(6, "cells, intervals", columns * rates.cell * vectors, columns * models * rates.start))
    return [*stages, Cost(7, "table, report", rates.report_mb * 1e6, rates.report)]


def _features(recipe: Recipe, size: Size, shares: list[float], rates: Rates, settings: Settings) -> Cost:
    """Estimate stage 1: the corpus's features and, for each model, those of the copies of its training part."""
    copied = recipe.copies * sum(shares)
    hours, utts = size.hours * (1 + copied), size.utts * (1 + copied)
    disk = compressed(hours * 3600 * settings.frame_rate, utts, settings.num_mels) + rates.split_table * utts
    dirs = size.utts * rates.table * len(shares) * (3 + recipe.copies)
    jobs = (1 + len(shares) * (recipe.copies > 0)) * recipe.nj
    cpu = hours * rates.logmel + size.hours * copied * rates.distort + jobs * rates.start
    return Cost(1, "parts, log mel energies", disk + dirs, cpu + 8 * len(shares) * rates.command)
