"""Run a command; print what it used, as JSON: wall and CPU seconds, peak of memory in MB, and the JSON that it printed.

A process of its own, as a child's peak of memory begins with that of the parent.
"""

import json
import resource
import subprocess
import sys
import time


def main() -> None:
    begun = time.perf_counter()
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
    wall = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"wall": wall, "cpu": cpu, "mb": used.ru_maxrss / 1024, "printed": printed}))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
