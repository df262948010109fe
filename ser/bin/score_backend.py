"""Score trials with a back end, and write lines 'enrol test score'; a score is a log likelihood ratio.

A line of the trials file is 'enrol test' or 'enrol test target|nontarget'. The word `all` in place of the file scores
every pair. <scores> is then a wspecifier: each enrolment utterance gets a vector with a score per test utterance. The
file ARK.columns beside the archive ARK lists the test utterances in the order of the scores.

  python3 -m ser.bin.score_backend exp/backend scp:enrol.scp scp:test.scp trials scores
  python3 -m ser.bin.score_backend exp/backend scp:test.scp scp:test.scp all ark:scores.ark
"""

from ser import cli
from ser.errors import SerError


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--num-utts",
        metavar="FILE",
        help="lines '<enrol> <count>': each enrolment vector is the mean of <count> utterances",
    )
    cli.add_utt2spk(parser)
    cli.add_backend_config(parser, of="of a back end that has none of its own")
    parser.add_argument(
        "backend_dir",
        metavar="<backend-dir>",
        help="folder of train_backend, or one with Kaldi's mean.vec, transform.mat and plda",
    )
    parser.add_argument("enrol", metavar="<enrol>", help="rspecifier of the enrolment vectors")
    parser.add_argument("test", metavar="<test>", help="rspecifier of the test vectors")
    parser.add_argument("trials", metavar="<trials>", help="trials file, - for standard input, or all")
    parser.add_argument("scores", metavar="<scores>", help="file, - for standard output; after `all` a wspecifier")
    args = parser.parse_args()

    import contextlib
    import sys

    from ser.backend import scoring
    from ser.backend.backend_dir import load_backend
    from ser.backend.speaker_normalisation import NONE, normalise_table
    from ser.files import atomic_path
    from ser.kaldi import specifiers
    from ser.kaldi.labelled import read_counts, read_vectors
    from ser.kaldi.score_matrix import write_score_matrix

    backend = load_backend(args.backend_dir, args.config)
    enrol_utts, enrol = read_vectors(args.enrol)
    test_utts, test = read_vectors(args.test)
    normalisation = backend.config.speaker_normalisation
    if args.num_utts and normalisation != NONE:
        raise SerError(
            f"--num-utts: averages of utterances have no speaker, and {args.backend_dir} has speaker_normalisation "
            f"'{normalisation}'; give a back end without"
        )
    enrol, test = (
        normalise_table(normalisation, vectors, utts, args.utt2spk)
        for vectors, utts in ((enrol, enrol_utts), (test, test_utts))
    )
    num_utts = read_counts(args.num_utts, enrol_utts) if args.num_utts else 1
    left, right = backend.factors(enrol, test, num_utts)
    if args.trials == "all":
        rows = (row for _, block in scoring.score_blocks(left, right) for row in block)
        write_score_matrix(args.scores, enrol_utts, test_utts, rows)
        return

    from ser.backend import trial_text

    tables = trial_text.KeyTable(enrol_utts), trial_text.KeyTable(test_utts)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(specifiers.open_input(args.trials))
        if args.scores == "-":
            target = sys.stdout.buffer
        else:
            target = stack.enter_context(open(stack.enter_context(atomic_path(args.scores)), "wb"))
        for block in trial_text.score_trials(source, left, right, *tables, where=args.trials):
            target.write(block.data)


if __name__ == "__main__":
    cli.run(main)
