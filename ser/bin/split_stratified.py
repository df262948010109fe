"""Split a data dir at random into parts that have the same share of each class.

Utterances are drawn one by one, so the parts share speakers, sessions and dialogues; ser.bin.audit_protocol counts
these. The example has the shares of Zhou et al.:

  python3 -m ser.bin.split_stratified --valid 0.2 --test 0.1 --seed 0 data/iemocap \\
    data/iemocap_train data/iemocap_valid data/iemocap_test
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--valid", type=float, required=True, metavar="SHARE", help="share of the validation part")
    parser.add_argument("--test", type=float, required=True, metavar="SHARE", help="share of the test part")
    parser.add_argument("--seed", metavar="N", type=int, required=True, help="seed of the random split")
    parser.add_argument("data_in", metavar="<data-in>", help="data dir to split, with utt2emo")
    parser.add_argument("train_out", metavar="<train-out>", help="data dir of the rest, to write")
    parser.add_argument("valid_out", metavar="<valid-out>", help="data dir of the validation part, to write")
    parser.add_argument("test_out", metavar="<test-out>", help="data dir of the test part, to write")
    args = parser.parse_args()

    from ser.corpora.folds import split_stratified
    from ser.kaldi import data_subset, datadir

    utt2emo = datadir.read_table(args.data_in, "utt2emo")
    parts = split_stratified(utt2emo, {"valid": args.valid, "test": args.test}, args.seed)
    for part, utts in parts.items():
        data_out = getattr(args, f"{part}_out")
        data_subset.subset(args.data_in, utts, data_out)
        logger.info("%s: %d of the %d utterances of %s", data_out, len(utts), len(utt2emo), args.data_in)


if __name__ == "__main__":
    cli.run(main)
