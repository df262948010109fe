"""Run a command and print what it used, as JSON: wall and CPU seconds, peak of memory in MB.

A process of its own, as a child's peak of memory begins with that of the parent.
"""

import json
import resource
import subprocess
import sys
import time


def main() -> None:
    begun = time.perf_counter()
    status = subprocess.call(sys.argv[1:], stdout=sys.stderr)
    wall = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}))
    sys.exit(status)


if __name__ == "__main__":
    main()
