#!/usr/bin/env python3
"""Disturb toy runs in every way that a shared machine does, run them again, and compare with undisturbed ones.

The drivers are those of the systems, a to d (run.sh, local/run_asr_tdnn.sh, local/run_coattention.sh,
local/run_vgg_bert.sh), of the cross-corpus results (local/run_cross_corpus.sh), and of the grid
(local/run_experiments.sh).

After each fault either the stage, run again, writes what the undisturbed run wrote, bit for bit (recovered), or the
run stops with a message that names the file and a remedy (refused). Anything else is lost, and the exit status then 1.
A Markdown table goes to standard output. Full and read-only disks need root, to mount small ones; else they are left
out.

  python3 tests/faults/inject_faults.py --driver a                    # half an hour on two cores
  python3 tests/faults/inject_faults.py --driver d --kills 6 --seed 2 --minutes 8
"""

import argparse
import contextlib
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
from sandbox import CROSS_CORPUS, GRID, SYSTEM_A, SYSTEM_B, SYSTEM_C, SYSTEM_D, Driver, Sandbox

DRIVERS = {"a": SYSTEM_A, "b": SYSTEM_B, "c": SYSTEM_C, "d": SYSTEM_D, "cross": CROSS_CORPUS, "grid": GRID}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", choices=("all", *DRIVERS), default="all", help="[%(default)s]")
    parser.add_argument("--kills", type=int, default=30, help="of each driver; a grid has a third [%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="of stages, moments and bytes [%(default)s]")
    parser.add_argument("--part", choices=("all", "kills", "files", "environment"), default="all", help="[%(default)s]")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="of a driver's faults, then no new one [any]"
    )
    parser.add_argument("--scratch", help="folder for the copies of the checkout [that of the system]")
    parser.add_argument(
        "--keep",
        help="folder to keep each driver's undisturbed run in; a later call uses those that are there",
    )
    args = parser.parse_args()

    outcomes: list[Outcome] = []
    for driver in DRIVERS.values() if args.driver == "all" else [DRIVERS[args.driver]]:
        outcomes += disturb(driver, args)
    print(table(outcomes), end="")
    sys.exit(any(outcome.kind == "lost" for outcome in outcomes))


def disturb(driver: Driver, args: argparse.Namespace) -> list[Outcome]:
    """Try the faults of one driver."""
    kill_count = args.kills if driver.base is None else max(1, args.kills // 3)
    parts: dict[str, Callable[[Sandbox], Generator[Outcome, None, None]]] = {
        "files": lambda sandbox: files.faults(sandbox, args.seed),
        "kills": lambda sandbox: kills.faults(sandbox, kill_count, args.seed),
    }
    if driver is SYSTEM_A:
        parts["environment"] = environment.faults
    outcomes: list[Outcome] = []
    with contextlib.ExitStack() as stack:
        if args.keep:
            folder = Path(args.keep, driver.name + "_grid" * (driver.base is not None)).resolve()
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults.", dir=args.scratch)))
        sandbox = Sandbox(folder, driver)
        say(f"{driver.script}: undisturbed run")
        sandbox.run_undisturbed()
        say(f"{driver.script}: undisturbed run: {sum(sandbox.seconds.values()):.0f} s")
        deadline = time.monotonic() + 60 * args.minutes
        for name, part in parts.items():
            if args.part not in ("all", name):
                continue
            tried = part(sandbox)
            while time.monotonic() < deadline and (outcome := next(tried, None)):
                outcomes.append(outcome)
                say(f"{outcome.fault}, {outcome.where}: {outcome.kind}{outcome.detail and f': {outcome.detail}'}")
            tried.close()
        if time.monotonic() >= deadline:
            say(f"--minutes {args.minutes:g} are over: what was left was not tried")
    return outcomes


def table(outcomes: list[Outcome]) -> str:
    """Count the outcomes of each fault over the stages in which it was tried, in Markdown."""
    kinds = ("recovered", "refused", "lost")
    lines = [["driver", "fault", "stages", "tried", *kinds], ["---", "---", "---", *["---:"] * 4]]
    for script, fault in sorted({(_script(outcome), outcome.fault) for outcome in outcomes}):
        found = [outcome for outcome in outcomes if (_script(outcome), outcome.fault) == (script, fault)]
        stages = sorted({int(number) for outcome in found for number in re.findall(r" (\d+)\b", outcome.where)})
        if reason := [outcome.detail for outcome in found if outcome.kind == "skipped"]:
            lines.append([script, fault, "", f"skipped: {reason[0]}", *[""] * 3])
        else:
            lines.append([script, fault, " ".join(map(str, stages)), *_counts(found, kinds)])
    lines.append(["all", "", "", *_counts([outcome for outcome in outcomes if outcome.kind != "skipped"], kinds)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _script(outcome: Outcome) -> str:
    """The driver of a fault, with which `where` begins unless it is system A's."""
    return next((d.script for d in DRIVERS.values() if outcome.where.startswith(d.script)), SYSTEM_A.script)


def _counts(outcomes: list[Outcome], kinds: tuple[str, ...]) -> list[str]:
    return [str(len(outcomes)), *(str(sum(outcome.kind == kind for outcome in outcomes)) for kind in kinds)]


def say(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
