"""Plan a run of a system: check its settings and list its jobs, before any of them runs.

The options are those of the system's driver, each as --option=value. They include a folder per corpus.

  --do check     refuse settings that would fail later, and a disk with less room than the run needs
  --do show      print the table of the jobs of the stages that will run
  --do estimate  print what each of these stages costs in disk, CPU hours and GPU hours
  --do write     write the plan to exp/<name>/plan: plan.tsv, the table; <kind>.list, what the jobs of a kind make, and
                 <kind>.<n>.args, the arguments of the n-th of them; options.args, the options of this call

The drivers call it by utils/recipe.sh, with all of their options; ./run.sh --dry-run true does so too.

  python3 -m ser.bin.plan_run --do show xvector_bert --name=toy --corpora=data/toy/corpora
"""

import dataclasses
import importlib
import logging
import pkgutil
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--do",
        choices=("check", "show", "estimate", "write"),
        default="show",
        help="what to do, as above [%(default)s]",
    )
    parser.add_argument("system", metavar="<system>", help="a module of ser/plan, such as xvector_bert")
    args, words = parser.parse_known_args()

    from ser.plan import job
    from ser.plan.corpora import read_corpora
    from ser.plan.facts import find_out
    from ser.plan.options import FILE, read_options

    if not args.system.isidentifier() or not _has_module("ser.plan", args.system):
        raise SerError(f"no system '{args.system}': there is no ser/plan/{args.system}.py")
    system = importlib.import_module(f"ser.plan.{args.system}")
    options = read_options(system.Options, words, read_corpora())
    warnings = system.check(options)
    facts = find_out(options, system.corpora(options), options.test)
    plan = system.plan(options, facts)
    if args.do == "write":
        texts = {**plan.texts, FILE: "".join(f"{word}\n" for word in words)}
        job.write(dataclasses.replace(plan, texts=texts), options.layout.plan)
        return
    stages = (options.stage, options.stop_stage)
    if args.do == "show":
        print(job.show(plan.between(*stages)), end="")
        return
    if args.do == "check":
        for warning in warnings:
            logger.warning("%s", warning)
        if facts.missing and options.stage == 0:
            raise SerError(
                f"no folder {', '.join(facts.missing.values())}; give --corpora the folder that it lies in, or"
                f" --{next(iter(facts.missing)).replace('_', '-')} its own"
            )
    if args.do == "check" and not options.check_disk:
        return

    from ser.config import load_config
    from ser.estimate import disk, table
    from ser.estimate.rates import Rates

    if not _has_module("ser.estimate", args.system):
        if args.do == "estimate":
            raise SerError(f"no estimate of {args.system}: there is no ser/estimate/{args.system}.py")
        return
    estimator = importlib.import_module(f"ser.estimate.{args.system}")
    rates = load_config(Rates, options.rates)
    costs = [cost for cost in estimator.estimate(options, plan, facts, rates) if stages[0] <= cost.stage <= stages[1]]
    if args.do == "check":
        disk.check_free(costs, options.layout.data, options.layout.exp, estimator.LAST_OF_DATA)
        return
    print(table.show(facts.sizes, costs, rates.gpu), end="")


def _has_module(package: str, name: str) -> bool:
    folder = Path(importlib.import_module(package).__path__[0])
    return any(module.name == name for module in pkgutil.iter_modules([str(folder)]))


if __name__ == "__main__":
    cli.run(main)
