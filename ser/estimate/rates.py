"""Read the measured rates on which the estimates rest."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GpuRates:
    """A GPU: its peak speeds in TFLOP/s, and the share of the peak that a training reaches."""

    name: str
    bf16: float
    fp32: float
    share: float


@dataclass(frozen=True)
class Rates:
    """The contents of ``conf/rates.yaml``; that file gives the unit of each rate."""

    command: float
    start: float
    prepare: float
    features: float
    decode: float
    augment: float
    logmel: float
    distort: float
    frame: float
    token: float
    gflops: float
    picture_gflops: float
    tokens: int
    dialogue: float
    pair: float
    summary: float
    fingerprint: float
    nearest: float
    near_pair: float
    report: float
    table: int
    split_table: int
    cell: int
    recording: int
    report_mb: float
    toy_mb: float
    toy: float
    gpu: GpuRates
