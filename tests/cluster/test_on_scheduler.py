"""slurm.pl and queue.pl on a real scheduler: tests/cluster/with_scheduler.sh slurm python3 -m pytest tests/cluster

Under Grid Engine the same with sge. `pytest -rP` shows after how many seconds each failure was noticed.
"""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

KIND = os.environ.get("SER_SCHEDULER", "")
STATE = Path(os.environ.get("SER_SCHEDULER_STATE", ""))
WRAPPER = {"slurm": "utils/slurm.pl", "sge": "utils/queue.pl"}.get(KIND, "")
SUBMIT = {"slurm": "sbatch --no-requeue", "sge": "qsub -V -cwd -S /bin/bash -r n"}.get(KIND, "")
NOTICED_IN = 15  # seconds
SPOOL = Path("/var/spool/gridengine")

pytestmark = pytest.mark.skipif(
    not KIND, reason="no scheduler up; tests/cluster/with_scheduler.sh slurm|sge python3 -m pytest tests/cluster"
)


def run(*arguments):
    return subprocess.run([WRAPPER, *map(str, arguments)], capture_output=True, text=True, timeout=120)


class Started:
    """A wrapper that runs beside the test, its messages in a file."""

    def __init__(self, folder, *arguments):
        self.messages_file = folder / "messages"
        with open(self.messages_file, "w") as stream:
            self.process = subprocess.Popen(
                [WRAPPER, *map(str, arguments)],
                stderr=stream,
                start_new_session=True,
                # A test in the background (&, nohup) has it turned off, and its children with it.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def messages(self):
        return self.messages_file.read_text()

    def seconds_until(self, condition, limit=NOTICED_IN):
        """Wait until a condition holds, say after how many seconds it did."""
        begin = time.monotonic()
        while not condition():
            assert time.monotonic() - begin < limit, f"not in {limit} s: {self.messages()}"
            time.sleep(0.1)
        print(f"noticed after {time.monotonic() - begin:.1f} s: {self.messages().strip()}")

    def ended(self):
        return self.process.poll() is not None

    def say(self, text):
        return lambda: text in self.messages()

    def stop(self):
        if not self.ended():
            self.process.terminate()
            self.process.wait(30)


@pytest.fixture
def start(tmp_path):
    started = []

    def start_one(*arguments):
        started.append(Started(tmp_path, *arguments))
        return started[-1]

    yield start_one
    for one in started:
        one.stop()
    if KIND == "sge":  # jobs that a killed daemon has lost sight of
        subprocess.run(["qdel", "-f", "-u", "*"], stdout=subprocess.DEVNULL)


def wait_for_file(path, limit=30):
    end = time.monotonic() + limit
    while not Path(path).exists():
        assert time.monotonic() < end, f"no {path} in {limit} s"
        time.sleep(0.1)


def queue():
    """The ids in the scheduler's list."""
    command = ["squeue", "--noheader", "--format=%F"] if KIND == "slurm" else ["qstat"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.findall(r"^ *(\d+)", output, flags=re.MULTILINE)


def delete(task=None):
    [array] = set(queue())
    if KIND == "slurm":
        subprocess.run(["scancel", f"{array}_{task}" if task else array], check=True)
    else:
        subprocess.run(["qdel", array, *(["-t", str(task)] if task else [])], check=True, stdout=subprocess.DEVNULL)


def daemon(of_node):
    """The pid file of the daemon of the node or of the master."""
    if KIND == "slurm":
        return STATE / ("slurmd.pid" if of_node else "slurmctld.pid")
    return next((SPOOL / "execd").glob("*/execd.pid")) if of_node else SPOOL / "qmaster/qmaster.pid"


def start_daemon(of_node):
    name = {"slurm": ("slurmctld", "slurmd"), "sge": ("sge_qmaster", "sge_execd")}[KIND][of_node]
    subprocess.run([name], check=True)


def kill_daemon(of_node):
    pid = int(daemon(of_node).read_text())
    os.kill(pid, signal.SIGKILL)
    daemon(of_node).unlink()


def kill_everything_on_the_node():
    """What a node that loses its power does: the daemon, those that watch the jobs and the jobs end at once."""
    kill_daemon(of_node=True)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if re.match(rb"slurmstepd|sge_shepherd|sleep\0|\S*python3?\0\S*run\.pl\0", command):
            os.kill(int(process.name), signal.SIGKILL)


def test_array_runs_each_job_and_logs_its_head_and_end(tmp_path):
    folder = tmp_path / "ä folder"
    folder.mkdir()
    result = run("--mem", "100M", "JOB=5:8", folder / "echo.JOB.log", "echo", "job", "JOB", "|", "cat")
    assert result.returncode == 0, result.stderr
    for number in range(5, 9):
        log = (folder / f"echo.{number}.log").read_text()
        assert re.fullmatch(
            rf"# echo job {number} \| cat\n# Running on \S+\n# Started at [-\d]+ [:\d]+\njob {number}\n"
            r"# Accounting: time=[\d.]+ cpu=[\d.]+ mem=\d+M threads=1\n# Ended with status 0 at [-\d]+ [:\d]+\n",
            log,
        )


def test_job_without_a_range_runs_in_this_folder_and_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OF_THE_SHELL", "kept")
    result = run(tmp_path / "one.log", "echo", "$PWD", "$OF_THE_SHELL")
    assert result.returncode == 0, result.stderr
    assert f"{os.getcwd()} kept" in (tmp_path / "one.log").read_text()


def test_failing_job_is_named_with_the_end_of_its_log(tmp_path):
    result = run("JOB=1:3", tmp_path / "f.JOB.log", "bash", "-c", "echo the reason; exit $((JOB == 2 ? 7 : 0))")
    assert result.returncode == 1
    assert "1 of 3 jobs failed; job 2: status 7" in result.stderr
    assert str(tmp_path / "f.2.log") in result.stderr and "    the reason" in result.stderr


def test_only_the_failed_job_is_tried_again(tmp_path):
    command = f'echo >> {tmp_path}/runs.JOB; [ "JOB" != 2 ] || [ $(wc -l < {tmp_path}/runs.2) = 3 ]'
    result = run("--retries", 2, "JOB=1:3", tmp_path / "r.JOB.log", "bash", "-c", command)
    assert result.returncode == 0, result.stderr
    assert [len((tmp_path / f"runs.{n}").read_text()) for n in (1, 2, 3)] == [1, 3, 1]
    assert "status 1" in (tmp_path / "r.2.log.attempt2").read_text()
    result = run("--retries", 1, "JOB=1:2", tmp_path / "s.JOB.log", "test", "JOB", "=", "1")
    assert result.returncode == 1
    assert "job 2: status 1; submitting it again" in result.stderr


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_signal_cancels_what_was_submitted(start, tmp_path, by):
    wrapper = start("JOB=1:4", tmp_path / "c.JOB.log", "sleep", 70)
    wait_for_file(tmp_path / "c.1.log")
    time.sleep(1)  # Grid Engine forgets for minutes to end a job that it has only just begun
    wrapper.process.send_signal(by)
    time.sleep(0.3)
    wrapper.process.send_signal(by)  # as the shell of a terminal that closes does: no reason to leave jobs behind
    wrapper.seconds_until(wrapper.ended)
    assert wrapper.process.returncode == 128 + by
    assert queue() == []


def test_job_deleted_from_outside_is_noticed(start, tmp_path):
    wrapper = start("JOB=1:2", tmp_path / "d.JOB.log", "sleep", 70)
    wait_for_file(tmp_path / "d.2.log")
    delete()
    wrapper.seconds_until(wrapper.ended)
    assert wrapper.process.returncode == 1
    assert "2 of 2 jobs failed" in wrapper.messages()


def test_deleted_job_is_submitted_again_where_retries_say_so(start, tmp_path):
    command = f"[ JOB = 1 ] || [ -f {tmp_path}/once ] || {{ touch {tmp_path}/once; sleep 70; }}"
    wrapper = start("--retries", 1, "JOB=1:2", tmp_path / "d.JOB.log", "bash", "-c", command)
    wait_for_file(tmp_path / "once")
    delete(task=2)
    wrapper.seconds_until(wrapper.say("submitting it again"))
    wrapper.seconds_until(wrapper.ended, limit=30)
    assert wrapper.process.returncode == 0


def test_waiting_job_deleted_from_outside_is_noticed(start, tmp_path):
    wrapper = start(
        "--max-jobs-run", 1, "JOB=1:2", tmp_path / "d.JOB.log", "bash", "-c", "sleep $((JOB == 1 ? 20 : 0))"
    )
    wait_for_file(tmp_path / "d.1.log")
    delete(task=2)
    wrapper.seconds_until(wrapper.say("job 2: no longer in the queue"))
    wrapper.seconds_until(wrapper.ended, limit=40)
    assert wrapper.process.returncode == 1


def test_log_without_an_end_is_a_failure_whatever_the_scheduler_says(start, tmp_path):
    wrapper = start(tmp_path / "k.log", "kill", "-KILL", "$PPID", ";", "sleep", 1)
    wrapper.seconds_until(wrapper.ended, limit=30)
    assert wrapper.process.returncode == 1
    assert "no end in its log" in wrapper.messages()


def test_dead_node_is_said_and_its_jobs_run_again_where_retries_say_so(start, tmp_path):
    command = f"[ -f {tmp_path}/once.JOB ] || {{ touch {tmp_path}/once.JOB; sleep 70; }}"
    wrapper = start("--retries", 1, "JOB=1:2", tmp_path / "g.JOB.log", "bash", "-c", command)
    wait_for_file(tmp_path / "once.1")
    wait_for_file(tmp_path / "once.2")
    time.sleep(1)
    kill_everything_on_the_node()
    try:
        wrapper.seconds_until(wrapper.say("jobs 1-2: no sign of life"))
    finally:
        start_daemon(of_node=True)
    wrapper.seconds_until(wrapper.ended, limit=200)  # SLURM asks for a dead job until it counts as lost
    assert wrapper.process.returncode == 0
    assert "# Ended" not in (tmp_path / "g.1.log.attempt1").read_text()


def test_killed_daemon_of_the_node_does_not_end_a_job_that_lives(start, tmp_path):
    wrapper = start(tmp_path / "g.log", "sleep", 8)
    wait_for_file(tmp_path / "g.log")
    kill_daemon(of_node=True)
    time.sleep(2)
    start_daemon(of_node=True)
    wrapper.seconds_until(wrapper.ended, limit=30)
    assert wrapper.process.returncode == 0, wrapper.messages()


def test_restarted_scheduler_is_said_and_does_not_end_the_run(start, tmp_path):
    wrapper = start("JOB=1:2", tmp_path / "q.JOB.log", "sleep", 20)
    wait_for_file(tmp_path / "q.2.log")
    time.sleep(6)  # SLURM writes what it knows every 5 s; a job that it forgets is lost
    kill_daemon(of_node=False)
    try:
        wrapper.seconds_until(wrapper.say("does not answer"))
    finally:
        start_daemon(of_node=False)
    wrapper.seconds_until(wrapper.ended, limit=60)
    assert wrapper.process.returncode == 0, wrapper.messages()


def test_request_that_can_never_run_is_reported(start, tmp_path):
    wrapper = start("--num-threads", 1000, tmp_path / "n.log", "true")
    wrapper.seconds_until(wrapper.ended)
    assert wrapper.process.returncode == 1
    assert re.search("can never run .SLURM: PartitionConfig|no suitable queues", wrapper.messages())
    assert queue() == []


def test_job_in_an_error_state_is_reported(start, tmp_path):
    trouble = {"slurm": "--time=1000", "sge": "-wd /not/there"}[KIND]
    (tmp_path / "conf").write_text(f"command {SUBMIT} {trouble}\n")
    wrapper = start("--config", tmp_path / "conf", "JOB=1:2", tmp_path / "e.JOB.log", "true")
    if KIND == "sge":
        wrapper.seconds_until(lambda: "Eqw" in subprocess.run("qstat", capture_output=True, text=True).stdout, limit=60)
    wrapper.seconds_until(wrapper.say("can never run"))
    wrapper.seconds_until(wrapper.ended, limit=30)
    assert wrapper.process.returncode == 1
    assert re.search(r"can never run \((SLURM: Partition|Grid Engine: state E.*can't chdir)", wrapper.messages())
    assert queue() == []


def test_refused_submission_is_reported(tmp_path):
    (tmp_path / "conf").write_text(f"command {SUBMIT} {'-p' if KIND == 'slurm' else '-q'} nowhere\n")
    result = run("--config", tmp_path / "conf", tmp_path / "x.log", "true")
    assert result.returncode == 1
    assert "nowhere" in result.stderr
