#!/usr/bin/env python3
# Runs a command, or an array of them, on a Grid Engine cluster and logs each: Kaldi's interface of the same name.
#
# Usage: queue.pl [--config conf/queue.conf] [--retries N] [--max-jobs-run N] [--<option> <value>...] [-q <queue>]
#          [-l <resource>] [JOB=1:4] <log> <command> [<argument>...]
#  e.g.: queue.pl --mem 4G -q all.q JOB=1:4 exp/log/sum.JOB.log sum_stats.sh data/JOB
#
# As run.pl, which runs each job where Grid Engine puts it, with one array for all of them. conf/queue.conf says what
# --mem, --num-threads, --gpu and other options become on qsub's command line, where options with one dash go as they
# are. A job that fails or is lost (its host gone, or the job deleted by someone else) is submitted again up to
# --retries times (default 0). Ctrl-C deletes what was submitted. What Grid Engine itself says of the jobs is in the
# folder q beside the logs.
# The exit status is 0 if every job's log ends with status 0, else 1, and the end of a failed job's log is shown.
import os
import pwd
import re
from xml.etree import ElementTree

from job_array import main
from job_wrapper import ranges
from scheduler import NoAnswerError, RefusedError, State, ask, ask_for_answer


class GridEngine:
    """Grid Engine's commands."""

    task_variable = "SGE_TASK_ID"

    def largest_array(self):
        told = re.search(r"max_aj_tasks +([1-9]\d*)", ask_for_answer(["qconf", "-sconf"]))
        return int(told[1]) if told else 75000  # Grid Engine's own default

    def submit(self, command, script, name, count, at_once, output):
        # What stands before the first colon is a host: none.
        options = ["-terse", "-N", name, "-t", f"1-{count}", "-j", "y", "-o", f":{output}"]
        done = ask([*command, *options, str(script)], seconds=None)
        if done.returncode == 0:
            return done.stdout.split()[-1].partition(".")[0]
        message = done.stderr.strip().replace("\n", "; ")
        raise (NoAnswerError if "to qmaster" in message else RefusedError)(f"{command[0]}: {message}")

    def states(self, arrays):
        user = pwd.getpwuid(os.getuid()).pw_name
        answer = ask_for_answer(["qstat", "-xml", "-u", user])
        try:
            jobs = ElementTree.fromstring(answer).iter("job_list")
        except ElementTree.ParseError as error:
            raise NoAnswerError(f"qstat -xml: {error}") from None
        result = {}
        for job in jobs:
            array = job.findtext("JB_job_number")
            if array in arrays:
                state = self.state(array, job.findtext("state"))
                result |= {(array, task): state for task in numbers(job.findtext("tasks") or "1")}
        return result

    def state(self, array, letters):
        if "E" in letters:
            said = re.findall(r"error reason.*?error: (.*)", ask(["qstat", "-j", array]).stdout)
            return State("stuck", f"Grid Engine: state {letters}: {said[0] if said else 'qstat -j tells why'}")
        if "d" in letters:
            return State("ending", f"Grid Engine: state {letters}")
        if "h" in letters or set(letters) & set("sST"):
            return State("waiting", f"Grid Engine: state {letters}")
        return State("waiting" if "w" in letters else "running")

    def cancel(self, array, tasks=None):
        for options in [["-t", f"{first}-{last}"] for first, last in ranges(tasks)] if tasks else [[]]:
            done = ask(["qdel", array, *options])
            if "to qmaster" in done.stderr:
                raise NoAnswerError(f"qdel: {done.stderr.strip()}")


def numbers(tasks):
    """Read the tasks of a line of qstat: 3, or 1-9:2, or several of them with commas."""
    for part in tasks.split(","):
        first, last, step = re.fullmatch(r"(\d+)(?:-(\d+))?(?::(\d+))?", part).groups()
        yield from range(int(first), int(last or first) + 1, int(step or 1))


main(__file__, "queue.conf", GridEngine())
