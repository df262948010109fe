"""Run jobs on a cluster as arrays: submit them, watch them to their end, retry those that fail, cancel on a signal.

A job has succeeded if and only if its log ends with status 0; exit codes of schedulers are not reliable. A running job
shows that it is alive by touching a file every few seconds, because a scheduler takes minutes to see that a node is
gone. The scheduler's own list shows which jobs wait, were dropped or can never run.
"""

import contextlib
import os
import re
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from job_log import ended_status, refresh, time_of_change
from job_wrapper import Call, bash_ranges, config_of, fail, names, on_signals, parse, read_option_map, report, say
from scheduler import Job, NoAnswerError, RefusedError, Scheduler, State

LOOK_SECONDS = 5  # between two looks at the scheduler's list
GRACE_SECONDS = 4  # wait this long for the end of a log on a slow file server after the job has left the list
SILENT_SECONDS = 9  # warn of a running job that gives no sign of life for this long
DEAD_SECONDS = 120  # count it as lost after this long
PATIENCE_SECONDS = 300  # give the run up if neither the scheduler nor a job is heard of for this long
CANCEL_SECONDS = 15  # wait this long for cancelled jobs to leave the list

GONE = ("ending", "gone")

stopped_by = 0  # the signal that ended the run


class ArrayRun:
    """The jobs of one call of a wrapper, from submission to the end."""

    def __init__(self, call: Call, scheduler: Scheduler, command: list[str]) -> None:
        self.call, self.scheduler, self.command = call, scheduler, command
        self.logs = call.logs()
        self.retries = call.whole_number("retries", 0, least=0)
        self.at_once = call.whole_number("max_jobs_run", 0, least=1) if "max_jobs_run" in call.options else 0
        # Kaldi's place for what is not a log: the folder q beside it, a file named like the log without its number.
        log = Path(self.logs[call.numbers[0]])
        name = re.sub(rf"\.{call.job_name}|{call.job_name}\.", "", os.path.basename(call.log))
        self.folder = log.absolute().parent / "q"
        self.stem = name.removesuffix(".log")
        self.output = self.folder / f"{self.stem}.log"
        self.waiting = list(call.numbers)  # to submit
        self.most = 0  # that an array may have, once that is known
        self.jobs: dict[int, Job] = {}
        self.failed: dict[int, str] = {}
        self.attempts: Counter[int] = Counter()
        self.heard = self.next_look = time.monotonic()
        self.out_of_reach = False
        self.told: set[str] = set()
        self.pause, self.look_pause = 0.1, 0.5

    def run(self) -> dict[int, str]:
        """Run the jobs to their end; return what went wrong with those that failed."""
        self.folder.mkdir(exist_ok=True)
        self.output.unlink(missing_ok=True)
        try:
            while (self.waiting or self.jobs) and not stopped_by:
                self.submit_waiting()
                time.sleep(self.pause)
                self.read_signs()
                if time.monotonic() >= self.next_look:
                    self.read_list()
        except (NoAnswerError, RefusedError) as error:
            self.failed.update(dict.fromkeys([*self.waiting, *self.jobs], str(error)))
        finally:
            if self.jobs:
                self.cancel_all()
        return self.failed

    def submit_waiting(self) -> None:
        """Submit what waits. Several arrays cannot share a limit, so with one they follow each other."""
        self.waiting.sort()
        while self.waiting and not (self.at_once and self.jobs) and not stopped_by:
            try:
                self.most = self.most or self.scheduler.largest_array()
                self.submit(self.waiting[: self.most])
            except NoAnswerError as error:
                self.bear_with(error)
                return
            del self.waiting[: self.most]

    def submit(self, numbers: list[int]) -> None:
        """Submit the jobs of these numbers as one array."""
        for number in numbers:  # an old log must not pass for a new one
            Path(self.logs[number]).unlink(missing_ok=True)
            self.alive(number).unlink(missing_ok=True)
        script = self.folder / f"{self.stem}.sh"
        script.write_text(self.script(numbers), encoding="utf-8", errors="surrogateescape")
        name = re.sub(r"[^\w.-]", "_", self.stem, flags=re.ASCII)
        name = name if re.match(r"[A-Za-z_]", name) else f"job_{name}"
        array = self.scheduler.submit(self.command, script, name, len(numbers), self.at_once, self.output)
        now = time.monotonic()
        for task, number in enumerate(numbers, start=1):
            alive = self.alive(number)
            self.jobs[number] = Job(number, array, task, self.logs[number], alive, State("waiting"), sign=now)
        self.pause, self.look_pause, self.next_look = 0.1, 0.5, now + 0.5

    def script(self, numbers: list[int]) -> str:
        """Write the batch script: each task of the array runs one job through run.pl, which writes its log."""
        call = self.call
        run_pl = shlex.quote(str(Path(__file__).resolve().with_name("run.pl")))
        threads = call.threads()
        alive = shlex.quote(str(self.folder / self.stem))
        job = f'"{call.job_name}=$number"' if call.job_name else ""
        quoted = " ".join(shlex.quote(word) for word in (call.log, *call.arguments))
        return (
            "#!/bin/bash\n"
            f"cd {shlex.quote(os.getcwd())} || exit 1\n"
            "if [ -f path.sh ]; then . ./path.sh || exit 1; fi\n"
            f"numbers=({' '.join(bash_ranges(numbers))})\n"
            f"number=${{numbers[{self.scheduler.task_variable} - 1]}}\n"
            f'exec {run_pl} --num-threads {threads} --alive {alive}."$number".alive {job} {quoted}\n'
        )

    def alive(self, number: int) -> Path:
        """Return the file that a running job touches."""
        return self.folder / f"{self.stem}.{number}.alive"

    def read_signs(self) -> None:
        """Look for logs that have come to their end, and for signs of life of the others."""
        begin = time.monotonic()
        missed = [job for job in self.jobs.values() if job.state.phase in GONE or begin - job.sign > SILENT_SECONDS / 2]
        refresh({self.folder if missed else "", *(os.path.dirname(job.log) or "." for job in missed)} - {""})
        for job in list(self.jobs.values()):
            status = ended_status(job.log)
            beat = time_of_change(job.alive)
            if status is not None or beat != job.beat:
                self.heard = begin
            if status is not None:
                self.end(job, f"status {status}" if status else "")
            elif beat != job.beat or job.state.phase == "waiting":
                job.beat, job.sign, job.silence_said = beat, begin, False
        self.count_silent(begin)
        # Every log is a request to the file server: spend about a quarter of the time on them, more if there are many.
        self.pause = max(min(1.0, 1.3 * self.pause), min(3 * (time.monotonic() - begin), LOOK_SECONDS))

    def count_silent(self, now: float) -> None:
        """Say which jobs that should run give no sign of life, and give up those that have not for long."""
        should_run = [job for job in self.jobs.values() if job.state.phase == "running"]
        if any(now - job.sign > SILENT_SECONDS and not job.silence_said for job in should_run):
            # Name also jobs that have been silent for half as long: jobs of one dead node fall silent together.
            silent = [job for job in should_run if now - job.sign > SILENT_SECONDS / 2]
            who = names(job.number for job in silent)
            say(f"{who}: no sign of life for {SILENT_SECONDS} s{on_host(silent[0])}; lost if none in {DEAD_SECONDS} s")
            for job in silent:
                job.silence_said = True
        dead = [job for job in should_run if now - job.sign > DEAD_SECONDS]
        self.cancel(dead)
        self.lose(dead, f"no sign of life for {DEAD_SECONDS} s")

    def read_list(self) -> None:
        """Look at the scheduler's list for jobs that it has dropped or can never run."""
        try:
            states = self.scheduler.states({job.array for job in self.jobs.values()}) if self.jobs else {}
        except NoAnswerError as error:
            self.bear_with(error)
            return
        if self.out_of_reach:
            say("the scheduler answers again")
        self.out_of_reach = False
        now = self.heard = time.monotonic()
        self.look_pause = min(2 * self.look_pause, LOOK_SECONDS)
        self.next_look = now + self.look_pause
        lost: dict[str, list[Job]] = {}
        for job in self.jobs.values():
            before, job.state = job.state, states.get((job.array, job.task), State("gone"))
            is_gone, was_gone = job.state.phase in GONE, before.phase in GONE
            if is_gone and not was_gone:
                job.gone_since, job.last_reason = now, job.state.reason
            elif is_gone and now - max(job.gone_since, job.sign) > GRACE_SECONDS:
                lost.setdefault(job.last_reason, []).append(job)
        for reason, jobs in lost.items():
            self.lose(jobs, f"no longer in the queue, and no end in its log{reason and f' ({reason})'}")
        for reason in {job.state.reason for job in self.jobs.values()} - {"", *self.told}:
            jobs = [job for job in self.jobs.values() if job.state.reason == reason]
            if jobs[0].state.phase == "stuck":
                self.cancel(jobs)
                self.lose(jobs, f"can never run ({reason})", for_good=True)
            elif jobs[0].state.phase == "waiting":
                say(f"{names(job.number for job in jobs)} waiting: {reason}")
                self.told.add(reason)

    def bear_with(self, error: NoAnswerError) -> None:
        """Say that the scheduler is out of reach, once, and give up when nothing has been heard for long."""
        if not self.out_of_reach:
            say(f"the scheduler does not answer; asking again for {PATIENCE_SECONDS} s ({error})")
        self.out_of_reach = True
        now = time.monotonic()
        self.next_look = now + LOOK_SECONDS
        if now - self.heard > PATIENCE_SECONDS:
            raise RefusedError(f"the scheduler has not answered for {PATIENCE_SECONDS} s: {error}")

    def cancel(self, jobs: list[Job]) -> None:
        """Cancel what may be left of these jobs."""
        for array in {job.array for job in jobs}:
            with contextlib.suppress(NoAnswerError):
                self.scheduler.cancel(array, sorted(job.task for job in jobs if job.array == array))

    def lose(self, jobs: list[Job], reason: str, for_good: bool = False) -> None:
        """Give jobs up, and say so."""
        if jobs:
            say(f"{names(job.number for job in jobs)}: {reason}")
        for job in jobs:
            self.end(job, reason, for_good)

    def end(self, job: Job, reason: str, for_good: bool = False) -> None:
        """Count a job as done (no reason), as failed, or as one to submit again."""
        del self.jobs[job.number]
        job.alive.unlink(missing_ok=True)
        if not reason:
            return
        self.attempts[job.number] += 1
        if for_good or self.attempts[job.number] > self.retries:
            self.failed[job.number] = reason
            return
        kept = f"{job.log}.attempt{self.attempts[job.number]}"
        with contextlib.suppress(FileNotFoundError):
            os.replace(job.log, kept)
        say(f"job {job.number}: {reason}; submitting it again ({kept})")
        self.waiting.append(job.number)

    def cancel_all(self) -> None:
        """Cancel what was submitted and see it leave the list."""
        arrays = {job.array for job in self.jobs.values()}
        end = time.monotonic() + CANCEL_SECONDS
        cancelled = False
        while time.monotonic() < end:
            with contextlib.suppress(NoAnswerError):
                if not cancelled:
                    for array in arrays:
                        self.scheduler.cancel(array)
                    cancelled = True
                if all(state.phase == "gone" for state in self.scheduler.states(arrays).values()):
                    break
            time.sleep(0.5)
        else:
            state = "still ending" if cancelled else "not cancelled, since the scheduler does not answer"
            say(f"{' '.join(sorted(arrays))}: {state}; see to them yourself")
        for job in self.jobs.values():
            job.alive.unlink(missing_ok=True)


def on_host(job: Job) -> str:
    """Return " on HOST" of a running job, which its file `alive` tells."""
    with contextlib.suppress(OSError):
        return f" on {job.alive.read_text(encoding='utf-8').strip()}"
    return ""


def stop(signal_number: int, again: bool) -> None:
    """Tell the run to end and to cancel its jobs; at a second signal, end at once."""
    global stopped_by
    if again:
        say("stopped a second time; jobs may be left in the queue")
        os._exit(128 + signal_number)
    stopped_by = signal_number


def main(help_of: str, conf: str, scheduler: Scheduler, itself: Iterable[str] = ()) -> None:
    """Run a wrapper: read its command line and its conf file, run the jobs and report; end with its exit status."""
    call = parse(sys.argv[1:], help_of)
    command = read_option_map(config_of(call, conf)).submission(call, itself)
    on_signals(stop)
    run = ArrayRun(call, scheduler, command)
    try:
        failed = run.run()
    except OSError as error:
        fail(str(error))
    if stopped_by:
        say(f"stopped by {signal.Signals(stopped_by).name}; what was submitted is cancelled")
        sys.exit(128 + stopped_by)
    if failed:
        report(failed, run.logs, run.output)
        sys.exit(1)
