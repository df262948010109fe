"""Make a Kaldi data dir of RIRS_NOISES.

The simulated impulse responses of small and medium rooms; utt2type says which is which.

  python3 -m ser.bin.prepare_rirs_noises corpora/RIRS_NOISES data/rirs
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="RIRS_NOISES as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import records, rirs_noises

    corpus = records.require_folder(args.corpus_dir, "give the folder of RIRS_NOISES")
    utterances, left_out = rirs_noises.read(corpus)
    records.write_data_dir(args.data_dir, utterances, left_out, rirs_noises.PUBLISHED)


if __name__ == "__main__":
    cli.run(main)
