"""What became of a run after a fault."""

import re
from typing import NamedTuple

from sandbox import Done, Sandbox

# A message that only says what is wrong leaves its reader alone. What a program is called is no remedy.
REMEDY = re.compile(r"; .*\b(remove|give|check|bring|take|make|keep|look|run|wait|rename|lower|install)\b(?!\.\w)")


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
    named : what the message of a refusal has to name, in the line that has the remedy.
    must_stop : whether ending well is a loss, even with equal outputs.
    """
    if done.status:
        said = [line for line in done.said.splitlines() if named in line and REMEDY.search(line)]
        if named and said:
            return Outcome(fault, where, "refused", said[-1].strip()[:300])
        return Outcome(fault, where, "lost", f"{detail}; status {done.status}: {done.said[-1500:]}")
    if must_stop:
        return Outcome(fault, where, "lost", f"{detail}; it was not refused")
    if different := sandbox.differences(stage):
        return Outcome(fault, where, "lost", f"{detail}; {len(different)} files differ: {', '.join(different[:8])}")
    return Outcome(fault, where, "recovered", detail)
