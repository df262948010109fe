"""Split a data directory into parts of about equal size for jobs: <data-dir>/split<n>/1 to <n>.

A speaker stays in one part, unless there are too few speakers or --per-utt is given (then <data-dir>/split<n>utt).

  python3 -m ser.bin.split_data_dir data/cremad 4
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--per-utt", action="store_true", help="put the utterances of a speaker into several parts, too"
    )
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir to split")
    parser.add_argument("parts", metavar="<n>", type=int, help="number of parts")
    args = parser.parse_args()
    from ser.kaldi import data_subset

    data_subset.split(args.data_dir, args.parts, args.per_utt)


if __name__ == "__main__":
    cli.run(main)
