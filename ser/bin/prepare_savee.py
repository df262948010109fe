"""Make a Kaldi data dir of SAVEE.

Its layouts are in ser/corpora/savee.py. The release has no transcripts; --transcripts gives some.

  python3 -m ser.bin.prepare_savee --folds 4 corpora/SAVEE data/savee
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
        help="folds of speakers: 4, one of each; emobox: EmoBox's",
    )
    parser.add_argument("--transcripts", type=Path, metavar="FILE", help="lines 'DC_a01 <words>' [no text]")
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="SAVEE as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import records, savee

    corpus = records.require_folder(args.corpus_dir, "give the folder of SAVEE")
    utterances, left_out = savee.read(corpus, args.folds, args.transcripts)
    records.write_data_dir(args.data_dir, utterances, left_out, savee.PUBLISHED)


if __name__ == "__main__":
    cli.run(main)
