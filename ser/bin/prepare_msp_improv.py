"""Make a Kaldi data dir of MSP-IMPROV; its folds are its sessions.

Its layouts are in ser/corpora/msp_improv.py.

  python3 -m ser.bin.prepare_msp_improv corpora/MSP-IMPROV data/msp_improv
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="MSP-IMPROV as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import msp_improv, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of MSP-IMPROV")
    records.write_data_dir(args.data_dir, *msp_improv.read(corpus), msp_improv.PUBLISHED)


if __name__ == "__main__":
    cli.run(main)
