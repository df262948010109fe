"""Copy a data dir with its emotions mapped to the classes of a system.

An utterance is left out of every file if the map does not list its emotion, or if its labels in utt2labels belong to
two or more classes. The maps are conf/emotions/*.map.

  python3 -m ser.bin.apply_label_map conf/emotions/four.map data/iemocap data/iemocap_four
"""

import logging
from collections import Counter
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("map", metavar="<map>", type=Path, help="lines '<label of the corpus> <class>'")
    parser.add_argument("data_in", metavar="<data-in>", type=Path, help="data dir with utt2emo or utt2labels")
    parser.add_argument("data_out", metavar="<data-out>", type=Path, help="data dir to write")
    args = parser.parse_args()

    from ser.corpora.label_map import apply_label_map, one_class, read_label_map
    from ser.corpora.staging import staged_data_dir
    from ser.kaldi import data_subset, tables

    if args.data_in.resolve() == args.data_out.resolve():
        raise SerError(
            f"{args.data_out}: the same as the input, whose native labels would be lost; name another data dir"
        )
    mapping = read_label_map(args.map)
    path = args.data_in / "utt2emo"
    if not path.exists() and (args.data_in / "utt2labels").exists():
        path = args.data_in / "utt2labels"
        mapped, unlisted, several = one_class(mapping, tables.read_map(path))
        if several:
            logger.warning("%s: %d utterances with labels of two or more classes left out", args.data_out, len(several))
    elif not path.exists():
        raise SerError(
            f"{path}: missing, so no utterance has an emotion; if it is made of a table, name the column of "
            "emotions: local/prepare_table.sh --emotion C"
        )
    else:
        mapped, unlisted = apply_label_map(mapping, tables.read_map(path, fields=2))
    for emotion, count in sorted(unlisted.items()):
        logger.warning("%s: %d of %s left out, which %s does not list", args.data_out, count, emotion, args.map)
    if not mapped:
        raise SerError(f"{path}: none of its labels ({', '.join(sorted(unlisted))}) is in {args.map}")
    with staged_data_dir(args.data_out) as folder:
        data_subset.subset(args.data_in, mapped, folder)
        tables.write_map(folder / "utt2emo", mapped)
    counts = ", ".join(f"{label} {count}" for label, count in sorted(Counter(mapped.values()).items()))
    logger.info("%s: %s", args.data_out, counts)


if __name__ == "__main__":
    cli.run(main)
