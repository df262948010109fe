"""Split a data directory into the utterances of listed speakers and those of all others.

The list has a speaker a line, with or without the prefix that the data dir has (0036 for so0036).

  python3 -m ser.bin.split_speakers test_speakers data/all data/test data/train
"""

import logging
import re

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("speakers", metavar="<speakers>", help="list of speakers, one per line")
    parser.add_argument("data_in", metavar="<data-in>", help="data dir to read")
    parser.add_argument("listed", metavar="<data-listed>", help="data dir to write, of the listed speakers")
    parser.add_argument("others", metavar="<data-others>", help="data dir to write, of the others")
    args = parser.parse_args()
    from ser.kaldi import data_subset, tables
    from ser.kaldi.datadir import read_table
    from ser.kaldi.unicode_forms import check_list

    named = {key for _, key, _ in tables.read_lines(args.speakers)}
    utt2spk = read_table(args.data_in, "utt2spk")
    check_list(args.speakers, named, utt2spk.values(), f"{args.data_in}/utt2spk")
    listed = [utt for utt, spk in utt2spk.items() if spk in named or re.sub("^[a-z]+", "", spk) in named]
    if not listed:
        raise SerError(f"no speaker of {args.speakers} is in {args.data_in}/utt2spk")
    if len(listed) == len(utt2spk):
        raise SerError(f"all speakers of {args.data_in}/utt2spk are in {args.speakers}")
    data_subset.subset(args.data_in, listed, args.listed)
    data_subset.subset(args.data_in, utt2spk.keys() - set(listed), args.others)
    logger.info("%s: %d of the %d utterances of %s", args.listed, len(listed), len(utt2spk), args.data_in)


if __name__ == "__main__":
    cli.run(main)
