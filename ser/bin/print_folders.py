"""Print, as shell commands, the variables with the folders of a run: data, exp and folders in them.

utils/recipe.sh and local/run_experiments.sh call this, so that `ser.plan.layout` alone names these folders.

  python3 -m ser.bin.print_folders toy
"""

import shlex

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("name", metavar="<name>", help="--name of the run, or <run>/experiments/<name> of a grid")
    args = parser.parse_args()

    from ser.plan.layout import Layout

    at = Layout.of_run(args.name)
    folders = {
        "data": at.data, "exp": at.exp, "toy_corpora": at.toy_corpora, "plan": at.plan, "cells": at.cells,
        "audits": at.audits, "logs": at.logs,
    }  # fmt: skip
    for name, folder in folders.items():
        print(f"{name}={shlex.quote(str(folder))}")


if __name__ == "__main__":
    cli.run(main)
