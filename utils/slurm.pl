#!/usr/bin/env python3
# Runs a command, or an array of them, on a SLURM cluster and logs each: Kaldi's interface of the same name.
#
# Usage: slurm.pl [--config conf/slurm.conf] [--retries N] [--max-jobs-run N] [--<option> <value>...] [JOB=1:4] <log>
#          <command> [<argument>...]
#  e.g.: slurm.pl --mem 4G --time 2:00:00 JOB=1:4 exp/log/sum.JOB.log sum_stats.sh data/JOB
#
# As run.pl, which runs each job where SLURM puts it, with one array for all of them. conf/slurm.conf says what --mem,
# --num-threads, --gpu and other options become on sbatch's command line. A job that fails or is lost (its node gone, or
# the job cancelled by someone else) is submitted again up to --retries times (default 0). Ctrl-C cancels what was
# submitted. What SLURM itself says of the jobs is in the folder q beside the logs.
# The exit status is 0 if every job's log ends with status 0, else 1, and the end of a failed job's log is shown.
import re

from job_array import main
from scheduler import NoAnswerError, RefusedError, State, ask, ask_for_answer

ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"),
    *("NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
}
RUNNING = {"RUNNING", "SIGNALING", "STAGE_OUT"}
ORDINARY = {"None", "Priority", "Resources", "JobArrayTaskLimit", "BeginTime", "Dependency"}
# Reasons to wait that no other job's end will take away.
FOR_EVER = re.compile(
    r"PartitionConfig|PartitionTimeLimit|BadConstraints|DependencyNeverSatisfied|InvalidAccount|InvalidQOS"
    r"|AccountNotAllowed|QOSNotAllowed|ReservationDeleted|(Assoc|QOS)Max\w*Per(Job|Node)\w*|launch failed requeued held"
)


class Slurm:
    """SLURM's commands."""

    task_variable = "SLURM_ARRAY_TASK_ID"

    def largest_array(self):
        told = re.search(r"MaxArraySize *= *(\d+)", ask_for_answer(["scontrol", "show", "config"]))
        return int(told[1]) - 1 if told else 1000  # SLURM's own default

    def submit(self, command, script, name, count, at_once, output):
        array = f"--array=1-{count}" + (f"%{at_once}" if at_once else "")
        output = str(output).replace("%", "%%")
        files = [f"--output={output}", "--open-mode=append", str(script)]
        done = ask([*command, "--parsable", f"--job-name={name}", array, *files], seconds=None)
        if done.returncode == 0:
            return done.stdout.split(";")[0].strip()
        message = done.stderr.strip().replace("\n", "; ")
        # After any other error, a lost answer say, the jobs may have been accepted.
        raise (NoAnswerError if "connect failure" in message else RefusedError)(f"{command[0]}: {message}")

    def states(self, arrays):
        form = "--format=%F|%K|%T|%r"
        done = ask(["squeue", "--noheader", "--array", "--states=all", form, f"--jobs={','.join(sorted(arrays))}"])
        if done.returncode != 0 and "Invalid job id" not in done.stderr:
            raise NoAnswerError(f"squeue: {done.stderr.strip() or f'status {done.returncode}'}")
        fields = (line.split("|") for line in done.stdout.splitlines())
        return {
            (array, int(task)): self.state(name, reason) for array, task, name, reason in fields if task.isdecimal()
        }

    def state(self, name, reason):
        if name in RUNNING:
            return State("running")
        if name == "COMPLETING":
            return State("ending")
        if name in ENDED:
            return State("gone", f"SLURM: {name}")
        if FOR_EVER.match(reason):
            return State("stuck", f"SLURM: {reason}")
        return State("waiting", "" if reason in ORDINARY else f"SLURM: {name}, {reason}")

    def cancel(self, array, tasks=None):
        ask_for_answer(["scancel", f"{array}_[{','.join(map(str, tasks))}]" if tasks else array])


main(__file__, "slurm.conf", Slurm(), itself=["max_jobs_run"])
