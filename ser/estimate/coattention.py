"""Estimate the cost of each stage of system C, for all epochs; early stopping may end a training sooner."""

from pathlib import Path

from ser.estimate.costs import Cost, audits, compressed, data_dirs, forward, training, vector_bytes
from ser.estimate.nets import setting, text_net
from ser.estimate.rates import Rates
from ser.plan.coattention import Options
from ser.plan.facts import Facts
from ser.plan.job import Plan

# The number of the last stage that writes features.
LAST_OF_DATA = 3
# Net -> multiplications per patch of 0.96 s, dimension of its states, number of weights. A triplet net is at most as
# large as a YAMNet.
_NETS = {"vggish": (864e6, 4096, 72e6), "yamnet": (69.2e6, 512, 3.7e6), "triplet": (69.2e6, 1024, 3.7e6)}
# A published encoder of the size of WavLM base: 50 frames per second, of which every fourth is kept.
_PUBLISHED = (95e6 * 24, 6 * 768, 95e6)
_PATCH_SECONDS, _PATCH_NUMBERS, _BANDS = 0.48, 96 * 64, 64
# Matrix products in training: one forward, and two backward (gradients of the inputs and of the weights).
_PASSES = 3
_CLASSES = 4


def estimate(options: Options, plan: Plan, facts: Facts, rates: Rates) -> list[Cost]:
    """Estimate the cost of each stage of a run from its plan. For a corpus that was not found, only starting counts."""
    hours = {name: size.hours for name, size in facts.sizes.items()}

    def patches(names: str) -> float:
        return sum(hours.get(name, 0.0) for name in names.split("+")) * 3600 / _PATCH_SECONDS

    def seconds(encoder: str, count: float) -> float:
        return 2 * _NETS.get(encoder, _PUBLISHED)[0] * count / (rates.picture_gflops * 1e9)

    def epochs(name: str) -> int:
        return int(setting(Path(options.settings(name)), "fit", "epochs"))

    utts = sum(one.size for one in plan.of("parts"))
    commands = sum(len(plan.of(kind)) for kind in ("classes", "together", "parts", "unseen", "audit"))
    disk, cpu = 4 * rates.table * utts * max(1, options.fold_groups or 5), rates.command * commands
    for one in plan.of("parts"):
        sizes = [facts.sizes[name] for name in one.name.split("+") if name in facts.sizes]
        # By folds and, if it is asked for, in a random split.
        audit = audits(sizes, 1 + (one.name in options.random), rates)
        disk, cpu = disk + audit[0], cpu + audit[1]
    stages = [data_dirs(list(facts.sizes.values()), options.toy, rates), Cost(1, "classes, parts, audit", disk, cpu)]
    if plan.of("triplet"):
        frames = hours.get(options.triplet_train, 0.0) * 360_000
        windows = 2 * epochs("triplet") * facts.utts([options.triplet_train])
        cpu = hours.get(options.triplet_train, 0.0) * rates.logmel + 2 * rates.start
        disk = compressed(frames, facts.utts([options.triplet_train]), _BANDS) + 16 * _NETS["triplet"][2]
        stages.append(Cost(2, "triplet net", disk, cpu + _PASSES * seconds("triplet", windows)))
    disk = sum(4 * _PATCH_NUMBERS * patches(one.name.split("_", 1)[1]) for one in plan.of("patches"))
    cpu = rates.start * (len(plan.of("patches")) + len(plan.of("states")))
    for one in plan.of("states"):
        encoder, corpus = one.name.split("_", 1)
        disk += 4 * _NETS.get(encoder, _PUBLISHED)[1] * patches(corpus)
        cpu += seconds(encoder, patches(corpus)) + hours.get(corpus, 0.0) * rates.logmel
    stages.append(Cost(3, "patches, states", disk, cpu))
    if plan.of("text_model") or plan.of("tokens"):
        net = text_net(Path(options.settings(options.text_settings)), options.text_model, rates)
        if plan.of("text_model"):
            stages.append(training(4, "text model", [one.size for one in plan.of("text_model")], net, rates))
        read = sum(one.size for one in plan.of("tokens")) * rates.tokens
        cpu = rates.start * len(plan.of("tokens")) + read * forward(net)
        stages.append(Cost(5, "token states", 4 * net.dim * read, cpu))
    cpu = disk = 0.0
    for one in plan.of("fixed"):
        cpu += rates.start + epochs("fusion") * one.size * rates.dialogue
        disk += one.size * vector_bytes(_CLASSES) + 20e6
    for one in plan.of("tuned"):
        name, _, of = one.name.partition("_tuned_")
        encoder, corpus = options.fusion_encoder if name == "fusion" else name, of.rpartition("_")[0]
        # Training reads at most max_rows patches of an utterance; one.size sums the utterances of all folds of the job.
        most = int(setting(Path(options.settings(f"tune_{encoder}")), "data", "max_rows")) * one.size
        seen = min(len(one.outputs) * patches(corpus), most or float("inf"))
        cpu += rates.start + _PASSES * epochs(f"tune_{encoder}") * seconds(encoder, seen)
        disk += 8 * _NETS[encoder][2]
    stages.append(Cost(6, "co-attentions", disk, cpu))
    cells = len(plan.of("cells"))
    stages.append(Cost(7, "cells, table, report", rates.report_mb * 1e6, cells * rates.start + rates.report))
    return stages
