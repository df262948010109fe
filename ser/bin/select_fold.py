"""Keep the training or the test part of one fold of a data dir, by its utt2fold.

The test part has the utterances of the fold, the training part the others. A speaker in both parts is an error, since
the model would know the test speaker from training.

  python3 -m ser.bin.select_fold --part train 3 data/iemocap data/iemocap_train3
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--part", choices=("train", "test"), required=True, help="part of the fold to keep")
    parser.add_argument("fold", metavar="<fold>", help="name of the fold, as in utt2fold")
    parser.add_argument("data_in", metavar="<data-in>", type=Path, help="data dir to read")
    parser.add_argument("data_out", metavar="<data-out>", type=Path, help="data dir to write")
    args = parser.parse_args()

    from ser.errors import SerError
    from ser.kaldi import data_subset, tables

    utt2fold = tables.read_map(args.data_in / "utt2fold", fields=2)
    utt2spk = tables.read_map(args.data_in / "utt2spk", fields=2)
    folds = sorted(set(utt2fold.values()))
    if args.fold not in folds:
        raise SerError(f"{args.data_in}/utt2fold: no fold '{args.fold}'; it has {', '.join(folds)}")
    test = [utt for utt, fold in utt2fold.items() if fold == args.fold]
    train = [utt for utt, fold in utt2fold.items() if fold != args.fold]
    both = {utt2spk[utt] for utt in test} & {utt2spk[utt] for utt in train}
    if both:
        raise SerError(
            f"{args.data_in}/utt2fold: {len(both)} speakers are in fold {args.fold} and in others, the first "
            f"{min(both)}; make the folds by speaker"
        )
    kept = test if args.part == "test" else train
    data_subset.subset(args.data_in, kept, args.data_out)
    logger.info("%s: %d of the %d utterances of %s", args.data_out, len(kept), len(utt2fold), args.data_in)


if __name__ == "__main__":
    cli.run(main)
