import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, time
from ser.training import parallel
print("ready", flush=True)
while os.getppid() == parallel.PARENT:
    time.sleep(0.01)
parallel.start("cpu")
print("joined")
"""


def test_process_whose_parent_has_died_before_it_joins_the_others_ends():
    # Alone in a world of two it would wait for the other.
    shell = ["sh", "-c", '"$@" & read _', "sh", sys.executable, "-c", PROGRAM]
    environment = os.environ | {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29518"}
    parent = subprocess.Popen(shell, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    rest, _ = parent.communicate(timeout=30)  # to the end of both: they share the pipe
    assert rest == ""


GRADIENTS = """
import copy, torch
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from ser.models.xvector import XVector, XVectorConfig
from ser.training import parallel
torch.manual_seed(0)
process = parallel.start("cpu")
# 5 rows: one process has one more than the other. In float64, so that rounding decides nothing.
targets = torch.tensor([0, 1, 2, 0, 1])
x = torch.randn(5, 40, 12, dtype=torch.float64)
def compare(net):
    one = net.double().train()
    for module in one.modules():
        if isinstance(module, (torch.nn.Dropout, torch.nn.Dropout1d)):
            module.p = 0.0
    two = copy.deepcopy(one)
    cross_entropy(one(x), targets).backward()
    parallel.share_batch_norms(two, process.world)
    mine = slice(process.rank, None, process.world)
    weight = len(targets[mine]) * process.world / len(targets)
    net = DistributedDataParallel(two)
    (cross_entropy(net(x[mine]), targets[mine]) * weight).backward()
    for (name, a), b in zip(one.named_parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(b.grad, a.grad, rtol=1e-9, atol=1e-12, msg=lambda text: f"{name}: {text}")
    for (name, a), b in zip(one.named_buffers(), two.buffers(), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-12, msg=lambda text: f"{name}: {text}")
compare(XVector(XVectorConfig((8, 8, 8, 8, 12), (8, 8)), 12, 3))
compare(torch.nn.Sequential(torch.nn.Unflatten(1, (1, 40)), torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4),
                            torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(4 * 38 * 10, 3)))
print("equal")
"""


def test_gradients_and_batch_norm_statistics_of_two_processes_are_those_of_one(tmp_path, run_two_processes):
    script = tmp_path / "gradients.py"
    script.write_text(GRADIENTS)
    assert run_two_processes(script) == ["equal\n"] * 2


THREADS = """
import os, torch
from torch.nn.parallel import DistributedDataParallel
from ser.training import parallel
def threads():
    return len(os.listdir("/proc/self/task"))
before = threads()
parallel.start("cpu")
net = DistributedDataParallel(torch.nn.Linear(3, 2))
net(torch.ones(1, 3)).sum().backward()
net.itself = [net]  # a cycle: the last name that goes does not free it
assert threads() > before
del net
parallel.leave()
parallel.atexit.unregister(parallel.leave)
assert threads() == before, (threads(), before)
print("ended")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_no_thread_of_the_connections_outlives_leaving(tmp_path, run_two_processes):
    # One that did could ask Python for something while the interpreter shuts down, which aborts it: seen 1 in 40.
    script = tmp_path / "threads.py"
    script.write_text(THREADS)
    assert run_two_processes(script) == ["ended\n"] * 2
