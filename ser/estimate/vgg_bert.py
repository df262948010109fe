"""Estimate the cost of each stage of system D, for all epochs; early stopping may end a training sooner."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ser.estimate.costs import Cost, audits, compressed, data_dirs, forward, training, vector_bytes
from ser.estimate.encoders import frozen_encoder
from ser.estimate.nets import Net, setting, text_net, vgg_net
from ser.estimate.rates import Rates
from ser.plan.facts import Facts
from ser.plan.job import Plan
from ser.plan.sizes import Size
from ser.plan.vgg_bert import MODELS, Options, folds_of

# The number of the last stage that writes features.
LAST_OF_DATA = 1
# Dimension of a vector of class probabilities, as an upper bound: no label map has more classes.
_CLASSES = 10


@dataclass(frozen=True)
class Settings:
    """Settings on which the cost depends: mel bands, frames per second, the nets, epochs of each yardstick."""

    num_mels: int
    frame_rate: float
    nets: Mapping[str, Net]
    yardstick_epochs: Mapping[str, int]


def estimate(options: Options, plan: Plan, facts: Facts, rates: Rates) -> list[Cost]:
    """Estimate the cost of each stage of a run from its plan. If the corpus was not found, only starting counts."""
    logmel = Path(options.settings("logmel"))
    num_mels, rate, hop = (setting(logmel, key) for key in ("num_mels", "sample_rate", "hop"))
    nets = {}
    if plan.of("vgg"):
        nets["speech"] = vgg_net(Path(options.settings("vgg")), num_mels, rates)
    if plan.of("bert"):
        nets["text"] = text_net(Path(options.settings("bert")), options.text_model, rates)
    epochs = {name: setting(Path(options.settings(name)), "fit", "epochs") for name in options.yardsticks}
    return costs(options, plan, facts, rates, Settings(num_mels, rate / hop, nets, epochs))


def costs(options: Options, plan: Plan, facts: Facts, rates: Rates, settings: Settings) -> list[Cost]:
    """Estimate the cost of each stage with the nets of `settings`."""
    size = facts.sizes.get(options.test, Size(0, 0.0, 1, "not found", False))
    models = len(folds_of(options, facts))
    vectors = models * size.utts
    stages = [
        data_dirs(list(facts.sizes.values()), options.toy, rates),
        _features(options, plan, size, rates, settings),
    ]
    for modality, net in settings.nets.items():
        kind, stage = MODELS[modality]
        trained = training(stage, {"vgg": "VGG nets", "bert": "BERT"}[kind], _sizes(plan, kind), net, rates)
        frames = size.hours * 3600 * settings.frame_rate if modality == "speech" else size.utts * rates.tokens
        disk = vectors * (vector_bytes(net.dim) + vector_bytes(_CLASSES))
        cpu = models * (2 * rates.start + frames * forward(net))
        stages.append(Cost(stage, f"{trained.what}, vectors", trained.disk + disk, trained.cpu + cpu, trained.gpu))
    if plan.of("fusion"):
        stages.append(Cost(4, "late fusion", vectors * vector_bytes(_CLASSES), 2 * models * rates.start))
    if heard := {name: _sizes(plan, name) for name in options.yardsticks}:
        trainings = sum(map(len, heard.values()))
        seen = sum(settings.yardstick_epochs[name] * sum(utts) for name, utts in heard.items())
        disk = len(heard) * len(options.heard) * vectors * vector_bytes(_CLASSES)
        stages.append(Cost(5, "yardsticks", disk, 2 * trainings * rates.start + seen * rates.dialogue))
    if plan.of("encoded"):
        encoded = frozen_encoder(options.published[1], size.utts, size.hours, rates)
        started = encoded.cpu + 2 * models * rates.start
        stages.append(Cost(2, encoded.what, encoded.disk + vectors * vector_bytes(_CLASSES), started))
    columns = len(plan.of("cells")) // models
    stages.append(Cost(6, "cells, intervals", columns * rates.cell * vectors, columns * models * rates.start))
    return [*stages, Cost(7, "table, report", rates.report_mb * 1e6, rates.report)]


def _sizes(plan: Plan, kind: str) -> list[float]:
    return [job.size for job in plan.of(kind)]


def _features(options: Options, plan: Plan, size: Size, rates: Rates, settings: Settings) -> Cost:
    """Estimate stage 1: features of the corpus and, for each model, of the copies of its training part."""
    parts = len(plan.of("audit"))
    clips = sum(_sizes(plan, "copies"))
    copied = clips * len(options.copies) / (1 + len(options.copies)) / size.utts if size.utts else 0.0
    hours, utts = size.hours * (1 + copied), size.utts * (1 + copied)
    disk = compressed(hours * 3600 * settings.frame_rate, utts, settings.num_mels) + rates.split_table * utts
    dirs = size.utts * rates.table * parts * (3 + len(options.copies))
    jobs = (1 + len(plan.of("copies"))) * options.nj
    cpu = hours * rates.logmel + size.hours * copied * rates.distort + jobs * rates.start
    # A run by folds and one random split test each utterance twice at most.
    audit = audits([size], min(2, parts), rates)
    return Cost(1, "parts, log-mel energies, audit", disk + dirs + audit[0], cpu + 8 * parts * rates.command + audit[1])
