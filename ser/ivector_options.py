"""Options of the commands that train i-vector extractors, and of those whose nets read i-vectors."""

import argparse
from typing import Any

from ser import cli


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the two trainings of an i-vector extractor, which work in one folder."""
    parser.add_argument("--config", metavar="FILE", required=True, help="YAML of the settings")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="replace a setting: seed=2")
    cli.add_done_option(parser)
    parser.add_argument(
        "feats_rspecifier", metavar="<feats-rspecifier>", help="features without mean normalisation, read several times"
    )
    parser.add_argument("dir", metavar="<dir>", help="folder of the extractor")


def add_options(parser: argparse.ArgumentParser, frames_per_chunk: int) -> None:
    """Add the options that say which i-vectors an acoustic net reads; `tables` returns their tables."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--ivectors", metavar="RSPECIFIER", help="one vector per utterance")
    which.add_argument("--online-ivectors", metavar="RSPECIFIER", help="one matrix per utterance")
    which.add_argument("--zero-ivectors", type=cli.boolean, default=False, help="zeros, as a control [%(default)s]")
    parser.add_argument(
        "--ivector-period", type=int, default=10, metavar="N", help="frames for each row of the matrix [%(default)s]"
    )
    parser.add_argument(
        "--frames-per-chunk",
        type=int,
        default=frames_per_chunk,
        metavar="N",
        help="frames that share one i-vector [%(default)s]",
    )


def tables(args: argparse.Namespace) -> list[str]:
    """Return the tables that the user gave to the options of `add_options`."""
    return [table for table in (args.ivectors, args.online_ivectors) if table]


def values(args: argparse.Namespace) -> dict[str, Any]:
    """Return the values of the options of `add_options` as arguments of `NodeComputer`."""
    return {
        "ivectors": args.ivectors,
        "online_ivectors": args.online_ivectors,
        "zero": args.zero_ivectors,
        "period": args.ivector_period,
        "frames_per_chunk": args.frames_per_chunk,
    }
