#!/usr/bin/env python3
# Runs a command, or an array of them, on this machine and logs each: Kaldi's interface of the same name.
#
# Usage: run.pl [--max-jobs-run N] [--num-threads N] [--retries N] [--mem 4G] [--gpu N] [JOB=1:4] <log>
#          <command> [<argument>...]
#  e.g.: run.pl JOB=1:4 exp/log/sum.JOB.log sum_stats.sh data/JOB
#
# JOB is any name; where it stands as a word, without a letter or digit beside it, it is replaced by the job's number in
# the log's name and in the command: in log.JOB and split4/JOB, not in exp/JOB1. An argument without white space reaches
# the shell as it is, so that '|' and '>' may be passed; one with white space is quoted.
# At most --max-jobs-run jobs run at once, by default as many as the cores have room for or, with --gpu, the GPUs.
# --num-threads N is the number of threads that a job's numerical libraries may use (default 1). A job that fails is
# tried again up to --retries times (default 0); the log of an earlier attempt is kept as <log>.attempt1 and so on. With
# --gpu N, on a machine that has GPUs, each job gets N of them for itself. Only a cluster can honour --mem and the other
# options that conf/queue.conf and conf/slurm.conf describe.
# The exit status is 0 if every job ended with status 0, else 1, and the end of a failed job's log is shown.
#
# queue.pl and slurm.pl run each of their jobs through this script, with --alive FILE: a file that says by its time of
# change, while it exists, that the job runs.
import contextlib
import datetime
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from job_log import end_line
from job_wrapper import CONF, KNOWN_OPTIONS, fail, on_signals, parse, read_option_map, report, say

BEAT_SECONDS = 3
SECONDS_TO_STOP = 30
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
SCRIPT = "trap 'exit 143' TERM\nset -o pipefail\n{{ {command}\n}} < /dev/null\n"

running = {}  # job's number -> process, for stop()
stopped_by = 0


def check_options(call):
    """Refuse an option that no conf file of a cluster describes: it is a typing error."""
    known = KNOWN_OPTIONS | {"alive"}
    for path in (CONF / "queue.conf", CONF / "slurm.conf", Path(call.options.get("config", ""))):
        if path.is_file():
            known |= {words.partition("=")[0] for words in read_option_map(path).words}
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


def count_gpus():
    """Count the GPUs of this machine: by nvidia-smi where it is installed and answers, else by their devices."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True)
        return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def shares_of_gpus(each):
    """Return the GPUs of this machine, `each` for a job, as CUDA_VISIBLE_DEVICES names them; none if there are none."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = [str(number) for number in range(count_gpus())] if told is None else []
    names = found if told is None else [name for name in told.split(",") if name not in ("", "-1")]
    if 0 < len(names) < each:
        fail(f"--gpu {each}: this machine has {len(names)} ({','.join(names)}); ask for fewer")
    return [",".join(names[i : i + each]) for i in range(0, len(names) - each + 1, each)] if each else []


def run_once(number, command, log, variables, alive):
    """Run a job and write its log; return its exit status."""
    begin = datetime.datetime.now()
    with open(log, "w", encoding="utf-8", errors="surrogateescape") as stream:
        print(f"# {command}", file=stream)
        print(f"# Running on {socket.gethostname()}", file=stream)
        print(f"# Started at {begin:%Y-%m-%d %H:%M:%S}", file=stream, flush=True)
        # The trap makes bash wait for the command, which may write a checkpoint before it ends. Bash reads the command
        # from its input, because the length of an argument is limited.
        # The job gets a session of its own, so that stop() reaches its children too. Under a scheduler it stays in the
        # same process group, by which the scheduler reaches it.
        process = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=os.environ | variables,
            start_new_session=not alive,
            close_fds=False,  # so that jobs inherit, and hold, the lock of the run
        )
        running[number] = process
        with contextlib.suppress(BrokenPipeError), process.stdin:  # one that was stopped at once
            process.stdin.write(os.fsencode(SCRIPT.format(command=command)))
        _, wait_status, usage = os.wait4(process.pid, 0)
        del running[number]
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        # A signal reads as the shell would say it: 128 + its number.
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        end = datetime.datetime.now()
        print(
            f"# Accounting: time={(end - begin).total_seconds():.1f} cpu={usage.ru_utime + usage.ru_stime:.1f} "
            f"mem={usage.ru_maxrss // 1024}M threads={variables[THREAD_VARIABLES[0]]}",
            file=stream,
        )
        stream.write(end_line(status, f"{end:%Y-%m-%d %H:%M:%S}"))
    return status


def run_job(number, command, log, variables, gpus, retries, alive):
    """Run a job until it succeeds or has used up its retries; return what went wrong, or None."""
    visible = gpus.get()
    if visible:
        variables = variables | {"CUDA_VISIBLE_DEVICES": visible}
    done = threading.Event()
    if alive:
        threading.Thread(target=beat, args=(alive, done), daemon=True).start()
    try:
        for attempt in range(1, retries + 2):
            if stopped_by:
                return "not run"
            status = run_once(number, command, log, variables, alive)
            if status == 0 or stopped_by or attempt > retries:
                break
            os.replace(log, f"{log}.attempt{attempt}")
            say(f"job {number}: status {status}; trying it again ({log}.attempt{attempt})")
    except OSError as error:
        return f"cannot write its log: {error}"
    finally:
        done.set()
        gpus.put(visible)
    return f"status {status}" if status else None


def stop(signal_number, again):
    """End every job with its children, by SIGKILL at a second call. Their logs say so; main() then ends."""
    global stopped_by
    stopped_by = stopped_by or signal_number
    for process in list(running.values()):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == os.getpgid(0):
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.killpg(0, signal.SIGTERM)
            else:
                os.killpg(process.pid, signal.SIGKILL if again else signal.SIGTERM)
    if not again:
        signal.signal(signal.SIGALRM, lambda number, _: stop(number, again=True))
        signal.alarm(SECONDS_TO_STOP)


def main():
    call = parse(sys.argv[1:], __file__)
    check_options(call)
    threads = call.threads()
    cores = len(os.sched_getaffinity(0))
    shares = shares_of_gpus(call.whole_number("gpu", 0, least=0))
    most = call.whole_number("max_jobs_run", len(shares) or max(1, cores // threads), least=1)
    most = min(most, len(shares) or most)
    gpus = queue.SimpleQueue()
    for share in shares or [""] * most:
        gpus.put(share)
    variables = dict.fromkeys(THREAD_VARIABLES, str(threads))
    retries = call.whole_number("retries", 0, least=0)
    alive = call.options.get("alive")
    command = call.command()
    logs = call.logs()
    on_signals(stop)
    with ThreadPoolExecutor(max_workers=min(most, len(logs))) as pool:
        jobs = {
            number: pool.submit(run_job, number, call.for_job(command, number), log, variables, gpus, retries, alive)
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
