"""Make a Kaldi data dir of IEMOCAP.

Labels, votes and transcriptions come from its dialog folders; more in ser/corpora/iemocap.py.

  python3 -m ser.bin.prepare_iemocap corpora/IEMOCAP_full_release data/iemocap
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="IEMOCAP as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import iemocap, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of IEMOCAP")
    utterances, left_out = iemocap.read(corpus)
    records.write_data_dir(args.data_dir, utterances, left_out, iemocap.PUBLISHED)


if __name__ == "__main__":
    cli.run(main)
