"""Collect the cells of evaluate_backend and the like into results.tsv and seeds.tsv, and print the table.

The mean over folds is a row with the fold `all`, the mean over seeds a row with the seed `all`; both have a confidence
interval. The screen shows these means, results.tsv has all rows. seeds.tsv has the standard deviation over seeds.

  python3 -m ser.bin.make_results_table exp/toy $(cat exp/toy/cells/list)
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_protocol(parser, of="of the means and intervals")
    parser.add_argument(
        "--allow-failed",
        type=cli.boolean,
        default=False,
        help="give cells with a file `failed` a row that says so [%(default)s]",
    )
    parser.add_argument("out_dir", metavar="<out-dir>", help="folder to write")
    parser.add_argument("cell_dirs", metavar="<cell-dir>", nargs="+", help="folders of cells")
    args = parser.parse_args()

    from pathlib import Path

    from ser.config import load_config
    from ser.files import write_text
    from ser.results import result_table, summary
    from ser.results.cell import read_cell
    from ser.results.protocol_config import ProtocolConfig

    protocol = load_config(ProtocolConfig, args.protocol)
    cells = summary.with_means([read_cell(folder, args.allow_failed) for folder in args.cell_dirs], protocol)
    rows = result_table.ordered(cell.row for cell in cells)
    out = Path(args.out_dir)
    write_text(out / "results.tsv", result_table.to_tsv(rows))
    write_text(out / "seeds.tsv", summary.deviations(cells))
    print(result_table.align(result_table.means(rows)), end="")
    if (over_seeds := summary.deviations(cells)).count("\n") > 1:
        print(f"Means and standard deviations over seeds:\n{over_seeds}", end="")


if __name__ == "__main__":
    cli.run(main)
