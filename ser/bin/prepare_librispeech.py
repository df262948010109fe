"""Make a Kaldi data dir of one or more parts of LibriSpeech or mini LibriSpeech.

FLAC files and transcripts; more in ser/corpora/librispeech.py.

  python3 -m ser.bin.prepare_librispeech --part train-clean-5 corpora/LibriSpeech data/librispeech_train-clean-5
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--part",
        metavar="'NAME ...'",
        required=True,
        help="parts of the corpus, such as dev-clean-2, or 'train-clean-100 train-clean-360 train-other-500'",
    )
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="LibriSpeech as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import librispeech, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of LibriSpeech or mini LibriSpeech")
    parts = args.part.split()
    utterances, left_out = librispeech.read(corpus, *parts)
    published = sum(librispeech.PUBLISHED.get(part, 0) for part in parts)
    records.write_data_dir(args.data_dir, utterances, left_out, published)


if __name__ == "__main__":
    cli.run(main)
