"""Read the options that a driver's shell script passes, and check those that all drivers share."""

import dataclasses
import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ser.errors import SerError
from ser.files import JOB_WORD, read_text_lines
from ser.plan.corpora import Corpus, find, read_corpora
from ser.plan.layout import Layout

Options = TypeVar("Options", bound="RunOptions")

# The options of a run's last call, in the folder of its plan, in the form of `read_options`, one per line.
FILE = "options.args"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of utils/recipe.sh, which every driver has; a system adds its own as fields.

    A list of words is ``"<word> <word>"`` in the shell. None stands for an option that is empty there.

    Attributes
    ----------
    toy : whether the run is on the toy corpora, because the user gave no folder of a corpus.
    corpora : folder that contains the corpora, each under its usual name.
    folders : corpus -> its own folder, for corpora whose folder the user gave.
    seed : seed of the run, in place of the seeds in the settings.
    reproducible : whether to use only arithmetic that gives the same bits under any instruction set.
    """

    stage: int
    stop_stage: int
    check_inputs: bool
    estimate: bool
    dry_run: bool
    check_disk: bool
    rates: str
    nj: int
    num_threads: int
    train_jobs: int | None
    seed: int | None
    reproducible: bool
    name: str
    conf: str
    toy: bool
    corpora: str
    folders: Mapping[str, str] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        """The folders of the run."""
        return Layout.of_run(self.name)

    def folder(self, corpus: str) -> str:
        """Return the folder of a corpus as distributed: the value of its own option, or its usual name in --corpora."""
        known = find(corpus, read_corpora())
        if own := self.folders.get(corpus):
            return own
        if not self.corpora:
            raise SerError(f"no folder of {corpus}; give --{corpus.replace('_', '-')} or --corpora")
        return f"{self.corpora}/{known.folder}"

    def seed_override(self, key: str = "fit.seed") -> list[str]:
        """Return the options of a training that replace the seed of its settings by the seed of the run."""
        return [] if self.seed is None else ["--set", f"{key}={self.seed}"]


def read_options(cls: type[Options], words: Sequence[str], corpora: Mapping[str, Corpus]) -> Options:
    """Parse words ``--some-name=value`` into the options of a system, one word for each field.

    The name of a corpus is an option too; its value is the folder of that corpus.

    Raises
    ------
    SerError
        If an option is missing or unknown (driver and system disagree), or a value has the wrong type.
    """
    hints = typing.get_type_hints(cls)
    known = {item.name for item in dataclasses.fields(cls)} - {"folders"}
    values: dict[str, Any] = {}
    folders: dict[str, str] = {}
    for word in words:
        option, equals, value = word.partition("=")
        name = option.removeprefix("--").replace("-", "_")
        if not (option.startswith("--") and equals):
            raise SerError(f"expected --option=value, found '{word}'")
        if name in corpora:
            folders[name] = value
        elif name in known:
            values[name] = _convert(option, value, hints[name])
        else:
            raise SerError(f"unknown option {option}; known: {', '.join(sorted(known))}, and a corpus")
    if missing := known - values.keys():
        raise SerError(f"missing option --{min(missing).replace('_', '-')}; the driver must set it")
    return cls(**values, folders={name: value for name, value in folders.items() if value})


def options_of_run(cls: type[Options], name: str) -> Options:
    """Read the options of the last call of the driver that made a run.

    Raises
    ------
    SerError
        If no driver has planned the run, or one whose options were others.
    """
    path = Layout.of_run(name).plan / FILE
    if not path.is_file():
        raise SerError(
            f"{path}: no such file; make the run by ./run.sh --name {name}; where an earlier version made it, --stage 9"
            " with the options of that run writes the file"
        )
    try:
        return read_options(cls, read_text_lines(path), read_corpora())
    except SerError as error:
        raise SerError(f"{path}: {error}") from error


def check_words(option: str, words: Iterable[str], known: Collection[str]) -> None:
    """Raise a `SerError` if an option has a word that is not one of `known`."""
    for word in words:
        if word not in known:
            raise SerError(f"--{option}: unknown '{word}'; known: {' '.join(known)}")


def check_hold_out(share: float) -> None:
    """Raise a `SerError` if --hold-out-speakers is no share of the speakers that leaves enough for training."""
    if not 0 <= share < 0.9:
        raise SerError(f"--hold-out-speakers: expected a share from 0 to 0.9, found {share}")


def check_run(options: RunOptions, last_stage: int, files: Iterable[str]) -> None:
    """Check the options that all systems share, so that mistakes fail now and not hours later.

    Parameters
    ----------
    files : files of settings that must exist.
    """
    if not 0 <= options.stage <= min(last_stage, options.stop_stage):
        raise SerError(
            f"expected --stage 0 to {last_stage} and a --stop-stage that is not before it, found '{options.stage}' and"
            f" '{options.stop_stage}'"
        )
    for name in ("nj", "num_threads", "train_jobs"):
        number = getattr(options, name)
        if number is not None and number < 1:
            raise SerError(f"--{name.replace('_', '-')}: expected a number from 1, found '{number}'")
    if options.seed is not None and options.seed < 0:
        raise SerError(f"--seed: expected a number from 0, found '{options.seed}'")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", options.name) or options.name in (".", ".."):
        raise SerError(f"--name: expected only letters, digits and ._-, found '{options.name}'; use another name")
    if JOB_WORD.search(options.name):
        raise SerError(
            f"--name: '{options.name}' has the word JOB, which job arrays replace by a number; use another name"
        )
    for path in files:
        if not Path(path).is_file():
            raise SerError(f"no {path}; --help lists the options that name it")
    if options.toy and options.stage > 0 and not Path(options.corpora).is_dir():
        raise SerError(
            f"no {options.corpora}; for a run on real corpora give --corpora again, for a toy run start with --stage 0"
        )


def _convert(option: str, text: str, hint: object) -> object:
    arguments = typing.get_args(hint)
    if isinstance(hint, types.UnionType):  # such as int | None
        return _convert(option, text, arguments[0]) if text else None
    if typing.get_origin(hint) is tuple:
        return tuple(_convert(option, word, arguments[0]) for word in text.split())
    if hint is bool:
        if text not in ("true", "false"):
            raise SerError(f"{option}: expected true or false, found '{text}'")
        return text == "true"
    try:
        return hint(text)  # type: ignore[operator]  # int, float or str
    except ValueError as error:
        kind = "a whole number" if hint is int else "numbers such as 0.9"
        raise SerError(f"{option}: expected {kind}, found '{text}'") from error
