"""Make a Kaldi data dir of DailyDialog.

It is text only: the data dir has no wav.scp. Its layouts are in ser/corpora/dailydialog.py.

  python3 -m ser.bin.prepare_dailydialog --part all corpora/dailydialog data/dailydialog
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--part", required=True, choices=("train", "validation", "test", "all"), help="part of the corpus"
    )
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="DailyDialog as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import dailydialog, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of DailyDialog")
    utterances, left_out = dailydialog.read(corpus, args.part)
    records.write_data_dir(args.data_dir, utterances, left_out, dailydialog.PUBLISHED[args.part])


if __name__ == "__main__":
    cli.run(main)
