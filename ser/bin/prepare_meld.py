"""Make a Kaldi data dir of MELD: its words and, if the copy has them, its clips.

Its layouts are in ser/corpora/meld.py.

  python3 -m ser.bin.prepare_meld --part all --audio auto corpora/MELD.Raw data/meld
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--part", required=True, choices=("train", "validation", "test", "all"), help="part of the corpus"
    )
    parser.add_argument(
        "--audio", required=True, choices=("auto", "true", "false"), help="read the clips, too; auto: where they are"
    )
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="MELD as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    import logging

    from ser.corpora import meld, records

    corpus = records.require_folder(args.corpus_dir, "give the folder of MELD")
    utterances, left_out = meld.read(corpus, args.part, {"auto": None, "true": True, "false": False}[args.audio])
    records.write_data_dir(args.data_dir, utterances, left_out, meld.PUBLISHED[args.part])
    if shared := meld.shared_speakers(utterances):
        logging.getLogger(__name__).warning(
            "%s: %d speakers are in more than one part (%s): with these parts, test speakers are known from training",
            *(args.data_dir, len(shared), ", ".join(shared[:6])),
        )


if __name__ == "__main__":
    cli.run(main)
