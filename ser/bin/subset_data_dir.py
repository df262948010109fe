"""Copy a data directory with only the utterances of a list.

The first field of each line of the list is an utterance; other fields are ignored. Every table of utterances, speakers
and recordings is filtered.

  python3 -m ser.bin.subset_data_dir data/cremad test.list data/cremad_test
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("data_in", metavar="<data-in>", help="data dir to read")
    parser.add_argument("utterances", metavar="<utterance-list>", help="list of the utterances to keep, one per line")
    parser.add_argument("data_out", metavar="<data-out>", help="data dir to write")
    args = parser.parse_args()
    from ser.errors import SerError
    from ser.kaldi import data_subset, tables
    from ser.kaldi.datadir import read_table
    from ser.kaldi.unicode_forms import check_list

    utterances = [key for _, key, _ in tables.read_lines(args.utterances)]
    known = read_table(args.data_in, "utt2spk")
    check_list(args.utterances, utterances, known, f"{args.data_in}/utt2spk")
    if not any(utt in known for utt in utterances):
        raise SerError(f"{args.utterances}: none of its {len(utterances)} utterances is in {args.data_in}/utt2spk")
    count = data_subset.subset(args.data_in, utterances, args.data_out)
    logger.info("%s: %d of the %d utterances of %s", args.data_out, count, len(known), args.data_in)


if __name__ == "__main__":
    cli.run(main)
