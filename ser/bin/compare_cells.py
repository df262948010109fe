"""Compare two systems on the same utterances, resample by resample: the difference of each figure, first less second.

A cell of the results table is a folder that evaluate_backend wrote; give all folds of a system, with a comma between,
and they are averaged first. p is two-sided, of the bootstrap over speakers.

  python3 -m ser.bin.compare_cells exp/toy/cells/speech_tdnn7_none exp/toy/cells/speech_tdnn6_none"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--protocol", default="conf/protocol.yaml", help="settings (default: %(default)s)")
    parser.add_argument("first", help="folder, or folders with commas between")
    parser.add_argument("second", help="of the other system, as many")
    args = parser.parse_args()

    from ser.config import load_config
    from ser.results import result_table
    from ser.results.cell import read_cell
    from ser.results.protocol_config import ProtocolConfig
    from ser.results.summary import compare

    level = load_config(ProtocolConfig, args.protocol).level
    sides = [[read_cell(folder) for folder in folders.split(",")] for folders in (args.first, args.second)]
    rows = [result_table.mean([cell.row for cell in side], "fold") for side in sides]
    print(f"measure   first  second  difference  {f'{100 * level:g} % interval':>16}      p")
    for name, found in compare(sides[0], sides[1], level).items():
        first, second = (getattr(row, name) for row in rows)
        interval = f"[{found.low:.2f}, {found.high:.2f}]"
        print(f"{name:7}{first:8.2f}{second:8.2f}{first - second:+12.2f}  {interval:>16}{found.p:7.3f}")


if __name__ == "__main__":
    cli.run(main)
