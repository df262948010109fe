"""Train mean, LDA and PLDA on vectors and their classes.

Writes mean.vec, lda.mat and plda, in Kaldi's binary formats, and classes.txt, num_utts and config.yaml to the folder.

  python3 -m ser.bin.train_backend data/cremad/utt2class scp:exp/xvectors/cremad/tdnn6.scp exp/backend
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--lda-dim", type=cli.lda_rows, metavar="N|K-1", help="rows of the LDA [the settings' lda_dim]")
    cli.add_backend_config(parser)
    cli.add_speaker_normalisation(parser, utt2spk=True)
    parser.add_argument("utt2class", metavar="<utt2class>", help="lines '<utterance> <class>'")
    parser.add_argument(
        "vectors",
        metavar="<vectors>",
        help="rspecifier of the vectors, read twice; vectors without a class are left out",
    )
    parser.add_argument("backend_dir", metavar="<backend-dir>", help="folder to write")
    args = parser.parse_args()

    from ser.backend import backend_dir, chain
    from ser.backend.moments import ROWS_IN_BLOCK
    from ser.backend.speaker_normalisation import NormalisedBlocks
    from ser.config import load_config
    from ser.kaldi.labelled import LabelledBlocks

    config = load_config(chain.BackendConfig, args.config, cli.overrides(args, "lda_dim", "speaker_normalisation"))
    train = LabelledBlocks(args.utt2class, args.vectors, ROWS_IN_BLOCK)
    blocks = NormalisedBlocks.of(config.speaker_normalisation, train, args.utt2spk)
    backend = chain.train_in_blocks(blocks, len(train.classes), config)
    backend_dir.save_backend(args.backend_dir, backend, train.num_utts())


if __name__ == "__main__":
    cli.run(main)
