"""What the stages of any run cost: disk, CPU time and GPU time, from the jobs of its plan and measured rates.

All utterances count, those of no emotion class too, and all frames, those of silence too: the figures are upper ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ser.estimate.nets import Net
from ser.estimate.rates import Rates
from ser.plan.sizes import Size

# Forward, and backward by the inputs and by the weights.
_PASSES = 3
# A model's folder while it trains: the weights there, and in a checkpoint with the optimizer's two numbers for each.
_COPIES_OF_WEIGHTS = 4
# Of a vector in an archive: its key and header, and its line in the scp file.
_VECTOR_HEADER = 170


@dataclass(frozen=True)
class Cost:
    """Of a stage: bytes, CPU seconds without a GPU, and the seconds of a GPU in place of most of these."""

    stage: int
    what: str
    disk: float
    cpu: float
    gpu: float = 0.0


def data_dirs(found: Sequence[Size], toy: bool, rates: Rates) -> Cost:
    """Estimate stage 0 of a recipe on the corpora that were found, made first where they are the toy ones."""
    utts = sum(size.utts for size in found)
    toy_disk, toy_cpu = (rates.toy_mb * 1e6, rates.toy) if toy else (0.0, 0.0)
    cpu = rates.command * len(found) + rates.prepare * utts + toy_cpu
    return Cost(0, "data dirs", rates.table * utts + toy_disk, cpu)


def compressed(frames: float, utts: float, dim: int) -> float:
    """Bytes of features in Kaldi's compression: one a number; for each matrix 20, and 8 a column (of its header)."""
    return frames * dim + utts * (20 + 8 * dim)


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
