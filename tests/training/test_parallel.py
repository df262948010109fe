import os
import subprocess
import sys

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
