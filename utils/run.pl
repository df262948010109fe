#!/usr/bin/env python3
# Runs a command, or an array of them, on this machine and logs each: Kaldi's interface of the same name.
#
# Usage: run.pl [--max-jobs-run N] [--num-threads N] [--mem 4G] [--gpu N] [JOB=1:4] <log> <command> [<argument>...]
#  e.g.: run.pl JOB=1:4 exp/log/sum.JOB.log sum_stats.sh data/JOB
#
# JOB is any name; it is replaced by the job's number in the log's name and in the command. An argument without
# white space reaches the shell as it is, so that '|' and '>' may be passed; one with white space is quoted.
# At most --max-jobs-run jobs run at once, by default as many as the cores have room for. --num-threads N is the number
# of threads that a job's numerical libraries may use (default 1); only a cluster can honour --mem and --gpu.
# The exit status is 0 if every job ended with status 0, else 1, and the end of a failed job's log is shown.
import contextlib
import datetime
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

LINES_SHOWN = 15
ONE_VALUE_OPTIONS = {"--max-jobs-run", "--num-threads", "--mem", "--gpu", "--config", "--retries", "--time"}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

running = {}  # job's number -> process, for stop()
stopping = threading.Event()


def fail(message):
    print(f"run.pl: {message}", file=sys.stderr)
    sys.exit(1)


def parse(words):
    """Split the command line into options, the job's name with its range, the log and the command."""
    options = {}
    while words and words[0].startswith("-"):
        name = words.pop(0)
        if name in ("--help", "-h"):
            with open(__file__, encoding="utf-8") as stream:
                print(re.match(r"#!.*\n((?:#.*\n)+)", stream.read()).group(1).replace("# ", "").replace("#", ""))
            sys.exit(0)
        if name not in ONE_VALUE_OPTIONS and name != "-l":
            fail(f"unknown option {name}; --help lists the options")
        if not words:
            fail(f"option {name} needs a value")
        options[name] = words.pop(0)
    job_name, first, last = None, 1, 1
    if words and (match := re.fullmatch(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?", words[0])):
        job_name, first = match[1], int(match[2])
        last = int(match[3]) if match[3] else first
        if not 1 <= first <= last:
            fail(f"expected a range such as {job_name}=1:4, found '{words[0]}'")
        words.pop(0)
    if len(words) < 2:
        fail("expected a log file and a command; --help tells the usage")
    if job_name and last > first and job_name not in words[0]:
        fail(f"the log file's name must contain {job_name}, found '{words[0]}'")
    return options, job_name, range(first, last + 1), words[0], words[1:]


def shell_command(arguments):
    """Join the arguments as Kaldi does: what has white space is quoted, what has none goes to the shell as it is."""
    return " ".join(
        word if re.fullmatch(r"\S+", word) else f"'{word}'" if '"' in word else f'"{word}"' for word in arguments
    )


def run_job(number, command, log, threads):
    """Run one job and write its log; return its exit status."""
    if stopping.is_set():
        return 1
    environment = dict(os.environ, **{name: str(threads) for name in THREAD_VARIABLES})
    begin = datetime.datetime.now()
    with open(log, "w", encoding="utf-8") as stream:
        print(f"# {command}", file=stream)
        print(f"# Running on {socket.gethostname()}", file=stream)
        print(f"# Started at {begin:%Y-%m-%d %H:%M:%S}", file=stream, flush=True)
        # A session of its own, so that stop() reaches the job's children as well.
        process = subprocess.Popen(
            ["bash", "-c", f"set -o pipefail\n{command}"],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        running[number] = process
        status = process.wait()
        del running[number]
        # A signal reads as the shell would say it: 128 + its number.
        status = status if status >= 0 else 128 - status
        end = datetime.datetime.now()
        print(f"# Accounting: time={(end - begin).total_seconds():.1f} threads={threads}", file=stream)
        print(f"# Ended with status {status} at {end:%Y-%m-%d %H:%M:%S}", file=stream)
    return status


def stop(signal_number, _frame):
    """End every job with its children: what Ctrl-C and kill do."""
    stopping.set()
    for process in list(running.values()):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    print(f"run.pl: stopped by signal {signal_number}", file=sys.stderr)
    os._exit(128 + signal_number)


def report(failed, logs):
    """Name the failed jobs and show the end of the first one's log."""
    first = failed[0]
    count = f"{len(failed)} of {len(logs)} jobs failed"
    print(f"run.pl: {count}; the log of the first is {logs[first]} and ends:", file=sys.stderr)
    with open(logs[first], encoding="utf-8", errors="replace") as stream:
        for line in stream.readlines()[-LINES_SHOWN:]:
            print(f"    {line}", end="", file=sys.stderr)


def main():
    options, job_name, numbers, log, arguments = parse(sys.argv[1:])
    command = shell_command(arguments)

    def for_job(text, number):
        return text.replace(job_name, str(number)) if job_name else text

    try:
        threads = int(options.get("--num-threads", 1))
        most = int(options.get("--max-jobs-run", max(1, (os.cpu_count() or 1) // max(1, threads))))
    except ValueError:
        fail("--max-jobs-run and --num-threads take a whole number")
    if most < 1 or threads < 1:
        fail("--max-jobs-run and --num-threads must be at least 1")
    logs = {number: for_job(log, number) for number in numbers}
    for path in logs.values():
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    with ThreadPoolExecutor(max_workers=most) as pool:
        jobs = {
            number: pool.submit(run_job, number, for_job(command, number), logs[number], threads) for number in numbers
        }
        failed = [number for number, job in jobs.items() if job.result() != 0]
    if failed:
        report(failed, logs)
        sys.exit(1)


main()
