#!/usr/bin/env python3
"""Disturb the toy run in every way that a shared machine does, run it again, and compare it with an undisturbed one.

After each fault either the stage, run again, writes what the undisturbed run wrote, bit for bit (recovered), or the
run stops with a message that names the file and a remedy (refused). Anything else is lost, and the exit status then 1.
A Markdown table goes to standard output. Full and read-only disks need root, to mount small ones; else they are left
out.

  python3 tests/faults/inject_faults.py                               # all: half an hour on two cores
  python3 tests/faults/inject_faults.py --kills 6 --seed 2 --minutes 8
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

import environment
import files
import kills
from outcome import Outcome
from sandbox import Sandbox


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="[%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="of stages, moments and bytes [%(default)s]")
    parser.add_argument("--part", choices=("all", "kills", "files", "environment"), default="all", help="[%(default)s]")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no new fault after this time [any]")
    parser.add_argument("--scratch", help="folder for the copies of the checkout [that of the system]")
    args = parser.parse_args()

    deadline = time.monotonic() + 60 * args.minutes
    parts: dict[str, Callable[[Sandbox], Generator[Outcome, None, None]]] = {
        "files": lambda sandbox: files.faults(sandbox, args.seed),
        "kills": lambda sandbox: kills.faults(sandbox, args.kills, args.seed),
        "environment": environment.faults,
    }
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="faults.", dir=args.scratch) as folder:
        sandbox = Sandbox(Path(folder))
        say("undisturbed run")
        sandbox.run_undisturbed()
        say(f"undisturbed run: {sum(sandbox.seconds.values()):.0f} s")
        for part in parts.values() if args.part == "all" else [parts[args.part]]:
            tried = part(sandbox)
            while time.monotonic() < deadline and (outcome := next(tried, None)):
                outcomes.append(outcome)
                say(f"{outcome.fault}, {outcome.where}: {outcome.kind}{outcome.detail and f': {outcome.detail}'}")
            tried.close()
        if time.monotonic() >= deadline:
            say(f"--minutes {args.minutes:g} are over: what was left was not tried")
    print(table(outcomes), end="")
    sys.exit(any(outcome.kind == "lost" for outcome in outcomes))


def table(outcomes: list[Outcome]) -> str:
    """Count the outcomes of each fault over the stages in which it was tried, in Markdown."""
    kinds = ("recovered", "refused", "lost")
    lines = [["fault", "stages", "tried", *kinds], ["---", "---", *["---:"] * 4]]
    for fault in sorted({outcome.fault for outcome in outcomes}):
        found = [outcome for outcome in outcomes if outcome.fault == fault]
        stages = sorted({int(number) for outcome in found for number in re.findall(r"\d+", outcome.where)})
        if reason := [outcome.detail for outcome in found if outcome.kind == "skipped"]:
            lines.append([fault, "", f"skipped: {reason[0]}", *[""] * 3])
        else:
            lines.append([fault, " ".join(map(str, stages)), *_counts(found, kinds)])
    lines.append(["all", "", *_counts([outcome for outcome in outcomes if outcome.kind != "skipped"], kinds)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _counts(outcomes: list[Outcome], kinds: tuple[str, ...]) -> list[str]:
    return [str(len(outcomes)), *(str(sum(outcome.kind == kind for outcome in outcomes)) for kind in kinds)]


def say(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
