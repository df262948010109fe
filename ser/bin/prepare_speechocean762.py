"""Make a Kaldi data dir of a part of speechocean762.

Its own Kaldi tables, paths relative to the folder; more in ser/corpora/speechocean762.py.

  python3 -m ser.bin.prepare_speechocean762 --part train corpora/speechocean762 data/speechocean762_train
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--part", metavar="NAME", required=True, help="part of the corpus: train or test")
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="speechocean762 as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import records, speechocean762

    corpus = records.require_folder(args.corpus_dir, "give the folder of speechocean762")
    utterances, left_out = speechocean762.read(corpus, args.part)
    records.write_data_dir(args.data_dir, utterances, left_out, speechocean762.PUBLISHED.get(args.part, 0))


if __name__ == "__main__":
    cli.run(main)
