"""With the pins, no bit depends on the instruction sets and threads that a library would choose, or the processor."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ser.arithmetic import pins
from ser.training.optimizer import MaxChange, make_optimizer
from tests.conftest import ROOT

PROGRAM = """
import hashlib, numpy as np, torch
from ser.models.pooling import mean_stddev
from ser.training.optimizer import make_optimizer
torch.manual_seed(0)
frames = torch.nn.Sequential(torch.nn.Conv1d(13, 64, 3, dilation=2), torch.nn.ReLU(), torch.nn.BatchNorm1d(64))
head = torch.nn.Linear(128, 9)
parameters = [*frames.parameters(), *head.parameters()]
for kind in ("sgd", "adam", "adamw"):
    optimizer = make_optimizer([parameters], kind, 0.9, 0.01)
    for group in optimizer.param_groups:
        group["lr"] = 0.01
    for _ in range(3):
        found = head(mean_stddev(frames(torch.randn(32, 13, 60))))
        loss = torch.nn.functional.cross_entropy(found, torch.randint(0, 9, (32,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
numbers = np.random.default_rng(0).standard_normal((90, 90))
made = [p.detach().numpy() for p in parameters]
x = torch.rand(4000)
made += [f(x).numpy() for f in (torch.exp, torch.log, torch.tanh, torch.sigmoid, torch.nn.functional.gelu)]
made += [torch.nn.functional.conv2d(torch.randn(1, 3, 20, 20), torch.randn(4, 3, 3, 3)).numpy()]
made += [numbers @ numbers, np.linalg.eigh(numbers @ numbers.T)[1], np.exp(numbers), np.log(np.abs(numbers))]
print(hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in made)).hexdigest())
"""


def run(**variables: str) -> str:
    environment = os.environ | variables
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="module")
def pinned():
    return run(**pins())


@pytest.mark.parametrize(
    "chosen",
    [
        {"ATEN_CPU_CAPABILITY": "default"},
        {"ATEN_CPU_CAPABILITY": "avx2", "OPENBLAS_CORETYPE": "Haswell"},
        {"ATEN_CPU_CAPABILITY": "avx512", "OMP_NUM_THREADS": "2", "MKL_CBWR": "AUTO"},  # or the machine's best below it
        {"ONEDNN_MAX_CPU_ISA": "ALL", "OPENBLAS_NUM_THREADS": "2"},
    ],
)
def test_what_the_surroundings_choose_changes_no_bit_after_the_lines_of_a_reproducible_run(pinned, chosen):
    # As utils/recipe.sh does for --reproducible true.
    lines = f'eval "$({sys.executable} -m ser.bin.print_pins)"; exec {sys.executable} -c "$0"'
    done = subprocess.run(
        ["bash", "-c", lines, PROGRAM], env=os.environ | chosen, capture_output=True, text=True, check=True
    )
    assert done.stdout == pinned


def test_without_the_pins_the_instruction_set_does_change_bits(pinned):
    """What the tests above would not see if the program were too small for the pins to matter."""
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("this processor has one instruction set alone")
    assert run(ATEN_CPU_CAPABILITY="avx2") != pinned


def test_numpy_takes_the_pins_without_a_word():
    done = subprocess.run(
        [sys.executable, "-c", "import numpy"], env=os.environ | pins(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_another_processor_changes_no_bit(pinned):
    """One of AMD, emulated: its approximations of reciprocals have other bits than those of this processor."""
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        pytest.skip("qemu-x86_64 is not installed (Debian: apt-get install qemu-user)")
    command = [emulator, "-cpu", "EPYC", "-0", sys.executable, str(Path(sys.executable).resolve()), "-c", PROGRAM]
    done = subprocess.run(command, env=os.environ | pins(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == pinned, done.stderr[-2000:]


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_no_step_of_an_optimizer_takes_a_root_by_mkl(kind):
    """MKL begins with the processor's approximation: on a processor that approximates as well, bits would not tell."""
    net = torch.nn.Linear(3, 4)
    optimizer = make_optimizer([list(net.parameters())], kind, 0.9, 0.01)
    net(torch.ones(2, 3)).sum().backward()
    with torch.profiler.profile() as profile, MaxChange(net, 1.0, 1.0).applied():
        optimizer.step()
    called = {event.key for event in profile.key_averages()}
    assert called and not {name for name in called if re.search(r"::(_foreach_)?sqrt", name)}


def test_no_module_takes_a_root_by_mkl():
    root = re.compile(r"(?<!np)(?<!math)\.sqrt_?\(|\bpow\(.*0?\.5\)")
    found = [path for path in Path(ROOT, "ser").rglob("*.py") if root.search(path.read_text(encoding="utf-8"))]
    assert found == []
