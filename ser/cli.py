"""What every command shares: its parser, its progress lines, its way to fail."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ser.errors import SerError
from ser.progress import progress as progress


class Parser(argparse.ArgumentParser):
    """An argument parser whose options of `boolean` all read ``--option true|false`` in the help."""

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument, as argparse does."""
        if options.get("type") is boolean:
            options.setdefault("metavar", "true|false")
        return super().add_argument(*names, **options)


def make_parser(doc: str | None) -> Parser:
    """Make the parser of the command whose module docstring is `doc`; ``--help`` prints it whole."""
    name = command_name()
    return Parser(
        prog=f"python3 -m {name}" if name.startswith("ser.") else name,
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        fromfile_prefix_chars="@",  # @FILE: one argument a line, for the cells of a job array
    )


def command_name() -> str:
    """Name the program that runs: a module, as ``python3 -m`` has it, or a script."""
    module = sys.modules["__main__"].__spec__
    return module.name if module is not None else Path(sys.argv[0]).name


def boolean(text: str) -> bool:
    """Parse an option value as Kaldi does: ``true`` or ``false``.

    >>> boolean("true"), boolean("false")
    (True, False)
    """
    if text.lower() in ("true", "t", "yes", "1"):
        return True
    if text.lower() in ("false", "f", "no", "0"):
        return False
    raise argparse.ArgumentTypeError(f"expected true or false, found '{text}'")


def lda_rows(text: str) -> int:
    """Parse the rows of an LDA: a number, or as the results table writes it, ``K-1``, which is 0 in the settings.

    >>> lda_rows("K-1"), lda_rows("0"), lda_rows("200")
    (0, 0, 200)
    """
    if text == "K-1":
        return 0
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number of rows, or K-1, found '{text}'") from None


# The columns of the results table that name what a system was trained on and scored on.
ROW_OPTIONS = ("system", "train", "test", "fold", "variant", "seed", "text", "layer", "modality")


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every training has."""
    parser.add_argument("--config", required=True, help="YAML of the settings; those in conf/ explain each")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="replaces one: fit.seed=2")
    add_device_options(parser)


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of where a net is computed."""
    parser.add_argument("--num-threads", type=int, help="threads of PyTorch on a CPU [all cores]")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="[%(default)s]")


def add_done_option(parser: argparse.ArgumentParser) -> None:
    """Add the note of what a job made, `ser.record.job`."""
    parser.add_argument("--done", metavar="FILE", help="note of what was made of what; the same again does nothing")


def add_ivector_options(parser: argparse.ArgumentParser, frames_per_chunk: int) -> None:
    """Add the options that say which i-vectors an acoustic net takes; `ivector_tables` gives the tables."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--ivectors", metavar="RSPECIFIER", help="one vector an utterance")
    which.add_argument("--online-ivectors", metavar="RSPECIFIER", help="a matrix an utterance")
    which.add_argument(
        "--zero-ivectors", type=boolean, default=False, metavar="true|false", help="those of nobody, a control [false]"
    )
    parser.add_argument("--ivector-period", type=int, default=10, metavar="N", help="frames a row [%(default)s]")
    parser.add_argument(
        "--frames-per-chunk", type=int, default=frames_per_chunk, metavar="N", help="of one i-vector [%(default)s]"
    )


def ivector_tables(args: argparse.Namespace) -> list[str]:
    """Give the tables that `add_ivector_options` took."""
    return [table for table in (args.ivectors, args.online_ivectors) if table]


def ivector_options(args: argparse.Namespace) -> dict[str, Any]:
    """Give what `add_ivector_options` took, as `ser.training.node_net.NodeComputer` takes it."""
    return {
        "ivectors": args.ivectors,
        "online_ivectors": args.online_ivectors,
        "zero": args.zero_ivectors,
        "period": args.ivector_period,
        "frames_per_chunk": args.frames_per_chunk,
    }


def add_left_out_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that leaves out what it cannot use, `ser.kaldi.left_out`."""
    parser.add_argument("--left-out", metavar="FILE", help="list of the utterances left out and why; none: warnings")
    add_max_left_out(parser)


def add_max_left_out(parser: argparse.ArgumentParser) -> None:
    """Add the share of the utterances that may be left out."""
    from ser.kaldi.left_out import MAX_SHARE

    parser.add_argument(
        "--max-left-out",
        type=float,
        default=MAX_SHARE,
        metavar="SHARE",
        help="exit with 1 if more are left out [%(default)s]",
    )


def add_target_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add the options that say what a net is to tell of an utterance: the classes of a label map, or shares of them."""
    parser.add_argument(
        "--label-map", required=required, metavar="FILE", help="its classes are the model's, whatever the data has"
    )
    parser.add_argument(
        "--soft-targets",
        type=boolean,
        default=False,
        metavar="true|false",
        help="train on the shares of the votes in <data-dir>/utt2votes, by the label map [false]",
    )


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a row of the results table; `row_names` reads them."""
    parser.add_argument("--system", required=True, help="name of the system in the table, such as xvector_bert")
    parser.add_argument("--train", required=True, help="name of what the system was trained on")
    parser.add_argument("--test", required=True, help="name of what is scored")
    parser.add_argument("--fold", default="all", help="fold that is scored [all, where there are none]")
    parser.add_argument("--variant", default="-", help="of the training, such as all or frozen")
    parser.add_argument("--seed", default="-", help="of the training")
    parser.add_argument("--text", default="-", help="that is scored: gold, none, shuffled or an ASR system's")
    parser.add_argument("--layer", required=True, help="what gave the vectors or the probabilities, such as tdnn6")
    parser.add_argument("--modality", required=True, help="speech, text or speech+text")


def row_names(args: argparse.Namespace) -> dict[str, Any]:
    """Return the columns of a row that `add_row_options` took."""
    return {name: getattr(args, name) for name in ROW_OPTIONS}


def run(main: Callable[[], None]) -> NoReturn:
    """Call `main`, then exit: status 0, or 1 with the message of a `SerError` on standard error."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    name = command_name()
    try:
        main()
        sys.stdout.flush()
    except SerError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # The reader of our output left, as `head` does: no message, and none from Python's exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        where = f"{error.filename}: " if error.filename else ""
        print(f"{name}: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    except UnicodeEncodeError as error:
        # The name of a file that is not UTF-8, as it came from the system (PEP 383), was to be written somewhere.
        if not isinstance(error.object, str) or not any("\udc80" <= letter <= "\udcff" for letter in error.object):
            raise
        found = error.object[:200].encode("utf-8", "surrogateescape")
        print(
            f"{name}: a name is not UTF-8: {found!r}; rename it to plain letters, and run this again", file=sys.stderr
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    sys.exit(0)
