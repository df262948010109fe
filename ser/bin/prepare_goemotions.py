"""Make a Kaldi data dir of GoEmotions.

It is text only; utt2labels has one or more labels per comment. ser/corpora/goemotions.py describes its layouts.

  python3 -m ser.bin.prepare_goemotions --part train corpora/goemotions data/goemotions_train
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--part", required=True, choices=("train", "dev", "test", "all"), help="part of the corpus")
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="GoEmotions as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import goemotions, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of GoEmotions")
    utterances, left_out = goemotions.read(corpus, args.part)
    records.write_data_dir(args.data_dir, utterances, left_out, goemotions.PUBLISHED[args.part])


if __name__ == "__main__":
    cli.run(main)
