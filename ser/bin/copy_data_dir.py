"""Copy a data directory under other ids, as for an augmented copy.

Recordings of segments keep their ids.

  python3 -m ser.bin.copy_data_dir --utt-suffix=-noise data/train data/train_noise
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--utt-prefix", metavar="PREFIX", default="", help="put before each utterance's id")
    parser.add_argument("--utt-suffix", metavar="SUFFIX", default="", help="put after each utterance's id")
    parser.add_argument("--spk-prefix", metavar="PREFIX", default="", help="put before each speaker's id")
    parser.add_argument("--spk-suffix", metavar="SUFFIX", default="", help="put after each speaker's id")
    parser.add_argument("data_in", metavar="<data-in>", help="data dir to read")
    parser.add_argument("data_out", metavar="<data-out>", help="data dir to write")
    args = parser.parse_args()
    from ser.kaldi import data_subset

    data_subset.copy(
        args.data_in, args.data_out, (args.utt_prefix, args.utt_suffix), (args.spk_prefix, args.spk_suffix)
    )


if __name__ == "__main__":
    cli.run(main)
