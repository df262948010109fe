"""What each stage of run.sh will cost: disk, CPU time and GPU time, from sizes of corpora and measured rates.

All utterances count, those of no emotion class too, and all frames, those of silence too: the figures are upper ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ser.estimate.nets import FEATURES, Net
from ser.estimate.rates import Rates
from ser.plan.sizes import FRAMES_PER_HOUR, Size

# The last stage that writes features.
LAST_OF_DATA = 2
# Forward, and backward by the inputs and by the weights.
_PASSES = 3
# A model's folder while it trains: the weights there, and in a checkpoint with the optimizer's two numbers for each.
_COPIES_OF_WEIGHTS = 4
# Of a vector in an archive: its key and header, and its line in the scp file.
_VECTOR_HEADER = 170


@dataclass(frozen=True)
class Recipe:
    """The options of run.sh that a cost depends on; `copies` is the number of kinds of augmentation."""

    pretrain: tuple[str, ...]
    finetune: tuple[str, ...]
    backend: tuple[str, ...]
    text_train: tuple[str, ...]  # empty where no modality needs text
    test: str
    copies: int
    finetune_noise: bool
    finetune_speeds: tuple[float, ...]
    layers: tuple[str, ...]
    modalities: tuple[str, ...]
    nj: int
    compress: bool
    toy: bool

    def speech(self) -> list[str]:
        """Return the corpora whose features are made."""
        return list(dict.fromkeys((*self.pretrain, *self.finetune, *self.backend, self.test)))

    def corpora(self) -> list[str]:
        """Return all corpora that stage 0 prepares."""
        background = ("musan", "rirs_noises") if self.copies else ()
        return list(dict.fromkeys((*self.speech(), *self.text_train, *background)))


@dataclass(frozen=True)
class Cost:
    """Of a stage: bytes, CPU seconds without a GPU, and the seconds of a GPU in place of most of these."""

    stage: int
    what: str
    disk: float
    cpu: float
    gpu: float = 0.0


def estimate(
    recipe: Recipe, sizes: Mapping[str, Size], rates: Rates, pretrain: Net, finetune: Net, text: Net | None
) -> list[Cost]:
    """Estimate each stage of run.sh.

    Parameters
    ----------
    sizes : of the corpora that were found; the others count nothing.
    text : None where no modality needs text.
    """
    return [
        data_dirs([sizes[name] for name in recipe.corpora() if name in sizes], recipe.toy, rates),
        _features(recipe, sizes, rates),
        _copies_and_roles(recipe, sizes, rates),
        training(3, "pretraining", _role_utts(recipe, sizes, ("pretrain",)), pretrain, rates),
        training(4, "fine-tuning", _role_utts(recipe, sizes, ("pretrain", "finetune")), finetune, rates),
        *_vectors(recipe, sizes, rates, finetune, text),
        _cells(recipe, sizes, rates),
        Cost(9, "table, report", rates.report_mb * 1e6, rates.report),
    ]


def data_dirs(found: Sequence[Size], toy: bool, rates: Rates) -> Cost:
    """Estimate stage 0 of a recipe on the corpora that were found, made first where they are the toy ones."""
    utts = sum(size.utts for size in found)
    toy_disk, toy_cpu = (rates.toy_mb * 1e6, rates.toy) if toy else (0.0, 0.0)
    cpu = rates.command * len(found) + rates.prepare * utts + toy_cpu
    return Cost(0, "data dirs", rates.table * utts + toy_disk, cpu)


def compressed(frames: float, utts: float, dim: int) -> float:
    """Bytes of features in Kaldi's compression: one a number; for each matrix 20, and 8 a column (of its header)."""
    return frames * dim + utts * (20 + 8 * dim)


def _feature_cost(
    size: Size, rates: Rates, recipe: Recipe, times: float, raw: int, apart: float
) -> tuple[float, float]:
    """Return bytes and CPU seconds of the features, as made and normalised, of a corpus `times` over.

    `raw` is bytes a frame of what lies beside them, and `apart` CPU seconds an hour beside the features'.
    """
    utts, hours = size.utts * times, size.hours * times
    frames = hours * FRAMES_PER_HOUR
    matrices = compressed(frames, utts, FEATURES) if recipe.compress else frames * FEATURES * 4
    disk = 2 * matrices + raw * frames + 2 * rates.split_table * utts
    cpu = hours * (rates.features + apart) + (rates.decode * utts if size.decoded else 0.0)
    return disk, cpu + recipe.nj * (rates.start + 2 * rates.command) + 6 * rates.command


def _features(recipe: Recipe, sizes: Mapping[str, Size], rates: Rates) -> Cost:
    # The voice activity is a float32 a frame.
    parts = [_feature_cost(sizes[name], rates, recipe, 1.0, 4, 0.0) for name in recipe.speech() if name in sizes]
    return Cost(1, "features", *_totals(parts))


def _copies_and_roles(recipe: Recipe, sizes: Mapping[str, Size], rates: Rates) -> Cost:
    augmented = dict.fromkeys((*recipe.pretrain, *(recipe.finetune if recipe.finetune_noise else ())))
    parts = []
    if recipe.copies:
        for name in augmented:
            if name in sizes:
                parts.append(_feature_cost(sizes[name], rates, recipe, recipe.copies, 0, rates.augment))
    for name in dict.fromkeys(recipe.finetune):
        for speed in recipe.finetune_speeds:
            if name in sizes:
                parts.append(_feature_cost(sizes[name], rates, recipe, 1 / speed, 4 + rates.recording, rates.augment))
    roles = [("pretrain",), ("finetune",), ("backend",), *([("text_train",)] if recipe.text_train else [])]
    dirs = [utts for role in roles for utts in _role_utts(recipe, sizes, role)]
    sources = [size.utts for name, size in sizes.items() if name in (*recipe.finetune, *recipe.backend, recipe.test)]
    disk = rates.table * (sum(dirs) + 2 * sum(sources))
    return Cost(2, "copies, classes, folds", *_totals([*parts, (disk, 3 * rates.command * len(dirs))]))


