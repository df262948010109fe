"""Make a Kaldi data dir of MUSAN.

utt2type says which recordings are noise, music and speech.

  python3 -m ser.bin.prepare_musan corpora/musan data/musan
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="MUSAN as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import musan, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of MUSAN")
    utterances, left_out = musan.read(corpus)
    records.write_data_dir(args.data_dir, utterances, left_out, musan.PUBLISHED)


if __name__ == "__main__":
    cli.run(main)
