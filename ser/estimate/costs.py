"""Estimate disk space, CPU time and GPU time of the stages of a run, from the jobs of its plan and measured rates.

The figures are upper bounds: they count utterances without an emotion class and silent frames too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ser.estimate.nets import Net
from ser.estimate.rates import Rates
from ser.plan.sizes import FRAMES_PER_HOUR, Size

# Matrix products in training: one forward, and two backward (gradients of the inputs and of the weights).
_PASSES = 3
# During training a model's folder has the weights twice (model, checkpoint), and the checkpoint has Adam's two moments.
_COPIES_OF_WEIGHTS = 4
# Bytes of a vector beside its numbers: key and header in the archive, and its line in the scp file.
_VECTOR_HEADER = 170
# Of the audit, as ser/protocol has it: bands of a spectrum and its energy, numbers in a summary, and recordings with
# which each tested one is compared.
_SPECTRUM, _SUMMARY, _NUM_NEAREST = 21, 40, 5


@dataclass(frozen=True)
class Cost:
    """Cost of a stage: `disk` in bytes, `cpu` in seconds without a GPU, `gpu` in seconds if its nets use a GPU."""

    stage: int
    what: str
    disk: float
    cpu: float
    gpu: float = 0.0


def data_dirs(found: Sequence[Size], toy: bool, rates: Rates) -> Cost:
    """Estimate stage 0 on the corpora that were found. A toy run makes its corpora first."""
    utts = sum(size.utts for size in found)
    toy_disk, toy_cpu = (rates.toy_mb * 1e6, rates.toy) if toy else (0.0, 0.0)
    cpu = rates.command * len(found) + rates.prepare * utts + toy_cpu
    return Cost(0, "data dirs", rates.table * utts + toy_disk, cpu)


def compressed(frames: float, utts: float, dim: int) -> float:
    """Bytes of features in Kaldi's compression: 1 for each number, 20 for each matrix, 8 for each of its columns."""
    return frames * dim + utts * (20 + 8 * dim)


def fingerprints(sizes: Iterable[Size], rates: Rates) -> tuple[float, float]:
    """Return bytes and CPU seconds of the audit's spectra and summaries of corpora without the MFCC of system A."""
    disk = cpu = 0.0
    for size in sizes:
        if size.hours:  # a corpus of texts has no recordings
            disk += compressed(size.hours * FRAMES_PER_HOUR, size.utts, _SPECTRUM)
            disk += size.utts * (_VECTOR_HEADER + vector_bytes(_SUMMARY))
            cpu += size.hours * rates.fingerprint + (rates.decode * size.utts if size.decoded else 0.0)
    return disk, cpu


def comparison(tested: float, trained: float, rates: Rates) -> float:
    """CPU seconds in which the audit compares tested with training recordings."""
    return tested * (rates.nearest * trained + _NUM_NEAREST * rates.near_pair)


def audits(sizes: Sequence[Size], splits: int, rates: Rates) -> tuple[float, float]:
    """Return bytes and CPU seconds of the audits of a corpus that is tested by folds, from its recordings.

    `sizes` are those of the corpora that it consists of. Each split tests each utterance once, against the others.
    """
    utts = sum(size.utts for size in sizes if size.hours)
    disk, cpu = fingerprints(sizes, rates)
    return disk, cpu + splits * comparison(utts, utts, rates)


def training(stage: int, what: str, utts: list[float], net: Net, rates: Rates) -> Cost:
    """Estimate several trainings together; `utts` has the training-set size, with augmented copies, of each."""
    units = sum(utts) * net.units_per_utterance
    operations = 2 * _PASSES * net.multiplications * units
    peak = getattr(rates.gpu, net.precision) * 1e12 * rates.gpu.share
    cpu = 2 * rates.start * len(utts) + units * net.overhead + operations / (net.gflops * 1e9)
    return Cost(stage, what, len(utts) * 4 * _COPIES_OF_WEIGHTS * net.weights, cpu, operations / peak)


def forward(net: Net) -> float:
    """CPU seconds of a net's forward pass for one frame or token."""
    return net.overhead / _PASSES + 2 * net.multiplications / (net.gflops * 1e9)


def vector_bytes(dim: int) -> int:
    """Bytes of a vector in an archive, together with its line in the scp file."""
    return 4 * dim + _VECTOR_HEADER
