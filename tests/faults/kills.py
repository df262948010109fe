"""Runs that are killed, all their processes at once, as by a power cut."""

import contextlib
import random
import subprocess
import time
from collections.abc import Generator

from outcome import Outcome, judge
from sandbox import Sandbox


def faults(sandbox: Sandbox, count: int, seed: int) -> Generator[Outcome, None, None]:
    """Kill a run, all its processes, at a random moment of a stage; run the stage again, now and then on to the end."""
    stages = sandbox.driver.stages
    order = random.Random(seed).sample(stages, len(stages))
    script = sandbox.driver.script
    for index in range(count):
        stage = order[index % len(order)]
        rng = random.Random(f"{seed}-{index}")
        share, length = rng.random(), sandbox.seconds[stage]
        while (ended := _ended(sandbox, stage, share * length)) is not None:
            length = 0.9 * min(length, ended)  # the machine is faster now
        detail = f"killed after {share * length:.1f} of {sandbox.seconds[stage]:.1f} s"
        began = sandbox.root / sandbox.exp / "log" / f"stage_{stage}.began"
        if began.exists() and stage < stages[-1]:
            later = sandbox.run_stage(stage + 1)
            # A toy run whose corpora were not yet made is told that first.
            corpora = f"{sandbox.data}/corpora"
            named = began.name if (sandbox.root / corpora).is_dir() else corpora
            yield judge(sandbox, "SIGKILL", f"{script} {stage}, then the next", later, stage, named, must_stop=True)
        to_the_end = index % len(stages) == len(stages) - 1 and not sandbox.driver.base
        again = sandbox.run("--stage", stage) if to_the_end else sandbox.run_stage(stage)
        yield judge(sandbox, "SIGKILL", f"{script} {stage}", again, stages[-1] if to_the_end else stage, "", detail)


def _ended(sandbox: Sandbox, stage: int, moment: float) -> float | None:
    """Kill a run of the stage at the moment; None, or the time that it took where it had ended before."""
    sandbox.restore(stage - 1)
    run = sandbox.start(*sandbox.only(stage))
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.process.wait(timeout=moment)
    taken = time.monotonic() - run.begin
    return None if run.kill() else taken
