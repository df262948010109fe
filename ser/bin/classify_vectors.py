"""Classify test vectors by their scores against the training utterances of each class.

Writes lines '<utterance> <class> <score of each class>'; the scores are in the order of the classes' names.

  python3 -m ser.bin.classify_vectors exp/backend data/cremad/utt2class scp:train.scp scp:test.scp predictions.txt
"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--rule",
        choices=("average", "best"),
        help="score of a class: the average or the best of its training utterances' scores [the settings' rule]",
    )
    cli.add_utt2spk(parser)
    cli.add_backend_config(parser, of="for a back end whose folder has none")
    parser.add_argument("backend_dir", metavar="<backend-dir>", help="folder of the back end")
    parser.add_argument("train_utt2class", metavar="<train-utt2class>", help="lines '<utterance> <class>'")
    parser.add_argument("train_vectors", metavar="<train-vectors>", help="rspecifier of the training vectors")
    parser.add_argument("test_vectors", metavar="<test-vectors>", help="rspecifier of the test vectors")
    parser.add_argument("out", metavar="<out>", help="file to write")
    args = parser.parse_args()

    from ser.backend import scoring
    from ser.backend.backend_dir import load_backend
    from ser.backend.speaker_normalisation import normalise_table
    from ser.kaldi.labelled import read_labelled, read_vectors
    from ser.kaldi.tables import write_map
    from ser.metrics.classification import format_predictions

    backend = load_backend(args.backend_dir, args.config)
    train = read_labelled(args.train_utt2class, args.train_vectors)
    utts, test = read_vectors(args.test_vectors)
    known, test = (
        normalise_table(backend.config.speaker_normalisation, vectors, names, args.utt2spk)
        for vectors, names in ((train.vectors, train.utts), (test, utts))
    )
    scores = scoring.class_scores(*backend.factors(known, test), train.labels, args.rule or backend.config.rule)
    write_map(args.out, format_predictions(utts, train.classes, scores))


if __name__ == "__main__":
    cli.run(main)
