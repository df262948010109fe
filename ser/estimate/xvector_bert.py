"""Estimate the cost of each stage of system A."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ser.estimate.costs import (
    Cost,
    comparison,
    compressed,
    data_dirs,
    fingerprints,
    forward,
    training,
    vector_bytes,
)
from ser.estimate.encoders import frozen_encoder
from ser.estimate.nets import FEATURES, Net, text_net, xvector_net
from ser.estimate.rates import Rates
from ser.plan.encoders import read_encoders
from ser.plan.facts import Facts
from ser.plan.job import Plan
from ser.plan.roles import NONE, distinct
from ser.plan.sizes import FRAMES_PER_HOUR, Size
from ser.plan.xvector_bert_options import Options

# The number of the last stage that writes features.
LAST_OF_DATA = 2


def estimate(options: Options, plan: Plan, facts: Facts, rates: Rates) -> list[Cost]:
    """Estimate the cost of each stage of a run from its plan; a corpus that was not found costs nothing."""
    conf = Path(options.conf)
    pretrain, finetune = Path(options.pretrain_settings), Path(options.finetune_settings)
    return costs(
        options,
        plan,
        facts,
        rates,
        xvector_net(pretrain, rates) if plan.of("pretrain") else None,
        xvector_net(finetune, rates) if plan.of("finetune") else None,
        text_net(conf / "bert.yaml", options.text_model, rates) if plan.of("text") else None,
    )


def costs(
    options: Options,
    plan: Plan,
    facts: Facts,
    rates: Rates,
    pretrain: Net | None,
    finetune: Net | None,
    text: Net | None,
) -> list[Cost]:
    """Estimate the cost of each stage with nets of these sizes; None stands for a net that is not trained."""
    found = [facts.sizes[name] for name in options.all_corpora() if name in facts.sizes]
    stages = [data_dirs(found, options.toy, rates)]
    if options.uses_net:
        stages.append(_features(options, plan, facts, rates))
    stages.append(_copies_and_roles(options, plan, facts, rates))
    for stage, kind, what, net in ((3, "pretrain", "pretraining", pretrain), (4, "finetune", "fine-tuning", finetune)):
        if net:
            stages.append(training(stage, what, _sizes(plan, kind), net, rates))
    return [
        *stages,
        *_vectors(options, plan, facts, rates, finetune, text),
        _cells(plan, rates),
        Cost(9, "table, report", rates.report_mb * 1e6, rates.report),
    ]


def _sizes(plan: Plan, kind: str) -> list[float]:
    return [job.size for job in plan.of(kind)]


def _feature_cost(
    size: Size, rates: Rates, options: Options, times: float, raw: int, apart: float
) -> tuple[float, float]:
    """Return bytes and CPU seconds of the features of a corpus, before and after normalisation.

    Parameters
    ----------
    times : how often the corpus is processed, such as once for each kind of noise.
    raw : bytes per frame of other files, such as the voice activity.
    apart : CPU seconds per hour of speech of other work, such as adding noise.
    """
    utts, hours = size.utts * times, size.hours * times
    frames = hours * FRAMES_PER_HOUR
    matrices = compressed(frames, utts, FEATURES) if options.compress else frames * FEATURES * 4
    disk = 2 * matrices + raw * frames + 2 * rates.split_table * utts
    cpu = hours * (rates.features + apart) + (rates.decode * utts if size.decoded else 0.0)
    return disk, cpu + options.nj * (rates.start + 2 * rates.command) + 6 * rates.command


def _features(options: Options, plan: Plan, facts: Facts, rates: Rates) -> Cost:
    # The voice activity takes 4 bytes, a float32, for each frame.
    found = [facts.sizes[job.name] for job in plan.of("features") if job.name in facts.sizes]
    return Cost(1, "features", *_totals(_feature_cost(size, rates, options, 1.0, 4, 0.0) for size in found))


def _copies_and_roles(options: Options, plan: Plan, facts: Facts, rates: Rates) -> Cost:
    parts = []
    for job in plan.of("augmented"):
        if size := facts.sizes.get(job.name):
            parts.append(_feature_cost(size, rates, options, len(options.augment), 0, rates.augment))
    for job in plan.of("speeds"):
        name, _, speed = job.name.partition("_speed")
        if size := facts.sizes.get(name):
            parts.append(_feature_cost(size, rates, options, 1 / float(speed), 4 + rates.recording, rates.augment))
    dirs = _sizes(plan, "roles")
    roles = options.roles()
    sources = facts.utts(distinct((*roles.finetune, *roles.backend, options.test)))
    disk = rates.table * (sum(dirs) + 2 * sources)
    parts += [_audit(options, plan, facts, rates), (disk, 3 * rates.command * len(dirs))]
    return Cost(2, "copies, classes, folds, audit", *_totals(parts))


def _audit(options: Options, plan: Plan, facts: Facts, rates: Rates) -> tuple[float, float]:
    """Return bytes and CPU seconds of the fingerprints: of each recording, then each tested one beside the trained.

    In a run without features, such as one of text alone, they are made from the recordings.
    """
    roles, featured = options.roles(), options.speech_corpora()
    others = [name for name in distinct((*roles.backend, options.test, *roles.text_train)) if name not in featured]
    heard = [name for name in others if name in facts.sizes and facts.sizes[name].hours]
    recordings = facts.utts([*featured, *heard])
    disk, seconds = fingerprints([facts.sizes[name] for name in heard], rates)
    seconds += rates.summary * facts.utts(featured)
    for audit in plan.of("audit"):
        tested = facts.utts([options.test]) / (1 if audit.name == NONE else max(1, len(facts.folds)))
        trained = [job.size for job in plan.of("roles") if job.name.endswith(f"_{audit.name}")]
        seconds += sum(comparison(tested, min(size, recordings), rates) for size in trained)
    return disk, seconds


def _vectors(
    options: Options, plan: Plan, facts: Facts, rates: Rates, speech: Net | None, text: Net | None
) -> Iterator[Cost]:
    """Yield stages 5 to 7: speech vectors; text model and text vectors; the two kinds of vectors concatenated."""
    names = distinct((*options.backend, options.test))
    utts, hours = facts.utts(names), sum(facts.sizes[name].hours for name in names if name in facts.sizes)
    if speech:
        nets = len(plan.of("embeddings"))
        yield Cost(
            5,
            "embeddings",
            nets * len(options.layer_names) * utts * vector_bytes(speech.dim) + rates.table * utts,
            nets * (options.nj * rates.start + 3 * rates.command + hours * FRAMES_PER_HOUR * forward(speech)),
        )
    for encoder in read_encoders(options.encoders) if plan.of("encoded") else ():
        yield frozen_encoder(encoder, utts, hours, rates)
    if text:
        trained = training(6, "text model, text vectors", _sizes(plan, "text"), text, rates)
        models, texts = len(plan.of("text")), utts + facts.utts(options.text_train)
        yield Cost(
            6,
            trained.what,
            trained.disk + models * texts * vector_bytes(text.dim),
            trained.cpu + models * (options.nj * rates.start + texts * rates.tokens * forward(text)),
            trained.gpu,
        )
    if speech and text and (joined := len(plan.of("joined"))):
        disk = joined * utts * vector_bytes(speech.dim + text.dim)
        yield Cost(7, "speech and text end to end", disk, joined * rates.command)


def _cells(plan: Plan, rates: Rates) -> Cost:
    sizes = [size for size in _sizes(plan, "cells") if size]
    cpu = sum(rates.start + rates.pair * utts**2 for utts in sizes)
    return Cost(8, "LDA-PLDA, scores, intervals", rates.cell * sum(sizes), cpu)


def _totals(parts: Iterable[tuple[float, float]]) -> tuple[float, float]:
    pairs = list(parts)
    return sum(disk for disk, _ in pairs), sum(cpu for _, cpu in pairs)
