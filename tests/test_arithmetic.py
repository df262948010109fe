"""With the pins, the instruction sets and threads that a library would choose change no bit."""

import os
import subprocess
import sys

import pytest
import torch

from ser.arithmetic import pins

PROGRAM = """
import hashlib, numba, numpy as np, torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(33, 64), torch.nn.ReLU(), torch.nn.BatchNorm1d(64), torch.nn.Linear(64, 9))
optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
for _ in range(4):
    loss = torch.nn.functional.cross_entropy(net(torch.randn(48, 33)), torch.randint(0, 9, (48,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
numbers = np.random.default_rng(0).standard_normal((90, 90))
made = [p.detach().numpy() for p in net.parameters()]
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
