"""Make a Kaldi data dir of CREMA-D.

The labels are the votes of processedResults/summaryTable.csv; more in ser/corpora/cremad.py.

  python3 -m ser.bin.prepare_cremad --vote voice --ties drop --folds 5 corpora/CREMA-D data/cremad
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--vote",
        required=True,
        choices=("voice", "multimodal"),
        help="what the voters had: sound, or sound and picture",
    )
    parser.add_argument(
        "--ties",
        required=True,
        choices=("drop", "first", "level"),
        help="tied votes: leave out, first named, highest level",
    )
    parser.add_argument("--folds", metavar="N", required=True, type=int, help="folds of actors, balanced by sex")
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="CREMA-D as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import cremad, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of CREMA-D")
    utterances, left_out = cremad.read(corpus, args.vote, args.ties, args.folds)
    records.write_data_dir(args.data_dir, utterances, left_out, cremad.PUBLISHED)


if __name__ == "__main__":
    cli.run(main)
