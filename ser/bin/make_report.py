"""Make the report of a run: report.html, one page that needs nothing else, and figures/, its pictures as PNG and TSV.

Reads results.tsv, cells/list and the cells' folders, */train.tsv, protocol_card.tsv, human.tsv and cost.tsv. If one is
missing, the page names the command that makes it.

  python3 -m ser.bin.make_report exp/toy
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("exp_dir", metavar="<exp-dir>", help="folder of a run, such as exp/toy")
    args = parser.parse_args()

    import logging
    from pathlib import Path

    from ser.errors import SerError
    from ser.report.report import write_report

    folder = Path(args.exp_dir)
    if not folder.is_dir():
        raise SerError(f"{folder}: no such folder; give that of a run, which ./run.sh makes")
    pictures = write_report(folder)
    logging.getLogger(__name__).info("%s/report.html: %d pictures, also in %s/figures", folder, pictures, folder)


if __name__ == "__main__":
    cli.run(main)
