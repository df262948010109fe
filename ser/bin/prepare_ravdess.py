"""Make a Kaldi data dir of RAVDESS.

The spoken audio clips, WAV or FLAC; more in ser/corpora/ravdess.py.

  python3 -m ser.bin.prepare_ravdess --folds 6 corpora/ravdess data/ravdess
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--folds",
        metavar="N|emobox",
        required=True,
        type=cli.folds,
        help="folds of actors, balanced by sex; emobox: the 6 of EmoBox",
    )
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="RAVDESS as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import ravdess, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of RAVDESS")
    utterances, left_out = ravdess.read(corpus, args.folds)
    records.write_data_dir(args.data_dir, utterances, left_out, ravdess.PUBLISHED)


if __name__ == "__main__":
    cli.run(main)
