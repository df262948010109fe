"""With the pins, the instruction sets and threads that a library would choose change no bit."""

import os
import subprocess
import sys

import pytest

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
        {"ATEN_CPU_CAPABILITY": "avx2", "OPENBLAS_CORETYPE": "Haswell"},
        {"ATEN_CPU_CAPABILITY": "avx512", "OMP_NUM_THREADS": "2", "MKL_CBWR": "AUTO"},
        {"ONEDNN_MAX_CPU_ISA": "ALL", "OPENBLAS_NUM_THREADS": "2"},
    ],
)
def test_what_the_surroundings_choose_changes_no_bit(pinned, chosen):
    assert run(**(chosen | pins())) == pinned


def test_numpy_takes_the_pins_without_a_word():
    done = subprocess.run(
        [sys.executable, "-c", "import numpy"], env=os.environ | pins(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
