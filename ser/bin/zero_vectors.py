"""Write zeros in the place of all numbers of a table: i-vectors for a control that knows nothing of the speaker.

Example: python3 -m ser.bin.zero_vectors scp:exp/ivectors/ivector_online.scp ark,scp:exp/zero/a.ark,exp/zero/a.scp"""

from ser import cli


def main() -> None:
    """Run the command."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("rspecifier", metavar="<rspecifier>")
    parser.add_argument("wspecifier", metavar="<wspecifier>")
    args = parser.parse_args()

    import numpy as np

    from ser.kaldi import ark

    with ark.Writer(args.wspecifier) as writer:
        for key, array in ark.read(args.rspecifier):
            writer.write(key, np.zeros_like(array))


if __name__ == "__main__":
    cli.run(main)
