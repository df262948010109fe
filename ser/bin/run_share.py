"""Run a share of the jobs of one kind in one process, for jobs that take less time than importing the libraries.

Process n of N runs the jobs n, n+N, n+2N ... of a kind one after the other. <plan> is a run's folder of arguments
(ser/plan/job.py). Each job calls the module's main() with the arguments given here, followed by those in
<plan>/<kind>.<number>.args.

  python3 -m ser.bin.run_share --share 2/4 exp/toy/plan cells ser.bin.evaluate_backend --config conf/backend.yaml
"""

import argparse
import importlib
import logging
import re
import sys
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--share",
        metavar="N/N",
        default="1/1",
        help="share of the jobs to run, such as 2/4, the second of four [%(default)s]",
    )
    parser.add_argument("plan", metavar="<plan>", help="folder of the plan")
    parser.add_argument("kind", metavar="<kind>", help="kind of job")
    parser.add_argument("module", metavar="<module>", help="module of the command, such as ser.bin.evaluate_backend")
    parser.add_argument(
        "arguments", metavar="<argument>", nargs=argparse.REMAINDER, help="arguments that all of the jobs have"
    )
    args = parser.parse_args()

    share = re.fullmatch(r"([0-9]+)/([0-9]+)", args.share)
    first, step = (int(number) for number in share.groups()) if share else (0, 0)
    if not 1 <= first <= step:
        raise SerError(f"--share {args.share}: give one of N shares as 1/N, 2/N ... N/N")
    jobs = Path(args.plan, f"{args.kind}.list")
    if not jobs.is_file():
        raise SerError(f"no {jobs}: the plan has no jobs of the kind '{args.kind}'")
    command = importlib.import_module(args.module)
    for number in range(first, len(jobs.read_text(encoding="utf-8").splitlines()) + 1, step):
        words = [*args.arguments, f"@{args.plan}/{args.kind}.{number}.args"]
        logger.info("# python3 -m %s", " ".join([args.module, *words]))
        sys.argv[1:] = words  # main() parses these
        sys.orig_argv[1:] = ["-m", args.module, *words]  # a model folder records these as its command
        try:
            command.main()
        except SerError as error:
            raise SerError(f"{args.kind} {number}: {error}") from error


if __name__ == "__main__":
    cli.run(main)
