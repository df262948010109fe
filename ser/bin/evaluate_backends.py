"""Evaluate several back ends in one process, since a small one takes less time than importing the libraries.

Each line of <cells> is a cell of the results table: the arguments of evaluate_backend, separated by tabs; the last is
the cell's folder. --list gets the folders, one per line.

  python3 -m ser.bin.evaluate_backends --list exp/cells/pretrained.list exp/plan/backends.pretrained.tsv
"""

from pathlib import Path

from ser import cli
from ser.errors import SerError


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--list", metavar="FILE", help="list of the cells' folders to write [none]")
    cli.add_backend_config(parser, of="of the back ends")
    parser.add_argument("cells", metavar="<cells>", help="arguments of evaluate_backend, a line for each cell")
    args = parser.parse_args()

    from ser.bin import evaluate_backend
    from ser.files import read_text_lines, write_text

    cells = [line.split("\t") for line in read_text_lines(args.cells) if line]
    if not cells:
        raise SerError(
            f"{args.cells}: no cell; give the arguments of evaluate_backend, separated by tabs, on each line"
        )
    for words in cells:
        evaluate_backend.main(["--config", args.config, *words])
    if args.list:
        write_text(Path(args.list), "".join(f"{words[-1]}\n" for words in cells))


if __name__ == "__main__":
    cli.run(main)
