"""Write the union of data directories.

A table that only some of them have is left out, with a warning; an utterance that two of them have is an error.

  python3 -m ser.bin.combine_data_dirs data/train data/voxceleb1 data/voxceleb2
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("data_out", metavar="<data-out>", help="data dir to write")
    parser.add_argument("inputs", metavar="<data-in>", nargs="+", help="data dirs to read")
    args = parser.parse_args()
    from ser.kaldi import data_subset

    data_subset.combine(args.data_out, args.inputs)


if __name__ == "__main__":
    cli.run(main)
