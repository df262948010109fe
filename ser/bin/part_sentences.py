"""Divide the sentences of a corpus, so that no test sentence is spoken in the training data.

If all actors speak the same sentences, removing the test sentences from the training data would leave nothing. So the
sentences are divided into --parts parts of equal size, class by class. The test data keep only the sentences of the
part --part, the training data only those of the other parts; over all parts, each test utterance is scored once. An
utterance without words is always in the training data, and in the test data of the first part. The example keeps the
second half of the sentences for the test.

  python3 -m ser.bin.part_sentences --parts 2 --part 2 data/test data/test_2 data/train data/train_2
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--parts", type=int, default=2, metavar="N", help="number of parts [%(default)s]")
    parser.add_argument("--part", type=int, required=True, metavar="N", help="test part, from 1")
    parser.add_argument("test_dir", type=Path, metavar="<test-dir>", help="test data dir, with text and utt2emo")
    parser.add_argument("test_out", type=Path, metavar="<test-out>", help="test data dir to write")
    parser.add_argument(
        "pairs",
        type=Path,
        nargs="+",
        metavar="<train-dir> <train-out>",
        help="training data dirs, each with the data dir to write",
    )
    args = parser.parse_args()
    if not 1 <= args.part <= args.parts or len(args.pairs) % 2:
        raise SerError(f"--part {args.part} of --parts {args.parts}, and {len(args.pairs)} data dirs; expected pairs")

    from ser.corpora.staging import staged_data_dir
    from ser.kaldi import data_subset, tables
    from ser.kaldi.datadir import normalise_text
    from ser.protocol.sentences import deal_sentences

    folders = [args.test_dir, *args.pairs[::2]]
    texts = [
        {utt: normalise_text(words) for utt, words in tables.read_map(folder / "text", allow_empty=True).items()}
        for folder in folders
    ]
    classes = [tables.read_map(folder / "utt2emo", fields=2) for folder in folders]
    part_of = deal_sentences(
        ((words, names[utt]) for said, names in zip(texts, classes, strict=True) for utt, words in said.items()),
        args.parts,
    )
    for number, (folder, said, out) in enumerate(zip(folders, texts, [args.test_out, *args.pairs[1::2]], strict=True)):
        tested = {utt for utt, words in said.items() if (part_of[words] if words else 0) == args.part - 1}
        kept = [
            utt for utt, words in said.items() if (utt in tested if number == 0 else utt not in tested or not words)
        ]
        if not kept:
            raise SerError(f"{folder}: no utterance is left with part {args.part} of the sentences; lower --parts")
        with staged_data_dir(out) as made:
            data_subset.subset(folder, dict.fromkeys(kept, ""), made)
        logger.info("%s: %d of %d utterances", out, len(kept), len(said))


if __name__ == "__main__":
    cli.run(main)
