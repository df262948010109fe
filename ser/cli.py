"""Code that all commands share: the argument parser, options of several commands, log lines, exit with a message."""

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


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Prints a module docstring as it is, and each boolean as ``--option true|false`` and `[false]`."""

    def _get_default_metavar_for_optional(self, action: argparse.Action) -> str:
        return "true|false" if action.type is boolean else super()._get_default_metavar_for_optional(action)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = super()._get_help_string(action)
        if text is None or not isinstance(action.default, bool):
            return text
        return text.replace("%(default)s", str(action.default).lower())


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Make the parser of the command whose module docstring is `doc`; ``--help`` prints it whole.

    Every command of ser/bin has one form, which tests/bin/test_form_of_commands.py checks:

    - The module docstring is one sentence that says what the command does, what it reads and writes, and at its end one
      or more examples that would run: lines that begin with two spaces and ``python3 -m ser.bin.<command>``, and
      continue four spaces in.
    - ``main()`` has no docstring, since the module's says it all. The last lines are ``if __name__ == "__main__":``
      and ``cli.run(main)``. Heavy imports come after the parsing.
    - Each argument has a help text. A positional's metavar is in angle brackets, as in Kaldi's usage:
      ``"data_dir", metavar="<data-dir>"``. An option's is in capitals and says what it takes: FILE, DIR, RSPECIFIER,
      NAME, N (a whole number), X (a number), or ``'DIR ...'`` for several in one word. One with `choices` needs none.
    - A boolean is an option of type `cli.boolean`, without a metavar: the help reads ``--compress true|false``. Only
      the flags that Kaldi's scripts have, such as --no-feats, take no value.
    - A default is shown once, at the end of the help text, as ``[%(default)s]``; None, "" and [] are not
      shown; what they come to may stand in their place: ``[all cores]``.
    """
    name = command_name()
    return argparse.ArgumentParser(
        prog=f"python3 -m {name}" if name.startswith("ser.") else name,
        description=doc,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
        fromfile_prefix_chars="@",  # @FILE: one argument a line, for the cells of a job array
    )


def command_name() -> str:
    """Name the program that runs: a module, as ``python3 -m`` has it, or a script."""
    module = sys.modules["__main__"].__spec__
    return module.name if module is not None else Path(sys.argv[0]).name


def done_note(text: str) -> str:
    """Parse the file of a job's note; its suffix distinguishes notes from outputs in the record of a stage."""
    if not text.endswith(".done"):
        raise argparse.ArgumentTypeError(f"expected a name that ends in .done, found '{text}'")
    return text


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


