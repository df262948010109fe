"""Repair a data directory: sort its tables, and keep the utterances that are in all of them.

The old tables are kept in <data-dir>/.backup.

  python3 -m ser.bin.fix_data_dir data/cremad
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir to mend in place")
    args = parser.parse_args()
    from ser.kaldi import data_subset

    data_subset.fix(args.data_dir)


if __name__ == "__main__":
    cli.run(main)
