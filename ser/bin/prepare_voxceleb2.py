"""Make a Kaldi data dir of VoxCeleb2.

Its layouts are in ser/corpora/voxceleb2.py; wav.scp reads the .m4a files through ffmpeg.

  python3 -m ser.bin.prepare_voxceleb2 --part all --ffmpeg ffmpeg corpora/VoxCeleb2 data/voxceleb2
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--part", required=True, choices=("dev", "test", "all"), help="part of the corpus")
    parser.add_argument(
        "--ffmpeg", metavar="PROGRAM", required=True, help="program that decodes AAC, its name or its path"
    )
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="VoxCeleb2 as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import records, voxceleb2

    corpus = records.require_folder(args.corpus_dir, "give the folder of VoxCeleb2")
    utterances, left_out = voxceleb2.read(corpus, args.part, args.ffmpeg)
    records.write_data_dir(args.data_dir, utterances, left_out, voxceleb2.PUBLISHED[args.part])


if __name__ == "__main__":
    cli.run(main)
