"""What the commands that estimate a recipe share: options, the sizes of the corpora, the answer."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ser.estimate.costs import Cost
    from ser.estimate.rates import Rates
    from ser.plan.sizes import Size


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every recipe has, and its folders."""
    parser.add_argument("--rates", required=True, help="conf/rates.yaml")
    parser.add_argument("--stage", type=int, default=0)
    parser.add_argument("--stop-stage", type=int, default=9)
    parser.add_argument("--free", action="store_true", help="check the free disk instead")
    parser.add_argument("--test", required=True, help="corpus that is scored")
    parser.add_argument("--modalities", default="")
    parser.add_argument("--nj", type=int, default=1)
    parser.add_argument("--toy", metavar="YAML", help="sizes of the toy corpora, where the run is on these")
    parser.add_argument("--text-model", default="")
    parser.add_argument("--folder", action="append", default=[], metavar="CORPUS=DIR", help="where each corpus is")
    parser.add_argument("data", help="folder of the data dirs")
    parser.add_argument("exp", help="folder of the models and results")


def read_rates(args: argparse.Namespace) -> Rates:
    """Read the rates that `args` name."""
    from ser.config import load_config
    from ser.estimate.rates import Rates

    return load_config(Rates, args.rates)


def measure(args: argparse.Namespace, corpora: Iterable[str]) -> dict[str, Size]:
    """Return the sizes of those `corpora` that are found where `args` say."""
    from ser.config import load_config
    from ser.plan import sizes
    from ser.toy.corpora import ToyConfig

    toy = load_config(ToyConfig, args.toy) if args.toy else None
    folders = _folders(args)
    found = {name: sizes.measure(name, Path(args.data, name), Path(folders.get(name, name)), toy) for name in corpora}
    return {name: size for name, size in found.items() if size is not None}


def answer(
    args: argparse.Namespace,
    corpora: Iterable[str],
    found: dict[str, Size],
    stages: Sequence[Cost],
    rates: Rates,
    last_of_data: int,
) -> None:
    """Print the stages that will run, or with ``--free`` check that the disk has room for them."""
    from ser.estimate import disk, table

    stages = [cost for cost in stages if args.stage <= cost.stage <= args.stop_stage]
    if args.free:
        disk.check_free(stages, Path(args.data), Path(args.exp), last_of_data)
        return
    folders = _folders(args)
    missing = {name: folders.get(name, name) for name in corpora if name not in found}
    print(table.show(found, missing, stages, rates.gpu), end="")


def _folders(args: argparse.Namespace) -> dict[str, str]:
    return dict(folder.split("=", 1) for folder in args.folder)
