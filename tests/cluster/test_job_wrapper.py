"""The wrappers' command line, conf files and logs, which need no scheduler."""

import os
import re
import subprocess
import sys
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def wrapper(monkeypatch):
    monkeypatch.syspath_prepend("utils")
    import job_wrapper

    return job_wrapper


def words_of(wrapper, tmp_path, conf, *arguments, itself=()):
    """The submission command that a conf file makes of a command line."""
    (tmp_path / "my.conf").write_text(conf)
    call = wrapper.parse([*arguments, "log", "true"], "")
    return wrapper.read_option_map(tmp_path / "my.conf").submission(call, itself)


CONF = """\
command qsub -v PATH -l arch=*64*   # as Kaldi's
option mem=* -l mem_free=$0,ram_free=$0
option mem=0          # Do not add anything to qsub_opts
option num_threads=* -pe smp $0
option num_threads=1
option max_jobs_run=* -tc $0
default gpu=0
option gpu=0
option gpu=* -l gpu=$0 -q g.q
"""


def test_options_become_the_schedulers_by_kaldis_conf_file(wrapper, tmp_path):
    begin = ["qsub", "-v", "PATH", "-l", "arch=*64*"]
    assert words_of(wrapper, tmp_path, CONF) == begin
    assert words_of(wrapper, tmp_path, CONF, "--mem", "4G", "--num-threads", "1", "-q", "all.q") == [
        *begin,
        *["-l", "mem_free=4G,ram_free=4G", "-q", "all.q"],
    ]
    assert words_of(wrapper, tmp_path, CONF, "--mem", "0", "--gpu", "2", "--num-threads", "8") == [
        *begin,
        *["-l", "gpu=2", "-q", "g.q", "-pe", "smp", "8"],
    ]
    assert words_of(wrapper, tmp_path, CONF, "--max-jobs-run", "3") == [*begin, "-tc", "3"]
    assert words_of(wrapper, tmp_path, CONF, "--max-jobs-run", "3", itself=["max_jobs_run"]) == begin


def test_option_that_the_conf_file_lacks_is_refused(wrapper, tmp_path, capsys):
    with pytest.raises(SystemExit):
        words_of(wrapper, tmp_path, CONF, "--time", "4:00:00")
    assert "does not say what --time 4:00:00 becomes; add a line such as 'option time=*" in capsys.readouterr().err


@pytest.mark.parametrize(
    "conf, message", [("option mem=* x\n", "no line 'command ...'"), ("command q\nmem 4G\n", "my.conf:2: expected")]
)
def test_conf_file_with_a_slip_is_refused_with_its_line(wrapper, tmp_path, capsys, conf, message):
    with pytest.raises(SystemExit):
        words_of(wrapper, tmp_path, conf)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("conf", ["queue.conf", "slurm.conf"])
def test_the_projects_conf_files_know_every_common_option(wrapper, conf):
    options = ["--mem", "4G", "--num-threads", "2", "--gpu", "1", "--time", "1:00:00", "--retries", "2"]
    call = wrapper.parse([*options, "log", "true"], "")
    command = wrapper.read_option_map(f"conf/{conf}").submission(call)
    assert "1:00:00" in " ".join(command) and "retries" not in " ".join(command)


def test_command_line_is_kaldis(wrapper):
    call = wrapper.parse(
        [
            "--mem",
            "1G",
            "N=3:7",
            "-pe",
            "smp",
            "4",
            "-V",
            "-sync",
            "y",
            "--gpu",
            "1",
            "l.N",
            "sort",
            "a b",
            "|",
            'c "d"',
        ],
        "",
    )
    assert call.options == {"mem": "1G", "gpu": "1"}
    assert call.raw_options == ["-pe", "smp", "4", "-V"]
    assert (call.job_name, list(call.numbers), call.log) == ("N", [3, 4, 5, 6, 7], "l.N")
    assert call.command() == 'sort "a b" | \'c "d"\''


