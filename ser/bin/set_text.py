"""Copy a data dir with other transcripts, for a text condition of the test data.

<condition> is gold (the transcripts of <data-in>), none, shuffled (each utterance gets the words of another utterance
of its fold), or a file with lines '<utterance> <words>', such as a recogniser's. Utterances without words stay, with an
empty line in text. They get no text vector, so they are scored by speech alone.

  python3 -m ser.bin.set_text --seed 0 shuffled data/iemocap_emotion data/iemocap_shuffled
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the shuffle [%(default)s]")
    parser.add_argument("condition", metavar="<condition>", help="gold, none, shuffled or a file")
    parser.add_argument(
        "data_in", metavar="<data-in>", type=Path, help="data dir; its `text` is read but for the condition none"
    )
    parser.add_argument("data_out", metavar="<data-out>", type=Path, help="data dir to write")
    args = parser.parse_args()

    from ser.corpora.staging import staged_data_dir
    from ser.kaldi import data_subset, datadir, tables
    from ser.kaldi.unicode_forms import check_list
    from ser.protocol.text_condition import shuffle_texts, take_transcripts

    if args.data_in.resolve() == args.data_out.resolve():
        raise SerError(f"{args.data_out}: the same as the input, whose words would be lost; name another data dir")
    utts = datadir.read_table(args.data_in, "utt2spk")
    texts = dict.fromkeys(utts, "")
    if args.condition in ("gold", "shuffled"):
        texts |= datadir.read_table(args.data_in, "text")
    if args.condition == "shuffled":
        has_folds = (args.data_in / "utt2fold").is_file()
        texts = shuffle_texts(texts, datadir.read_table(args.data_in, "utt2fold") if has_folds else {}, args.seed)
    elif args.condition not in ("gold", "none"):
        transcripts = tables.read_map(args.condition, allow_empty=True)
        check_list(args.condition, transcripts, utts, args.data_in / "utt2spk")
        texts = take_transcripts(utts, transcripts, args.condition)
    with staged_data_dir(args.data_out) as folder:
        data_subset.subset(args.data_in, utts, folder)
        tables.write_map(folder / "text", texts)
    without = sum(not text for text in texts.values())
    logger.info(
        "%s: words of %d utterances (%s); %d have none and are scored by speech alone",
        args.data_out, len(texts) - without, args.condition, without,
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
