"""What became of a run after a fault."""

import re
from typing import NamedTuple

from sandbox import Done, Sandbox

# A message that only says what is wrong leaves its reader alone.
REMEDY = re.compile(r"\b(again|remove|give|check|bring|take|make|look|run|wait|rename|lower|install)\b")


class Outcome(NamedTuple):
    """`kind` is recovered, refused, lost or skipped; `detail` says why."""

    fault: str
    where: str
    kind: str
    detail: str = ""


def judge(
    sandbox: Sandbox,
    fault: str,
    where: str,
    done: Done,
    stage: int,
    named: str,
    detail: str = "",
    must_stop: bool = False,
) -> Outcome:
    """Judge a run that followed a fault.

    Parameters
    ----------
    done : the run.
    stage : the one that its outputs are compared after.
    named : what the message of a refusal has to name.
    must_stop : whether ending well is a loss, even with equal outputs.
    """
    if done.status:
        message = " ".join(done.said.split("\n")[-8:])
        if named and named in done.said and REMEDY.search(message):
            said = [line for line in done.said.splitlines() if named in line]
            return Outcome(fault, where, "refused", said[-1].strip()[:300])
        return Outcome(fault, where, "lost", f"{detail}; status {done.status}: {done.said[-1500:]}")
    if must_stop:
        return Outcome(fault, where, "lost", f"{detail}; it was not refused")
    if different := sandbox.differences(stage):
        return Outcome(fault, where, "lost", f"{detail}; {len(different)} files differ: {', '.join(different[:8])}")
    return Outcome(fault, where, "recovered", detail)
