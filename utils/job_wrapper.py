"""What run.pl, queue.pl and slurm.pl share: Kaldi's command line, its conf files, signals, the report at the end.

This uses the standard library only and is quick to import, because a wrapper starts for each job.
"""

import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from job_log import tail

LINES_SHOWN = 15
ECHO_SECONDS = 2.0
# Options of every wrapper; a conf file must describe any other.
KNOWN_OPTIONS = {"max_jobs_run", "num_threads", "mem", "gpu", "config", "retries"}
CONF = Path(__file__).resolve().parent.parent / "conf"


def say(message: str) -> None:
    """Print a message on standard error, with the wrapper's name."""
    print(f"{os.path.basename(sys.argv[0])}: {message}", file=sys.stderr, flush=True)


def fail(message: str) -> NoReturn:
    """Say what is wrong and end the wrapper with status 1."""
    say(message)
    sys.exit(1)


def word_of(job_name: str) -> str:
    """Return the pattern of a job's name where no letter or digit stands beside it."""
    return rf"(?<![A-Za-z0-9]){re.escape(job_name)}(?![A-Za-z0-9])"


@dataclass(frozen=True)
class Call:
    """A wrapper's command line.

    `options` has the ``--some-option value`` under ``some_option``, `raw_options` the words of the one-dash options,
    which go to the scheduler as they are; `job_name` is None without a range.
    """

    options: dict[str, str]
    raw_options: list[str]
    job_name: str | None
    numbers: range
    log: str
    arguments: list[str]

    def whole_number(self, option: str, default: int, least: int) -> int:
        """Return the value of an option that takes a whole number."""
        value = self.options.get(option, str(default))
        if not value.isdecimal() or int(value) < least:
            fail(f"--{option.replace('_', '-')} takes a whole number of at least {least}, found '{value}'")
        return int(value)

    def threads(self) -> int:
        """Return --num-threads, or what ``-pe smp N`` asks for in its place."""
        slots = self.raw_options[self.raw_options.index("-pe") + 2] if "-pe" in self.raw_options else ""
        return self.whole_number("num_threads", int(slots) if slots.isdecimal() else 1, least=1)

    def for_job(self, text: str, number: int | str) -> str:
        """Put a job's number in the place of the job's name, where that is a word: not in exp/JOB1 or 5JOB."""
        return re.sub(word_of(self.job_name), str(number), text) if self.job_name else text

    def logs(self) -> dict[int, str]:
        """Return each job's log file, and make the folders."""
        logs = {number: self.for_job(self.log, number) for number in self.numbers}
        for folder in {os.path.dirname(log) or "." for log in logs.values()}:
            os.makedirs(folder, exist_ok=True)
        return logs

    def command(self) -> str:
        """Join the arguments as Kaldi does: one with white space is quoted, one without goes to the shell as it is."""
        return " ".join(
            word if re.fullmatch(r"\S+", word) else f"'{word}'" if '"' in word else f'"{word}"'
            for word in self.arguments
        )


def parse(words: list[str], help_of: str) -> Call:
    """Split a command line into options, the job's name with its range, the log and the command, as Kaldi does.

    `help_of` is the wrapper's file, whose head is what --help prints.
    """
    options, raw_options, limits, job_name, numbers = {}, [], [], None, range(1, 2)
    words = list(words)
    while words and (words[0].startswith("-") or (job_name is None and re.match(r"[A-Za-z_]\w*=(\d|:|$)", words[0]))):
        word = words.pop(0)
        if word in ("--help", "-h"):
            head = re.match(r"#!.*\n((?:#.*\n)+)", Path(help_of).read_text(encoding="utf-8"))[1]
            print(re.sub(r"^# ?", "", head, flags=re.MULTILINE), end="")
            sys.exit(0)
        if not word.startswith("-"):
            job_name, numbers = parse_range(word)
        elif word in ("--max-jobs-run", "-tc"):  # cmd.sh and a step may both give it: the smaller counts
            limits.append(take_value(words, word))
            options["max_jobs_run"] = min(limits, key=lambda value: int(value) if value.isdecimal() else 0)
        elif word.startswith("--"):
            options[word[2:].replace("-", "_")] = take_value(words, word)
        elif word == "-V":
            raw_options.append(word)
        elif word == "-sync":  # every wrapper waits for its jobs
            take_value(words, word)
        else:
            raw_options += [word, take_value(words, word)]
            if word == "-pe":  # the one with two values: -pe smp 4
                raw_options.append(take_value(words, word))
    if len(words) < 2:
        fail("expected a log file and a command; --help shows the usage")
    if job_name and len(numbers) > 1 and not re.search(word_of(job_name), words[0]):
        fail(f"the log file's name must contain {job_name}, found '{words[0]}'")
    return Call(options, raw_options, job_name, numbers, words[0], words[1:])


def take_value(words: list[str], option: str) -> str:
    """Take an option's value off the command line."""
    if not words or words[0].startswith("--"):
        fail(f"option {option} needs a value{', found ' + repr(words[0]) if words else ''}")
    return words.pop(0)


