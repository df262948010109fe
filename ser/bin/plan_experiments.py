"""Expand a grid of experiments into its cells and artefacts, and write those that are still to be made.

local/run_experiments.sh calls it, and runs the jobs that it lists. The first line that it prints is the grid's folder.

  python3 -m ser.bin.plan_experiments --dry-run true conf/experiments.yaml
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--dry-run",
        type=cli.boolean,
        default=False,
        help="count cells and artefacts on standard output and write nothing [%(default)s]",
    )
    parser.add_argument(
        "--check-inputs",
        type=cli.boolean,
        default=True,
        help="check the checksums of all files of finished artefacts, and stop at the first that differs [%(default)s]",
    )
    parser.add_argument("config", metavar="<config>", help="YAML of the grid, such as conf/experiments.yaml")
    args = parser.parse_args()

    from ser.config import load_config
    from ser.experiments import plan
    from ser.experiments.artefact import Workshop, all_needed
    from ser.experiments.finished_run import FinishedRun
    from ser.experiments.grid import GridConfig, expand
    from ser.experiments.point_artefacts import PointArtefacts
    from ser.files import write_text
    from ser.plan.layout import Layout
    from ser.plan.options import options_of_run
    from ser.plan.xvector_bert import Options
    from ser.record.code import Sources
    from ser.record.digests import Digests

    config = load_config(GridConfig, args.config)
    at, options = Layout.of_run(config.run), options_of_run(Options, config.run)
    exp = at.exp / "experiments" / config.name
    digests = Digests(exp / "digests")
    run = FinishedRun(options, at, digests)
    recipe = PointArtefacts(config, Workshop(Sources(Path())), run)
    expansion = expand(config, recipe.layers, run.roles)
    cells = {recipe.cell(cell): recipe.row(cell) for cell in expansion.cells}
    logger.info(
        "%s: %d cells of %d points: %d points share another's cell, %d name a layer that the variant does not have",
        config.name, len(cells), expansion.points, expansion.shared, expansion.absent,
    )  # fmt: skip
    print(exp)
    if args.dry_run:
        print(plan.describe(exp, cells), end="")
        return
    for artefact in all_needed(cells):
        artefact.check(exp / plan.ARTEFACTS, contents=args.check_inputs)
    left = plan.write_plan(exp, cells)
    for name, words in (("card", recipe.card_options()), ("report", recipe.report_options(exp))):
        write_text(Layout(exp, exp).plan / f"{name}.args", "".join(f"{word}\n" for word in words))
    if lines := recipe.text_used():
        write_text(exp / "text_used.txt", lines)
    digests.save()
    logger.info("%s: %d artefacts to make", exp, left)


if __name__ == "__main__":
    cli.run(main)
