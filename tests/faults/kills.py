"""Runs that are killed, all their processes at once, as by a power cut."""

import random
import time
from collections.abc import Generator

from outcome import Outcome, judge
from sandbox import STAGES, Sandbox


def faults(sandbox: Sandbox, count: int, seed: int) -> Generator[Outcome, None, None]:
    """Kill a run, all its processes, at a random moment of a stage; run the stage again, now and then on to the end."""
    order = random.Random(seed).sample(STAGES, len(STAGES))
    for index in range(count):
        stage = order[index % len(order)]
        rng = random.Random(f"{seed}-{index}")
        moment = rng.random() * sandbox.seconds[stage]
        while not _killed(sandbox, stage, moment):
            moment *= 0.8  # it had ended before
        detail = f"killed after {moment:.1f} of {sandbox.seconds[stage]:.1f} s"
        began = sandbox.root / "exp" / "toy" / "log" / f"stage_{stage}.began"
        if began.exists() and stage < STAGES[-1]:
            later = sandbox.run_stage(stage + 1)
            # A toy run whose corpora were not yet made is told that first.
            named = began.name if (sandbox.root / "data/toy/corpora").is_dir() else "data/toy/corpora"
            yield judge(sandbox, "SIGKILL", f"stage {stage}, then the next", later, stage, named, must_stop=True)
        to_the_end = index % 10 == 9
        again = sandbox.run("--stage", stage) if to_the_end else sandbox.run_stage(stage)
        yield judge(sandbox, "SIGKILL", f"stage {stage}", again, STAGES[-1] if to_the_end else stage, "", detail)


def _killed(sandbox: Sandbox, stage: int, moment: float) -> bool:
    sandbox.restore(stage - 1)
    run = sandbox.start("--stage", stage, "--stop-stage", stage)
    time.sleep(moment)
    return run.kill()
