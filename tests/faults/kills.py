"""Runs that are killed, all their processes at once, as by a power cut."""

import random
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
        moment = rng.random() * sandbox.seconds[stage]
        while not _killed(sandbox, stage, moment):
            moment *= 0.8  # it had ended before
        detail = f"killed after {moment:.1f} of {sandbox.seconds[stage]:.1f} s"
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


def _killed(sandbox: Sandbox, stage: int, moment: float) -> bool:
    sandbox.restore(stage - 1)
    run = sandbox.start(*sandbox.only(stage))
    time.sleep(moment)
    return run.kill()
