"""Copy a data dir without the utterances that say a sentence of another one, which is tested.

Where actors speak fixed sentences, a model of text learns the sentences; without them its words are new to it. An
utterance without words stays. Example:

    python3 -m ser.bin.drop_sentences data/savee_train data/savee_test data/savee_train_unseen"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the command."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("data_in", type=Path, metavar="data-dir", help="with text")
    parser.add_argument("test_dir", type=Path, metavar="test-dir", help="whose sentences are dropped")
    parser.add_argument("data_out", type=Path, metavar="out-dir", help="to be written")
    args = parser.parse_args()

    from ser.corpora.staging import staged_data_dir
    from ser.kaldi import data_subset, tables
    from ser.kaldi.datadir import normalise_text
    from ser.protocol.sentences import unseen_sentences

    train, test = (
        {utt: normalise_text(words) for utt, words in tables.read_map(folder / "text", allow_empty=True).items()}
        for folder in (args.data_in, args.test_dir)
    )
    kept = unseen_sentences(train, test)
    if not kept:
        raise SerError(
            f"{args.data_in}: every one of its {len(train)} utterances says a sentence of {args.test_dir}, so nothing "
            "would be left to train on; the corpus has no such condition"
        )
    with staged_data_dir(args.data_out) as folder:
        data_subset.subset(args.data_in, dict.fromkeys(kept, ""), folder)
    logger.info("%s: %d of %d utterances, whose sentences the test lacks", args.data_out, len(kept), len(train))


if __name__ == "__main__":
    cli.run(main)
