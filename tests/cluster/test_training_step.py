"""A training on two processes through its step and a wrapper: the scheduler's where one is up, else run.pl."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from ser.kaldi import ark

WRAPPER = {"slurm": "utils/slurm.pl", "sge": "utils/queue.pl"}.get(os.environ.get("SER_SCHEDULER", ""), "utils/run.pl")


@pytest.fixture
def step(tmp_path):
    """Write 40 utterances of two speakers and a small net's settings; return the step's command line."""
    rng = np.random.default_rng(0)
    names = [f"{speaker}-{number:02}" for speaker in ("anna", "bert") for number in range(20)]
    with ark.Writer(f"ark,scp:{tmp_path}/feats.ark,{tmp_path}/feats.scp", 2) as writer:
        for name in names:
            writer.write(name, rng.standard_normal((60, 33)).astype(np.float32))
    (tmp_path / "utt2spk").write_text("".join(f"{name} {name[:4]}\n" for name in names))
    settings = yaml.safe_load(Path("conf/toy/xvector_pretrain.yaml").read_text())
    settings["model"] = {"frame_dims": [16, 16, 16, 16, 24], "segment_dims": [16, 16]}
    settings["data"] |= {"min_frames": 20, "min_chunk": 30, "max_chunk": 40, "batch_size": 8}
    settings["fit"] |= {"epochs": 10, "checkpoint_steps": 10}
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(settings))
    options = ["--cmd", WRAPPER, "--processes", "2", "--config", tmp_path / "net.yaml"]
    return ["steps/train_xvector.sh", *options, tmp_path, tmp_path / "utt2spk", tmp_path / "model"]


def processes_with(text):
    """Find the processes that have a text in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if text in command:
            found.append((int(process.name), command))
    return found


def test_stopped_training_on_two_processes_leaves_a_checkpoint_and_no_process_and_resumes(step, tmp_path):
    model = tmp_path / "model"
    stopped = subprocess.Popen(step, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not (model / "checkpoint.pt").exists() and time.monotonic() < end:
        time.sleep(0.02)
    [wrapper] = [number for number, command in processes_with(str(model)) if f"{WRAPPER} --num-threads" in command]
    os.kill(wrapper, signal.SIGTERM)
    _, messages = stopped.communicate(timeout=60)
    assert stopped.returncode == 128 + signal.SIGTERM, messages
    end = time.monotonic() + 10  # Grid Engine's qdel waits for torchrun only
    while processes_with(str(model)) and time.monotonic() < end:
        time.sleep(0.02)
    assert processes_with(str(model)) == []
    assert (model / "checkpoint.pt").exists() and not (model / "model.safetensors").exists()
    assert "the same command resumes from here" in (model / "log/train.log").read_text()
    resumed = subprocess.run(step, capture_output=True, text=True, timeout=120)
    assert resumed.returncode == 0, resumed.stderr
    log = (model / "log/train.log").read_text()
    assert "resuming" in log and "process 1 of 2" in log
    assert (model / "model.safetensors").exists()
