"""Make a Kaldi data dir of a part of TED-LIUM 2.

SPHERE files and stm segments; more in ser/corpora/tedlium.py.

  python3 -m ser.bin.prepare_tedlium --part train corpora/TEDLIUM_release2 data/tedlium_train
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--part", metavar="NAME", required=True, help="part of the corpus: train, dev or test")
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="TEDLIUM_release2 as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import records, tedlium

    corpus = records.require_folder(args.corpus_dir, "give the folder of TED-LIUM 2")
    utterances, left_out = tedlium.read(corpus, args.part)
    records.write_data_dir(args.data_dir, utterances, left_out, tedlium.PUBLISHED.get(args.part, 0))


if __name__ == "__main__":
    cli.run(main)
