"""Adapt the PLDA of a back end to unlabelled vectors of another domain, as ivector-adapt-plda does.

Writes a folder like that of train_backend, whose PLDA is the adapted one.

  python3 -m ser.bin.adapt_backend exp/backend scp:exp/xvectors/iemocap/tdnn6.scp exp/backend_adapted
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--within-covar-scale", metavar="X", type=float, default=0.3, help="option of ivector-adapt-plda [%(default)s]"
    )
    parser.add_argument(
        "--between-covar-scale", metavar="X", type=float, default=0.7, help="option of ivector-adapt-plda [%(default)s]"
    )
    parser.add_argument(
        "--mean-diff-scale", metavar="X", type=float, default=1.0, help="option of ivector-adapt-plda [%(default)s]"
    )
    cli.add_utt2spk(parser)
    cli.add_backend_config(parser, of="of a back end that has none of its own")
    parser.add_argument("backend_dir", metavar="<backend-dir>", help="folder of the back end")
    parser.add_argument("vectors", metavar="<vectors>", help="rspecifier of the vectors of the new domain")
    parser.add_argument("adapted_dir", metavar="<adapted-dir>", help="folder to write")
    args = parser.parse_args()

    import dataclasses

    from ser.backend import backend_dir
    from ser.backend.plda import adapt_plda
    from ser.backend.speaker_normalisation import normalise_table
    from ser.kaldi.labelled import read_vectors

    backend = backend_dir.load_backend(args.backend_dir, args.config)
    utts, vectors = read_vectors(args.vectors)
    vectors = normalise_table(backend.config.speaker_normalisation, vectors, utts, args.utt2spk)
    adapted = adapt_plda(
        backend.plda,
        backend.reduce(vectors),
        within_scale=args.within_covar_scale,
        between_scale=args.between_covar_scale,
        mean_diff_scale=args.mean_diff_scale,
    )
    classes = backend_dir.read_num_utts(args.backend_dir)
    backend_dir.save_backend(args.adapted_dir, dataclasses.replace(backend, plda=adapted), classes)


if __name__ == "__main__":
    cli.run(main)
