"""Print the equal error rate in percent, as Kaldi's compute-eer finds it, alone on the last line.

Takes a trials file and a scores file. Or takes `all`, the archive of score_backend and --utt2class: then every pair of
two utterances is a trial, and a target trial if both have the same class.

  python3 -m ser.bin.compute_eer trials scores
  python3 -m ser.bin.compute_eer --utt2class data/iemocap/utt2class all ark:scores.ark
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ser import cli

if TYPE_CHECKING:
    from ser.metrics.detection import ScoredTrials


logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--utt2class", metavar="FILE", help="with `all`: lines '<utterance> <class>'")
    parser.add_argument(
        "--p-target", metavar="X", type=float, help="also print minDCF at this prior of a target, such as 0.01, first"
    )
    parser.add_argument(
        "trials", metavar="<trials>", help="trials file with lines 'enrol test target|nontarget', or all"
    )
    parser.add_argument(
        "scores",
        metavar="<scores>",
        help="scores file with lines 'enrol test score'; after `all` the rspecifier of the matrix",
    )
    args = parser.parse_args()
    if (args.trials == "all") != (args.utt2class is not None):
        parser.error("--utt2class goes with `all` in place of the trials")

    trials = read_pairs(args.utt2class, args.scores) if args.utt2class else read_lists(args.trials, args.scores)
    if args.p_target is not None:
        print(f"minDCF({args.p_target:g}) {trials.min_dcf(args.p_target):.4f}")
    if ties := trials.ties_at_eer():
        logger.warning(
            "%s: %d of %d scores tie where the error rates cross: the rate is on the straight line between the ends of "
            "the tie, where Kaldi's compute-eer depends on the order of equal scores",
            args.scores, ties, len(trials),
        )  # fmt: skip
    print(f"{100.0 * trials.eer():.3f}")


def read_lists(trials: str, scores: str) -> ScoredTrials:
    """Read the trials of two text files."""
    import numpy as np

    from ser.backend.trial_text import read_scored_trials
    from ser.errors import SerError
    from ser.kaldi.specifiers import open_input
    from ser.metrics.detection import ScoredTrials

    texts = []
    for name in (trials, scores):
        with open_input(name) as stream:
            texts.append(np.frombuffer(stream.read(), dtype=np.uint8))
        if not len(texts[-1]):
            raise SerError(f"{name}: empty; nothing to compute an error rate of")
    return ScoredTrials.of(*read_scored_trials(texts[0], texts[1], trials, scores))


def read_pairs(utt2class: str, rspecifier: str) -> ScoredTrials:
    """Read all pairs of a score matrix; the pair of an utterance and itself is no trial."""
    import numpy as np

    from ser.errors import SerError
    from ser.kaldi.score_matrix import read_score_matrix
    from ser.kaldi.tables import read_map
    from ser.metrics.detection import ScoredTrials

    rows, columns, scores = read_score_matrix(rspecifier)
    utt_class = read_map(utt2class, fields=2)
    if missing := sorted({*rows, *columns} - utt_class.keys()):
        raise SerError(f"{utt2class}: no class of {len(missing)} scored utterances: {', '.join(missing[:5])}")
    number = {name: index for index, name in enumerate(sorted(set(utt_class.values())))}
    row_labels, column_labels = (np.array([number[utt_class[utt]] for utt in utts]) for utts in (rows, columns))
    place = {utt: index for index, utt in enumerate(columns)}
    same_utt = np.array([place.get(utt, -1) for utt in rows])
    return ScoredTrials.of_pairs(scores, row_labels, column_labels, same_utt)


if __name__ == "__main__":
    cli.run(main)
