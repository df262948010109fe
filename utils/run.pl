#!/usr/bin/env python3
# Runs a command, or an array of them, on this machine and logs each: Kaldi's interface of the same name.
#
# Usage: run.pl [--max-jobs-run N] [--num-threads N] [--retries N] [--mem 4G] [--gpu N] [JOB=1:4] <log>
#          <command> [<argument>...]
#  e.g.: run.pl JOB=1:4 exp/log/sum.JOB.log sum_stats.sh data/JOB
#
# JOB is any name; it is replaced by the job's number in the log's name and in the command. An argument without
# white space reaches the shell as it is, so that '|' and '>' may be passed; one with white space is quoted.
# At most --max-jobs-run jobs run at once, by default as many as the cores have room for. --num-threads N is the number
# of threads that a job's numerical libraries may use (default 1). A job that fails is tried again up to --retries times
# (default 0); the log of an earlier attempt is kept as <log>.attempt1 and so on. Only a cluster can honour --mem, --gpu
# and the other options that conf/queue.conf and conf/slurm.conf describe.
# The exit status is 0 if every job ended with status 0, else 1, and the end of a failed job's log is shown.
#
# queue.pl and slurm.pl run each of their jobs through this script, with --alive FILE: a file that says by its time of
# change, while it exists, that the job runs.
import contextlib
import datetime
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from job_log import end_line
from job_wrapper import CONF, KNOWN_OPTIONS, fail, parse, read_option_map, report, say

BEAT_SECONDS = 3
SECONDS_TO_STOP = 30
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

running = {}  # job's number -> process, for stop()
stopped_by = 0


def check_options(call):
    """Refuse an option that no cluster here would know, since it is a slip of the pen."""
    known = KNOWN_OPTIONS | {"alive"}
    for name in ("queue.conf", "slurm.conf"):
        if (CONF / name).is_file():
            known |= {words.partition("=")[0] for words in read_option_map(CONF / name).words}
    for name in call.options:
        if name not in known:
            fail(f"unknown option --{name.replace('_', '-')}; --help lists the options")


def beat(path, done):
    """Keep a file's time of change fresh while a job runs."""
    with open(path, "w", encoding="utf-8") as stream:
        print(socket.gethostname(), file=stream)
    while not done.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):  # a file server that is away for a moment
            os.utime(path)
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def run_once(number, command, log, threads, alive):
    """Run a job and write its log; return its exit status."""
    environment = dict(os.environ, **{name: str(threads) for name in THREAD_VARIABLES})
    begin = datetime.datetime.now()
    with open(log, "w", encoding="utf-8") as stream:
        print(f"# {command}", file=stream)
        print(f"# Running on {socket.gethostname()}", file=stream)
        print(f"# Started at {begin:%Y-%m-%d %H:%M:%S}", file=stream, flush=True)
        # The trap has bash wait for the command, which may write a checkpoint before it ends.
        # A session of its own, so that stop() reaches the job's children as well; under a scheduler, which reaches
        # what it started by its process group, the same.
        process = subprocess.Popen(
            ["bash", "-c", f"trap 'exit 143' TERM\nset -o pipefail\n{command}"],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=not alive,
            close_fds=False,  # a lock that the run holds is held by its jobs, too
        )
        running[number] = process
        _, wait_status, usage = os.wait4(process.pid, 0)
        del running[number]
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        # A signal reads as the shell would say it: 128 + its number.
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        end = datetime.datetime.now()
        print(
            f"# Accounting: time={(end - begin).total_seconds():.1f} cpu={usage.ru_utime + usage.ru_stime:.1f} "
            f"mem={usage.ru_maxrss // 1024}M threads={threads}",
            file=stream,
        )
        stream.write(end_line(status, f"{end:%Y-%m-%d %H:%M:%S}"))
    return status


def run_job(number, command, log, threads, retries, alive):
    """Run a job until it succeeds or has used up its retries; return what went wrong, or None."""
    done = threading.Event()
    if alive:
        threading.Thread(target=beat, args=(alive, done), daemon=True).start()
    try:
        for attempt in range(1, retries + 2):
            if stopped_by:
                return "not run"
            status = run_once(number, command, log, threads, alive)
            if status == 0 or stopped_by or attempt > retries:
                break
            os.replace(log, f"{log}.attempt{attempt}")
            say(f"job {number}: status {status}; trying it again ({log}.attempt{attempt})")
    except OSError as error:
        return f"cannot write its log: {error}"
    finally:
        done.set()
    return f"status {status}" if status else None


def stop(signal_number, _frame):
    """End every job with its children, at once if told twice: Ctrl-C and kill. Their logs say so; main() then ends."""
    global stopped_by
    first, stopped_by = not stopped_by, stopped_by or signal_number
    for process in list(running.values()):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == os.getpgid(0):
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.killpg(0, signal.SIGTERM)
            else:
                os.killpg(process.pid, signal.SIGTERM if first else signal.SIGKILL)
    if first:
        signal.signal(signal.SIGALRM, stop)
        signal.alarm(SECONDS_TO_STOP)


def main():
    call = parse(sys.argv[1:], __file__)
    check_options(call)
    threads = call.whole_number("num_threads", 1, least=1)
    cores = len(os.sched_getaffinity(0))
    most = call.whole_number("max_jobs_run", max(1, cores // threads), least=1)
    retries = call.whole_number("retries", 0, least=0)
    alive = call.options.get("alive")
    command = call.command()
    logs = call.logs()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, stop)
    with ThreadPoolExecutor(max_workers=min(most, len(logs))) as pool:
        jobs = {
            number: pool.submit(run_job, number, call.for_job(command, number), log, threads, retries, alive)
            for number, log in logs.items()
        }
        failed = {number: job.result() for number, job in jobs.items() if job.result()}
    if stopped_by:
        say(f"stopped by signal {signal.Signals(stopped_by).name}")
        sys.exit(128 + stopped_by)
    if failed:
        report(failed, logs)
        sys.exit(1)


main()
