"""Divide the speakers of a training set into parts, each of which is held out once.

The parts have about equal numbers of utterances of each class. For each part k it writes <out>/held_<name>.k with the
utterances of the part's speakers, and <out>/train_<name>.k and <out>/clips_<name>.k with those of all other speakers.

  python3 -m ser.bin.part_speakers --parts 3 data/vgg_bert/train_1 data/vgg_bert/clips_1 data/vgg_bert 1
"""

import logging
from collections import Counter
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--parts", metavar="N", type=int, required=True, help="number of parts of the speakers")
    parser.add_argument("data_dir", metavar="<data-dir>", type=Path, help="the training set, with utt2emo")
    parser.add_argument(
        "clips_dir", metavar="<clips-dir>", type=Path, help="the training set with its augmented copies"
    )
    parser.add_argument("out", metavar="<out>", type=Path, help="folder of the parts")
    parser.add_argument("name", metavar="<name>", help="name of the training set in the names of the parts")
    args = parser.parse_args()

    from ser.corpora.folds import balance_folds
    from ser.kaldi import data_subset, tables

    utt2spk = tables.read_map(args.data_dir / "utt2spk", fields=2)
    utt2emo = tables.read_map(args.data_dir / "utt2emo", fields=2)
    counts: dict[str, Counter[str]] = {speaker: Counter() for speaker in utt2spk.values()}
    for utt, speaker in utt2spk.items():
        counts[speaker][utt2emo[utt]] += 1
    if not 2 <= args.parts <= len(counts):
        raise SerError(
            f"{args.data_dir}: {args.parts} parts of {len(counts)} speakers; give from 2 parts to one per speaker"
        )
    part_of = balance_folds(counts, args.parts)
    clips = tables.read_map(args.clips_dir / "utt2spk", fields=2)
    if unknown := set(clips.values()) - part_of.keys():
        raise SerError(
            f"{args.clips_dir}/utt2spk: speaker {min(unknown)} is not in {args.data_dir}; make the copies from it"
        )
    for part in sorted(set(part_of.values())):
        held = [utt for utt, speaker in utt2spk.items() if part_of[speaker] == part]
        rest = [utt for utt, speaker in utt2spk.items() if part_of[speaker] != part]
        if lacking := set(utt2emo[utt] for utt in held) - {utt2emo[utt] for utt in rest}:
            raise SerError(f"{args.data_dir}: only part {part} has {' '.join(sorted(lacking))}; lower --parts")
        data_subset.subset(args.data_dir, held, args.out / f"held_{args.name}.{part}")
        data_subset.subset(args.data_dir, rest, args.out / f"train_{args.name}.{part}")
        heard = [utt for utt, speaker in clips.items() if part_of[speaker] != part]
        data_subset.subset(args.clips_dir, heard, args.out / f"clips_{args.name}.{part}")
        logger.info("part %s: %d utterances held out, %d to train on", part, len(held), len(rest))


if __name__ == "__main__":
    cli.run(main)