def test_smallest_of_several_limits_counts_and_slots_are_threads_as_for_kaldi(wrapper):
    call = wrapper.parse(["--max-jobs-run", "10", "-tc", "9", "-pe", "smp", "4", "N=2", "log", "true"], "")
    assert (call.options, call.threads(), list(call.numbers)) == ({"max_jobs_run": "9"}, 4, [2])
    assert wrapper.parse(["-pe", "smp", "4", "--num-threads", "2", "log", "true"], "").threads() == 2


@pytest.mark.parametrize(
    "words, message",
    [
        (["JOB=", "log.JOB"], "expected a range such as JOB=1:4, found 'JOB='"),
        (["JOB=:4", "log.JOB"], "expected a range"),
        (["JOB=0:4", "log.JOB"], "expected a range"),
        (["JOB=1:4", "log"], "must contain JOB"),
        (["--mem", "--gpu", "1", "log"], "option --mem needs a value, found '--gpu'"),
    ],
)
def test_slip_in_the_command_line_is_refused(wrapper, capsys, words, message):
    with pytest.raises(SystemExit):
        wrapper.parse([*words, "true"], "")
    assert message in capsys.readouterr().err


def test_conf_file_may_name_variables_of_the_environment(wrapper, tmp_path, monkeypatch):
    monkeypatch.setenv("ACCOUNT", "speech lab")
    conf = "command sbatch -A $ACCOUNT\noption\tmem=*\t--mem=$0  --comment=${ACCOUNT}\n"
    assert words_of(wrapper, tmp_path, conf, "--mem", "4G") == [
        *("sbatch", "-A", "speech lab", "--mem=4G", "--comment=speech lab")
    ]


def test_only_a_complete_last_line_ends_a_log(wrapper, tmp_path):
    import job_log

    log = tmp_path / "log"
    assert job_log.ended_status(log) is None
    for text, status in (
        ("# Ended with status 0 at 2026-01-01 10:00:00\n", 0),
        ("x\n# Ended with status 137 at 2026-01-01 10:00:00\n", 137),
        ("# Ended with status 0 at 2026-01-01 10:00:00", None),
        ("# Ended with status 0 at 2026-01-01 10:00:00\nmore\n", None),
        ("    # Ended with status 0 at 2026-01-01 10:00:00\n", None),
        ("", None),
    ):
        log.write_text(text)
        assert job_log.ended_status(log) == status, text


def test_jobs_are_named_by_ranges(wrapper):
    assert wrapper.names([3]) == "job 3"
    assert wrapper.names([9, 1, 2, 3, 5]) == "jobs 1-3,5,9"


def run_pl(*arguments, **more):
    return subprocess.run(["utils/run.pl", *map(str, arguments)], capture_output=True, text=True, timeout=60, **more)


def test_run_pl_tries_only_the_failed_job_again(tmp_path):
    command = f'echo >> {tmp_path}/runs.JOB; [ "JOB" != 2 ] || [ $(wc -l < {tmp_path}/runs.2) = 2 ]'
    result = run_pl("--retries", 1, "JOB=1:3", tmp_path / "r.JOB.log", "bash", "-c", command)
    assert result.returncode == 0, result.stderr
    assert [len((tmp_path / f"runs.{n}").read_text()) for n in (1, 2, 3)] == [1, 2, 1]
    assert "Ended with status 1" in (tmp_path / "r.2.log.attempt1").read_text()
    assert f"job 2: status 1; trying it again ({tmp_path}/r.2.log.attempt1)" in result.stderr


def test_run_pl_accounts_for_time_cpu_and_memory_of_the_whole_job(tmp_path):
    busy = "import time; x = bytearray(60_000_000)\nwhile time.process_time() < 0.4: pass"
    (tmp_path / "busy.py").write_text(busy)
    assert (
        run_pl("--num-threads", 2, tmp_path / "log", sys.executable, tmp_path / "busy.py", "|", "cat").returncode == 0
    )
    line = re.search(r"^# Accounting: time=(.*) cpu=(.*) mem=(\d+)M threads=2$", (tmp_path / "log").read_text(), re.M)
    assert float(line[1]) >= 0.4 and 0.4 <= float(line[2]) < 5 and 60 <= int(line[3]) < 200


