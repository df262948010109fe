"""Write a row of the results for each failed cell of a grid, with the log of the step that failed first.

Prints how many cells failed.

  python3 -m ser.bin.collect_experiments exp/toy/experiments/toy
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("exp", metavar="<exp>", type=Path, help="folder of the grid")
    args = parser.parse_args()

    from ser.experiments import plan

    failed = plan.collect(args.exp)
    for line in failed:
        logger.warning("failed: %s", line)
    print(len(failed))


if __name__ == "__main__":
    cli.run(main)
