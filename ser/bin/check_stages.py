"""Check that the stages before <stage> ended well, and that their files have not changed since.

If a file has changed or is missing, the command fails and names the first one. It reads all files whole, which takes
about as long as copying them.

  python3 -m ser.bin.check_stages exp/toy 4
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("exp_dir", metavar="<exp-dir>", help="folder of the run")
    parser.add_argument("stage", metavar="<stage>", type=int, help="number of the stage that is to run")
    args = parser.parse_args()

    from pathlib import Path

    from ser.record import stages

    stages.check(Path(args.exp_dir, "stages"), args.stage)


if __name__ == "__main__":
    cli.run(main)
