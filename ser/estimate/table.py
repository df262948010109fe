"""Print an estimate as text."""

from collections.abc import Mapping, Sequence

from ser.estimate.costs import Cost
from ser.estimate.rates import GpuRates
from ser.plan.sizes import Size


def show(sizes: Mapping[str, Size], stages: Sequence[Cost], gpu: GpuRates) -> str:
    """Return two tables as text: the sizes of the corpora and the costs of the stages."""
    lines = [f"{'corpus':<12} {'utterances':>12} {'hours':>10}  size from"]
    for name, size in sizes.items():
        lines.append(f"{name:<12} {size.utts:>12,} {size.hours:>10,.2f}  {size.source}")
    lines += ["", f"{'stage':<32} {'disk GB':>10} {'CPU hours':>12} {'GPU hours':>10}"]
    for cost in stages:
        lines.append(_row(f"{cost.stage} {cost.what}", cost.disk, cost.cpu, cost.gpu))
    lines.append(_row("all", *(sum(getattr(cost, name) for cost in stages) for name in ("disk", "cpu", "gpu"))))
    if any(cost.gpu for cost in stages):
        lines.append(
            f"CPU hours are of one core. Trainings: CPU hours without a GPU, or GPU hours with one {gpu.name}, by the "
            f"operations at {gpu.share:.0%} of its peak: not measured."
        )
    return "\n".join(lines) + "\n"


def _row(name: str, disk: float, cpu: float, gpu: float) -> str:
    hours = f"{gpu / 3600:,.3f}" if gpu else "-"
    return f"{name:<32} {disk / 1e9:>10,.3f} {cpu / 3600:>12,.3f} {hours:>10}"
