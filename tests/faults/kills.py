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
        share, detail = rng.random(), "it ended before each of 5 moments"
        for _ in range(5):
            sandbox.restore(stage - 1)
            moment = share * sandbox.seconds[stage]
            run = sandbox.start("--stage", stage, "--stop-stage", stage)
            time.sleep(moment)
            if run.kill():
                detail = f"killed after {moment:.1f} of {sandbox.seconds[stage]:.1f} s"
                break
            share *= 0.8
        to_the_end = index % 10 == 9
        again = sandbox.run("--stage", stage) if to_the_end else sandbox.run_stage(stage)
        yield judge(sandbox, "SIGKILL", f"stage {stage}", again, STAGES[-1] if to_the_end else stage, "", detail)
