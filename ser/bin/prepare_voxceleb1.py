"""Make a Kaldi data dir of VoxCeleb1.

Its layouts are in ser/corpora/voxceleb1.py.

  python3 -m ser.bin.prepare_voxceleb1 --part dev corpora/VoxCeleb1 data/voxceleb1
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--part", required=True, choices=("dev", "test", "all"), help="part of the corpus")
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="VoxCeleb1 as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import records, voxceleb1

    corpus = records.require_folder(args.corpus_dir, "give the folder of VoxCeleb1")
    utterances, left_out = voxceleb1.read(corpus, args.part)
    records.write_data_dir(args.data_dir, utterances, left_out, voxceleb1.PUBLISHED[args.part])


if __name__ == "__main__":
    cli.run(main)
