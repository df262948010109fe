"""Record the checksum of every file that a stage of a recipe wrote, for check_stages.

The command fails if a recording that the stage read has changed since stage 0, or if a file of an earlier run that the
stage kept as finished has changed.

  python3 -m ser.bin.record_stage exp/toy 3 data/toy exp/toy
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--check-recordings",
        type=cli.boolean,
        default=True,
        help="check that the recordings are what stage 0 found [%(default)s]",
    )
    parser.add_argument(
        "exp_dir",
        metavar="<exp-dir>",
        help="folder of the run; its file log/stage_<n>.began was written when the stage began",
    )
    parser.add_argument("stage", metavar="<stage>", type=int, help="the stage's number")
    parser.add_argument("folders", metavar="<folder>", nargs="+", help="folders that the recipe writes to")
    args = parser.parse_args()

    from pathlib import Path

    from ser.record import stages

    exp = Path(args.exp_dir)
    if args.check_recordings:
        stages.check_recordings(exp / "stages", args.stage)
    stages.record(exp / "stages", args.stage, [Path(name) for name in args.folders])


if __name__ == "__main__":
    cli.run(main)
