"""Note what the commands of a grid's artefact made, with which it is finished; utils/make_artefact.sh calls this.

python3 -m ser.bin.finish_artefact exp/toy/experiments/toy/artefacts/net-0123456789ab"""

from ser import cli


def main() -> None:
    """Run the command."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("folder", help="of the artefact, with the note.tsv of what it is made of")
    args = parser.parse_args()

    from pathlib import Path

    from ser.experiments.artefact import finish

    finish(Path(args.folder))


if __name__ == "__main__":
    cli.run(main)