def parse_range(word: str) -> tuple[str, range]:
    """Read ``JOB=1:4`` or ``JOB=3``."""
    match = re.fullmatch(r"(\w+)=(\d+)(?::(\d+))?", word)
    if not match or not 1 <= int(match[2]) <= int(match[3] or match[2]):
        fail(f"expected a range such as JOB=1:4, found '{word}'")
    return match[1], range(int(match[2]), int(match[3] or match[2]) + 1)


@dataclass(frozen=True)
class OptionMap:
    """A conf file of Kaldi's: the submission command, and what each option becomes on its command line.

    ``command qsub -V`` begins it; ``option mem=* -l mem_free=$0`` maps any value, which replaces $0; ``option mem=0``
    maps one value; ``default gpu=0`` gives an option that the command line lacks; ``#`` begins a comment. Variables of
    the environment, ``-A $ACCOUNT``, are put in.
    """

    path: str
    command: str
    words: dict[str, str]
    defaults: dict[str, str]

    def submission(self, call: Call, itself: Iterable[str] = ()) -> list[str]:
        """Return the submission command with the mapped options, but those in `itself`, which the wrapper handles."""
        result = to_words(self.command)
        for name, value in {**self.defaults, **call.options}.items():
            if name in {"config", "retries", *itself}:
                continue
            words = self.words.get(f"{name}={value}", self.words.get(f"{name}=*"))
            if words is None:
                fail(
                    f"{self.path} does not say what --{name.replace('_', '-')} {value} becomes; "
                    f"add a line such as 'option {name}=* ...$0'"
                )
            result += [word.replace("$0", value) for word in to_words(words)]
        return result + call.raw_options


def read_option_map(path: str | Path) -> OptionMap:
    """Read a conf file that maps options to a scheduler's."""
    if not os.path.isfile(path):
        fail(f"no {path}; --config names the file that maps the options to the scheduler's")
    command, words, defaults = "", {}, {}
    for line_number, line in enumerate(Path(path).read_text(encoding="utf-8-sig").splitlines(), start=1):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        kind, rest = [*line.split(maxsplit=1), "", ""][:2]
        name_and_value, mapped = [*rest.split(maxsplit=1), "", ""][:2]
        if kind == "command" and rest:
            command = rest
        elif kind == "option" and "=" in name_and_value:
            words[name_and_value] = mapped
        elif kind == "default" and "=" in name_and_value and not mapped:
            name, _, value = name_and_value.partition("=")
            defaults[name] = value
        elif line:
            fail(
                f"{path}:{line_number}: expected 'command ...', 'option name=value ...' or 'default name=value': {line}"
            )
    if not command:
        fail(f"{path}: no line 'command ...', which says how jobs are submitted")
    return OptionMap(str(path), command, words, defaults)


def to_words(text: str) -> list[str]:
    """Split a line of a conf file as the shell does, with the environment's variables put in."""
    return [os.path.expandvars(word) for word in shlex.split(text)]


def config_of(call: Call, name: str) -> str | Path:
    """Return the conf file to use: the one asked for, else conf/`name` where we are, else the project's."""
    here = Path("conf", name)
    return call.options.get("config") or (here if here.is_file() else CONF / name)


def on_signals(stop: Callable[[int, bool], None]) -> None:
    """Have ``stop(number, again)`` called at SIGINT, SIGTERM and SIGHUP, except those that nohup or & turned off.

    Further signals within `ECHO_SECONDS` count as the same one: when a terminal closes, both the terminal and its shell
    send a signal.
    """
    first: list[float] = []

    def receive(number: int, _frame: object) -> None:
        first.append(time.monotonic())
        if len(first) == 1 or first[-1] - first[0] > ECHO_SECONDS:
            stop(number, len(first) > 1)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, receive)


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Join ascending numbers into ranges, both ends included."""
    result: list[tuple[int, int]] = []
    for number in numbers:
        if result and result[-1][1] == number - 1:
            result[-1] = (result[-1][0], number)
        else:
            result.append((number, number))
    return result


def bash_ranges(numbers: Iterable[int]) -> list[str]:
    """Write numbers as bash expands them."""
    return [str(first) if first == last else f"{{{first}..{last}}}" for first, last in ranges(numbers)]


def names(numbers: Iterable[int]) -> str:
    """Name jobs by their numbers: job 3, or jobs 1-4,7."""
    numbers = sorted(numbers)
    text = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges(numbers))
    return f"job{'s' if len(numbers) > 1 else ''} {text}"


def report(failed: dict[int, str], logs: dict[int, str], scheduler_file: str | Path = "") -> None:
    """Tell which jobs failed and why (number -> reason), and show the end of the first one's log."""
    by_reason: dict[str, list[int]] = {}
    for number, reason in sorted(failed.items()):
        by_reason.setdefault(reason, []).append(number)
    reasons = "; ".join(f"{names(numbers)}: {reason}" for reason, numbers in by_reason.items())
    say(f"{len(failed)} of {len(logs)} jobs failed; {reasons}")
    first = min(failed)
    path, lines = next(((path, lines) for path in (logs[first], scheduler_file) if (lines := tail(path))), ("", []))
    if lines:
        say(f"the log of job {first} is {path} and ends:")
    for line in lines[-LINES_SHOWN:]:
        print(f"    {line}", end="" if line.endswith("\n") else "\n", file=sys.stderr)