def _conditions(recipe: Recipe, sizes: Mapping[str, Size]) -> list[str]:
    """Return what run.sh trains and scores: `none` without the test corpus, `fold` for each fold with it."""
    roles = [recipe.pretrain, recipe.finetune, recipe.backend, recipe.text_train]
    without = all(set(role) - {recipe.test} or not role for role in roles)
    with_target = any(recipe.test in role for role in roles)
    folds = sizes[recipe.test].folds if recipe.test in sizes else 1
    return ["none"] * without + ["fold"] * (folds * with_target)


def _role_utts(recipe: Recipe, sizes: Mapping[str, Size], roles: tuple[str, ...]) -> list[float]:
    """Return the utterances, copies too, of the last of `roles` in each training that depends on all of them."""
    involved = {name for role in roles for name in getattr(recipe, role)}
    trained_on, conditions = getattr(recipe, roles[-1]), _conditions(recipe, sizes)
    if recipe.test not in involved:
        conditions = ["none"]
    copies = 0.0
    if roles[-1] == "pretrain":
        copies = recipe.copies
    elif roles[-1] == "finetune":
        copies = recipe.copies * recipe.finetune_noise + len(recipe.finetune_speeds)

    def utts(name: str, condition: str) -> float:
        if name not in sizes:
            return 0.0
        folds = sizes[name].folds
        share = 1.0 if name != recipe.test else 0.0 if condition == "none" else (folds - 1) / folds
        return sizes[name].utts * share

    return [(1 + copies) * sum(utts(name, condition) for name in trained_on) for condition in conditions]


def training(stage: int, what: str, utts: list[float], net: Net, rates: Rates) -> Cost:
    """Estimate one training on each of so many utterances."""
    units = sum(utts) * net.units_per_utterance
    operations = 2 * _PASSES * net.multiplications * units
    peak = getattr(rates.gpu, net.precision) * 1e12 * rates.gpu.share
    cpu = 2 * rates.start * len(utts) + units * net.overhead + operations / (net.gflops * 1e9)
    return Cost(stage, what, len(utts) * 4 * _COPIES_OF_WEIGHTS * net.weights, cpu, operations / peak)


def forward(net: Net) -> float:
    """CPU seconds that a net takes for a frame or token."""
    return net.overhead / _PASSES + 2 * net.multiplications / (net.gflops * 1e9)


def vector_bytes(dim: int) -> int:
    """Bytes of a vector in an archive, and of its line in the scp file."""
    return 4 * dim + _VECTOR_HEADER


def _vectors(recipe: Recipe, sizes: Mapping[str, Size], rates: Rates, speech: Net, text: Net | None) -> Iterable[Cost]:
    """Yield stages 5 to 7: vectors of speech, the text model and its vectors, both end to end."""
    scored = [sizes[name] for name in dict.fromkeys((*recipe.backend, recipe.test)) if name in sizes]
    utts, frames = sum(size.utts for size in scored), sum(size.hours for size in scored) * FRAMES_PER_HOUR
    layers = len(recipe.layers)
    nets = len(_role_utts(recipe, sizes, ("pretrain", "finetune")))
    yield Cost(
        5,
        "embeddings",
        nets * layers * utts * vector_bytes(speech.dim) + rates.table * utts,
        nets * (recipe.nj * rates.start + 3 * rates.command + frames * forward(speech)),
    )
    if text is None:
        return
    trained = training(6, "text model, text vectors", _role_utts(recipe, sizes, ("text_train",)), text, rates)
    models = len(_role_utts(recipe, sizes, ("text_train",)))
    texts = utts + sum(sizes[name].utts for name in recipe.text_train if name in sizes)
    yield Cost(
        6,
        trained.what,
        trained.disk + models * texts * vector_bytes(text.dim),
        trained.cpu + models * (recipe.nj * rates.start + texts * rates.tokens * forward(text)),
        trained.gpu,
    )
    if "speech+text" in recipe.modalities:
        joined = len(_role_utts(recipe, sizes, ("pretrain", "finetune", "text_train"))) * layers
        disk = joined * utts * vector_bytes(speech.dim + text.dim)
        yield Cost(7, "speech and text end to end", disk, joined * rates.command)


def _cells(recipe: Recipe, sizes: Mapping[str, Size], rates: Rates) -> Cost:
    test = sizes.get(recipe.test)
    columns = sum(1 if modality == "text" else len(recipe.layers) for modality in recipe.modalities)
    disk = cpu = 0.0
    for condition in _conditions(recipe, sizes) if test else ():
        utts = test.utts if condition == "none" else test.utts / test.folds
        disk += columns * rates.cell * utts
        cpu += columns * (rates.start + rates.pair * utts**2)
    return Cost(8, "LDA-PLDA, scores, intervals", disk, cpu)


def _totals(parts: Iterable[tuple[float, float]]) -> tuple[float, float]:
    pairs = list(parts)
    return sum(disk for disk, _ in pairs), sum(cpu for _, cpu in pairs)
