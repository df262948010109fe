"""Split a data dir of classes into a training, a validation and a test part for each of its folds.

The validation part is a random share of the utterances that are not in the test part, class by class; it is only used
to choose the epoch. For a quick run, --groups merges the folds into fewer ones. A corpus without folds but with its own
parts (utt2part: train, dev or validation, test) keeps these as the fold `all`. Writes <out>/train_<name>_<fold>,
<out>/valid_<name>_<fold> and <out>/test_<name>_<fold>.

  python3 -m ser.bin.split_parts --valid 0.15 --seed 0 data/c/savee_classes savee data/c
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

PARTS = {"train": ("train",), "valid": ("dev", "validation"), "test": ("test",)}


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--groups",
        type=int,
        default=0,
        metavar="N",
        help="merge the folds into N folds; 0: do not [%(default)s]",
    )
    parser.add_argument(
        "--valid", type=float, default=0.15, metavar="SHARE", help="share of the validation part [%(default)s]"
    )
    parser.add_argument("--seed", metavar="N", type=int, required=True, help="seed of the random split")
    parser.add_argument("data_in", type=Path, metavar="<data-in>", help="data dir to split, with utt2emo")
    parser.add_argument("name", metavar="<name>", help="name of the corpus in the names of the parts")
    parser.add_argument("out", metavar="<out>", type=Path, help="folder of the parts")
    args = parser.parse_args()

    from ser.corpora.folds import group_folds, split_stratified
    from ser.kaldi import data_subset, tables

    utt2emo = tables.read_map(args.data_in / "utt2emo", fields=2)
    utt2spk = tables.read_map(args.data_in / "utt2spk", fields=2)
    found: dict[str, dict[str, list[str]]] = {}
    if (args.data_in / "utt2fold").is_file():
        utt2fold = tables.read_map(args.data_in / "utt2fold", fields=2)
        groups = group_folds(utt2fold.values(), args.groups)
        for fold in sorted(set(groups.values())):
            test = [utt for utt in utt2emo if groups[utt2fold[utt]] == fold]
            rest = {utt: utt2emo[utt] for utt in utt2emo if groups[utt2fold[utt]] != fold}
            if both := {utt2spk[utt] for utt in test} & {utt2spk[utt] for utt in rest}:
                raise SerError(
                    f"{args.data_in}/utt2fold: {len(both)} speakers are in fold {fold} and in others, the first "
                    f"{min(both)}; make the folds by speaker"
                )
            found[fold] = {**split_stratified(rest, {"valid": args.valid}, args.seed), "test": test}
    elif (args.data_in / "utt2part").is_file():
        utt2part = tables.read_map(args.data_in / "utt2part", fields=2)
        found["all"] = {part: [utt for utt in utt2emo if utt2part[utt] in names] for part, names in PARTS.items()}
    else:
        raise SerError(f"{args.data_in}: it has neither utt2fold nor utt2part, so its test part is not known")
    for fold, parts in found.items():
        for part, utts in parts.items():
            if not utts:
                raise SerError(f"{args.data_in}: no utterance of fold {fold} is in the {part} part; use another corpus")
            data_subset.subset(args.data_in, utts, args.out / f"{part}_{args.name}_{fold}")
        sizes = ", ".join(f"{len(utts)} {part}" for part, utts in parts.items())
        logger.info("%s: fold %s: %s", args.data_in, fold, sizes)


if __name__ == "__main__":
    cli.run(main)
