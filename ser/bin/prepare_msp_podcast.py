"""Make a Kaldi data dir of MSP-Podcast: consensus labels, votes, parts, transcripts.

More in ser/corpora/msp_podcast.py.

  python3 -m ser.bin.prepare_msp_podcast --part all --folds 0 corpora/MSP-Podcast data/msp_podcast
"""

from pathlib import Path

from ser import cli

PARTS = ("train", "validation", "test1", "test2", "test3", "all")


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--part", required=True, choices=PARTS, help="part of the corpus")
    parser.add_argument("--folds", metavar="N", required=True, type=int, help="folds of speakers; 0 for none")
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="MSP-Podcast as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import msp_podcast, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of MSP-Podcast")
    utterances, left_out = msp_podcast.read(corpus, args.part, args.folds)
    records.write_data_dir(args.data_dir, utterances, left_out, msp_podcast.PUBLISHED[args.part])


if __name__ == "__main__":
    cli.run(main)
