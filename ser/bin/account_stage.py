"""Write the cost of a recipe's stage to cost.tsv. An earlier row of the same stage is replaced.

begin_stage of utils/recipe.sh starts the stage. Its time is the difference between the times at which the files
<log-dir>/stage_<n>.began and <log-dir>/stage_<n>.ended were written; both are then removed. Its disk space is that of
the files in the folders that were written in this time.

  python3 -m ser.bin.account_stage exp/toy/cost.tsv 3 "x-vector nets" exp/toy/log data/toy exp/toy
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("table", metavar="<table>", help="cost.tsv to write")
    parser.add_argument("stage", metavar="<stage>", help="the stage's number")
    parser.add_argument("what", metavar="<what>", help="what the stage does, in a few words")
    parser.add_argument("log_dir", metavar="<log-dir>", help="where stage_<n>.began and stage_<n>.ended are")
    parser.add_argument("folders", metavar="<folder>", nargs="+", help="folders that the recipe writes to")
    args = parser.parse_args()

    from pathlib import Path

    from ser.report import cost

    began, ended = (Path(args.log_dir, f"stage_{args.stage}.{when}") for when in ("began", "ended"))
    cost.replace_row(
        Path(args.table), args.stage, args.what, cost.measure(began, ended, [Path(name) for name in args.folders])
    )
    began.unlink()
    ended.unlink()


if __name__ == "__main__":
    cli.run(main)