def folds(text: str) -> int | None:
    """Parse a number of folds, or ``emobox`` for those of EmoBox's published figures (None).

    >>> folds("6"), folds("emobox")
    (6, None)
    """
    if text == "emobox":
        return None
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number or emobox, found '{text}'")


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
    """Add the options that every training command has."""
    parser.add_argument(
        "--config", metavar="FILE", required=True, help="YAML file of settings; the files in conf/ explain each"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting: fit.seed=2")
    add_device_options(parser)


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say on which device a net is computed."""
    parser.add_argument("--num-threads", metavar="N", type=int, help="number of PyTorch's CPU threads [all cores]")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute [%(default)s]"
    )


def set_num_threads(args: argparse.Namespace, default: int | None = None) -> None:
    """Let PyTorch use the threads of --num-threads of `add_device_options`; without them `default`, or all cores."""
    import torch

    if number := args.num_threads or default:
        torch.set_num_threads(number)


def add_done_option(parser: argparse.ArgumentParser) -> None:
    """Add --done, the file of the note that `ser.record.job_note` writes."""
    parser.add_argument(
        "--done", type=done_note, metavar="X.done", help="note of this job's work; if it still holds, do nothing"
    )


def add_left_out_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that leaves out utterances that it cannot use (`ser.kaldi.left_out`)."""
    parser.add_argument("--left-out", metavar="FILE", help="list of utterances left out and why [warnings only]")
    add_max_left_out(parser)


def add_max_left_out(parser: argparse.ArgumentParser) -> None:
    """Add --max-left-out, the share of the utterances that may be left out."""
    from ser.kaldi.left_out import MAX_SHARE

    parser.add_argument(
        "--max-left-out",
        type=float,
        default=MAX_SHARE,
        metavar="SHARE",
        help="fail if a larger share of the utterances is left out [%(default)s]",
    )


def add_max_oov(parser: argparse.ArgumentParser) -> None:
    """Add --max-oov, the share of the words that may be missing from the lexicon."""
    parser.add_argument(
        "--max-oov", type=float, default=0.05, metavar="SHARE", help="fail if more words have no entry [%(default)s]"
    )


def overrides(args: argparse.Namespace, *names: str) -> tuple[str, ...]:
    """Return those of these options that were given, as words that `load_config` takes."""
    return tuple(f"{name}={value}" for name in names if (value := getattr(args, name)) is not None)


def add_backend_config(parser: argparse.ArgumentParser, option: str = "--config", of: str = "of the back end") -> None:
    """Add the option for the settings of a back end."""
    parser.add_argument(option, metavar="FILE", default="conf/backend.yaml", help=f"settings {of} [%(default)s]")


def add_protocol(parser: argparse.ArgumentParser, of: str = "of the resamples") -> None:
    """Add the option for the settings of the figures that are reported."""
    parser.add_argument("--protocol", metavar="FILE", default="conf/protocol.yaml", help=f"settings {of} [%(default)s]")


def add_target_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add the options that say what a net learns to predict: the classes of a label map, or shares of the votes."""
    parser.add_argument(
        "--label-map", required=required, metavar="FILE", help="label map; the model has all of its classes"
    )
    parser.add_argument(
        "--soft-targets",
        type=boolean,
        default=False,
        help="train on each class's share of the votes in <data-dir>/utt2votes [%(default)s]",
    )


def add_speaker_normalisation(parser: argparse.ArgumentParser, utt2spk: bool = False) -> None:
    """Add the option for the back end's setting of that name; if `utt2spk`, also --utt2spk for the vectors."""
    parser.add_argument(
        "--speaker-normalisation",
        metavar="HOW",
        help="none, all or 'first N': subtract a speaker's mean over these utterances [the settings']",
    )
    if utt2spk:
        add_utt2spk(parser)


def add_utt2spk(parser: argparse.ArgumentParser) -> None:
    """Add the option --utt2spk of commands that read vectors and apply a back end to them."""
    parser.add_argument(
        "--utt2spk", metavar="FILE", help="speakers of the vectors, for a back end with a speaker normalisation"
    )


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a row of the results table; `row_names` reads them."""
    parser.add_argument(
        "--system", metavar="NAME", required=True, help="name of the system in the table, such as xvector_bert"
    )
    parser.add_argument("--train", metavar="NAME", required=True, help="name of the training data")
    parser.add_argument("--test", metavar="NAME", required=True, help="name of the test data")
    parser.add_argument("--fold", metavar="NAME", default="all", help="fold that is scored [%(default)s]")
    parser.add_argument(
        "--variant", metavar="NAME", default="-", help="variant of the training, such as all or frozen [%(default)s]"
    )
    parser.add_argument("--seed", metavar="N", default="-", help="seed of the training [%(default)s]")
    parser.add_argument(
        "--text", metavar="NAME", default="-", help="test words: gold, none, shuffled or an ASR system's [%(default)s]"
    )
    parser.add_argument(
        "--layer", metavar="NAME", required=True, help="layer that gave the vectors or probabilities, such as tdnn6"
    )
    parser.add_argument("--modality", metavar="NAME", required=True, help="speech, text or speech+text")


def row_names(args: argparse.Namespace) -> dict[str, Any]:
    """Return the names of a results row, column -> value, from the options of `add_row_options`."""
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
            # The reader of our output has closed the pipe, as `head` does. Print no message, and let Python print
            # none when it flushes standard output at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        where = f"{error.filename}: " if error.filename else ""
        print(f"{name}: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    except UnicodeEncodeError as error:
        # A file name that is not UTF-8 has lone surrogates in Python (PEP 383), and these cannot be written.
        if not isinstance(error.object, str) or not any("\udc80" <= letter <= "\udcff" for letter in error.object):
            raise
        found = error.object[:200].encode("utf-8", "surrogateescape")
        print(
            f"{name}: a name is not UTF-8: {found!r}; rename the file to plain letters and run this again",
            file=sys.stderr,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    sys.exit(0)
