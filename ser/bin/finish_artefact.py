"""Record the files that the commands of a grid's artefact made; this record marks the artefact as finished.

utils/make_artefact.sh calls it.

  python3 -m ser.bin.finish_artefact exp/toy/experiments/toy/artefacts/net-0123456789ab
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("folder", metavar="<folder>", help="folder of the artefact, with its note.tsv")
    args = parser.parse_args()

    from pathlib import Path

    from ser.experiments.artefact import finish

    finish(Path(args.folder))


if __name__ == "__main__":
    cli.run(main)
