"""Note the checksum of every file that a stage of a recipe wrote, for check_stages.

python3 -m ser.bin.record_stage exp/toy 3 data/toy exp/toy"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("exp_dir", help="of the run; <exp-dir>/log/stage_<stage>.began is as old as the stage's begin")
    parser.add_argument("stage", type=int, help="its number")
    parser.add_argument("folders", nargs="+", help="that the recipe writes to")
    args = parser.parse_args()

    from pathlib import Path

    from ser import stages

    exp = Path(args.exp_dir)
    began = exp / "log" / f"stage_{args.stage}.began"
    stages.record(exp / "stages", args.stage, [Path(name) for name in args.folders], began)


if __name__ == "__main__":
    cli.run(main)
