"""Files that are damaged, changed or gone between two stages of a run."""

import os
import random
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from file_faults import FILE_FAULTS, Damage
from outcome import Outcome, judge
from sandbox import SYSTEM_A, Sandbox


def faults(sandbox: Sandbox, seed: int) -> Generator[Outcome, None, None]:
    """Damage a file; the time of its last change stays, as when a disk rots."""
    script = sandbox.driver.script
    for index, fault in enumerate(FILE_FAULTS[sandbox.driver]):
        where, before = f"{script} {fault.stage}", fault.stage if fault.again else fault.stage - 1
        sandbox.restore(before)
        found = sorted(sandbox.root.glob(fault.pattern))
        if not found:
            yield Outcome(fault.name, where, "lost", f"no file {fault.pattern}")
            continue
        rng = random.Random(f"{seed}-{index}")
        path = rng.choice(found)
        damage(path, fault.damage, rng)
        done = sandbox.run_stage(fault.stage, "--check-inputs", "true" if fault.check else "false")
        named = str(path.relative_to(sandbox.root))
        yield judge(sandbox, fault.name, where, done, fault.stage, named, named)
        sandbox.restore(before, touched=path)
    if sandbox.driver is SYSTEM_A:
        yield from _while_at_work(sandbox)


def _while_at_work(sandbox: Sandbox) -> Iterator[Outcome]:
    """Take a recording away between stage 0, which lists it, and the reading of stage 1, of one run."""
    sandbox.restore(-1)
    run = sandbox.start("--stop-stage", 1)
    while not (sandbox.root / sandbox.exp / "log" / "stage_1.began").exists():
        time.sleep(0.02)
    recording = sorted(sandbox.root.glob("data/toy/corpora/IEMOCAP_full_release/*/*/wav/*/*.wav"))[-1]
    recording.unlink()
    yield judge(
        sandbox,
        "recording vanishes",
        "./run.sh 1, at work",
        run.wait(),
        1,
        recording.name,
        str(recording),
        must_stop=True,
    )


def damage(path: Path, change: Damage, rng: random.Random) -> None:
    """Change the contents of a file, not its times."""
    status = path.stat()
    data = change(path.read_bytes(), rng)
    if data is None:
        path.unlink()
        return
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
