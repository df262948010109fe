"""Score speaker verification by embeddings, with LDA-PLDA and cosine back ends that are trained on other speakers.

The result shows whether a speaker net was trained well. The trials are a list of VoxCeleb's, or every pair of two test
utterances. Prints a table and writes it as TSV.

  python3 -m ser.bin.score_speakers data/train/utt2spk scp:exp/train/tdnn6.scp data/test/utt2spk \\
    scp:exp/test/tdnn6.scp exp/verification.tsv
"""

import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--config", metavar="FILE", default="conf/speaker_backend.yaml", help="settings of the back ends [%(default)s]"
    )
    parser.add_argument("--trials", metavar="FILE", help="VoxCeleb's list of trials, in place of every pair")
    parser.add_argument("train_utt2spk", metavar="<train-utt2spk>", help="speakers that the back ends train on")
    parser.add_argument("train_vectors", metavar="<train-vectors>", help="rspecifier of their embeddings")
    parser.add_argument("test_utt2spk", metavar="<test-utt2spk>", help="speakers to score; none is a training speaker")
    parser.add_argument("test_vectors", metavar="<test-vectors>", help="rspecifier of their embeddings")
    parser.add_argument("table", metavar="<table>", help="TSV to write: back end, trials, EER in percent, minDCF")
    args = parser.parse_args()

    from dataclasses import replace

    from ser.backend.chain import BackendConfig
    from ser.backend.recognizer import TRAINERS
    from ser.backend.speaker_normalisation import NONE
    from ser.config import load_config
    from ser.files import tab_separated, write_text
    from ser.kaldi.labelled import read_labelled
    from ser.protocol import verification

    config = load_config(BackendConfig, args.config)
    if config.speaker_normalisation != NONE:
        raise SerError(
            f"{args.config}: speaker_normalisation {config.speaker_normalisation} subtracts "
            "the speaker's mean, by which speakers are recognised; set none"
        )
    train = read_labelled(args.train_utt2spk, args.train_vectors)
    test = read_labelled(args.test_utt2spk, args.test_vectors)
    if shared := sorted(set(train.classes) & set(test.classes)):
        raise SerError(
            f"{args.test_utt2spk}: speakers that {args.train_utt2spk} has too: {' '.join(shared[:5])}; score others"
        )
    if args.trials:
        trials, missing = verification.read_voxceleb_trials(args.trials, test.utts)
        if missing:
            logger.warning("%s: %d trials are of utterances that have no embedding; not scored", args.trials, missing)
    else:
        trials = verification.all_pairs([test.classes[label] for label in test.labels])
    dim = min(config.lda_dim or len(train.classes) - 1, len(train.classes) - 1, train.vectors.shape[1])
    config = replace(config, lda_dim=dim)
    rows = []
    for kind in ("plda", "cosine"):
        recognizer = TRAINERS[kind](train.vectors, train.labels, config)
        eer, min_dcf = verification.figures(recognizer, test.vectors, trials)
        rows.append((kind, len(trials.enrol), f"{100 * eer:.2f}", f"{min_dcf:.4f}"))
    table = tab_separated(("backend", "trials", "eer", "min_dcf"), rows)
    write_text(args.table, table)
    print(table, end="")


if __name__ == "__main__":
    cli.run(main)