def test_run_pl_gives_a_job_the_threads_it_asked_for(tmp_path):
    run_pl(tmp_path / "log", "echo", "$OMP_NUM_THREADS", "$MKL_NUM_THREADS")
    assert "\n1 1\n" in (tmp_path / "log").read_text()


def test_stopped_run_pl_waits_for_what_its_job_does_at_sigterm(tmp_path):
    at_term = f"trap 'sleep 1; touch {tmp_path}/saved; exit 9' TERM; touch {tmp_path}/begun; sleep 60 & wait"
    (tmp_path / "job.sh").write_text(at_term)
    stopped = subprocess.Popen(
        ["utils/run.pl", str(tmp_path / "log"), "bash", str(tmp_path / "job.sh"), ";", "echo", "on"]
    )
    while not (tmp_path / "begun").exists():
        time.sleep(0.05)
    stopped.terminate()
    time.sleep(0.2)
    stopped.terminate()  # the echo of the first
    assert stopped.wait(30) == 143
    assert (tmp_path / "saved").exists()
    assert (
        "\n# Ended with status 143" in (tmp_path / "log").read_text() and "\non\n" not in (tmp_path / "log").read_text()
    )


def test_run_pl_takes_the_options_of_a_cluster_and_no_other(tmp_path):
    options = ["--time", "1:00:00", "--gpu", "1", "-l", "arch=x", "--config", "my.conf"]
    assert run_pl(*options, tmp_path / "log", "true").returncode == 0
    (tmp_path / "my.conf").write_text("command sbatch\noption partition=* -p $0\n")
    assert run_pl("--config", tmp_path / "my.conf", "--partition", "x", tmp_path / "log", "true").returncode == 0
    result = run_pl("--max-job-run", "2", tmp_path / "log", "true")
    assert result.returncode == 1 and "unknown option --max-job-run" in result.stderr


def test_run_pl_takes_commands_of_any_length_and_bytes(tmp_path):
    assert run_pl(tmp_path / "log", "echo", *range(50_000), "|", "wc", "-w").returncode == 0
    assert "\n50000\n" in (tmp_path / "log").read_text()
    assert run_pl(tmp_path / "log", "echo", os.fsdecode(b"\xe4")).returncode == 0
    assert b"\n\xe4\n" in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize("command", [["echo", "("], ["echo", "'"], ["echo", "x", "&&"], ["cat", ";", "false"]])
def test_run_pl_fails_where_the_shell_cannot_read_the_command(tmp_path, command):
    assert run_pl(tmp_path / "log", *command).returncode == 1


def test_run_pl_shares_the_gpus_out(tmp_path):
    gpus = os.environ | {"CUDA_VISIBLE_DEVICES": "4,5,6"}
    command = ["mkdir", f"{tmp_path}/$CUDA_VISIBLE_DEVICES", "&&", "sleep", "0.2"]
    command += ["&&", "rmdir", f"{tmp_path}/$CUDA_VISIBLE_DEVICES"]
    jobs = ["--max-jobs-run", 8, "JOB=1:6", tmp_path / "JOB.log", *command]
    assert run_pl("--gpu", 1, *jobs, env=gpus).returncode == 0
    result = run_pl("--gpu", 2, tmp_path / "log", "echo", "$CUDA_VISIBLE_DEVICES", env=gpus)
    assert result.returncode == 0 and "\n4,5\n" in (tmp_path / "log").read_text()
    result = run_pl("--gpu", 4, tmp_path / "log", "true", env=gpus)
    assert result.returncode == 1 and "--gpu 4: this machine has 3 (4,5,6)" in result.stderr
