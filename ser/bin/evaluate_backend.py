"""Train a back end, score every pair of test utterances, classify each: one cell of the results table.

Writes to the cell's folder: backend/, predictions.txt, confusion.tsv, det.tsv (miss and false alarm rates in
percent), result.tsv (last). A trial is an ordered pair of two test utterances, a target where both are of one class.

  python3 -m ser.bin.evaluate_backend --system xvector_bert --train cremad --test iemocap --layer tdnn6 \\
    --modality speech data/cremad/utt2class scp:cremad.scp data/iemocap/utt2class scp:iemocap.scp exp/toy/cell1"""

from ser import cli

# Enough for a smooth curve on paper.
DET_POINTS = 400


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--config", default="conf/backend.yaml", help="settings (default: %(default)s)")
    parser.add_argument("--lda-dim", type=int, help="rows of the LDA, in place of the settings' lda_dim")
    parser.add_argument("--rule", choices=("average", "best"), help="in place of the settings' rule of classification")
    parser.add_argument(
        "--write-scores", type=cli.boolean, default=False, help="also write scores.ark (default: false)"
    )
    parser.add_argument("--system", required=True, help="name of the system in the table, such as xvector_bert")
    parser.add_argument("--train", required=True, help="name of what the system was trained on")
    parser.add_argument("--test", required=True, help="name of what is scored")
    parser.add_argument("--fold", default="all", help="fold that is scored (default: all, where there are none)")
    parser.add_argument("--layer", required=True, help="layer that the vectors are of")
    parser.add_argument("--modality", required=True, help="speech, text or speech+text")
    parser.add_argument("train_utt2class", help="'<utterance> <class>' a line")
    parser.add_argument("train_vectors", help="rspecifier")
    parser.add_argument("test_utt2class", help="'<utterance> <class>' a line: the utterances that are scored")
    parser.add_argument("test_vectors", help="rspecifier")
    parser.add_argument("cell_dir", help="folder to write")
    args = parser.parse_args()

    import logging
    from pathlib import Path

    import numpy as np

    from ser.backend import backend_dir, chain, scoring
    from ser.config import load_config
    from ser.files import write_text
    from ser.kaldi.labelled import read_labelled
    from ser.kaldi.score_matrix import write_score_matrix
    from ser.kaldi.tables import write_map
    from ser.metrics import classification, results
    from ser.metrics.detection import ScoredTrials

    logger = logging.getLogger(__name__)
    cell = Path(args.cell_dir)
    settings = {"lda_dim": args.lda_dim, "rule": args.rule}
    overrides = tuple(f"{name}={value}" for name, value in settings.items() if value is not None)
    config = load_config(chain.BackendConfig, args.config, overrides)
    train = read_labelled(args.train_utt2class, args.train_vectors)
    test = read_labelled(args.test_utt2class, args.test_vectors, classes=train.classes)
    if unseen := test.classes[len(train.classes) :]:
        logger.warning("%s: no training utterance is of class %s", args.test_utt2class, ", ".join(unseen))
    # An old table row must not stand beside new scores.
    (cell / "result.tsv").unlink(missing_ok=True)

    backend = chain.train(train.vectors, train.labels, config)
    backend_dir.save_backend(cell / "backend", backend, train.num_utts())
    projected = backend.project(test.vectors)

    scores = scoring.score_matrix(*scoring.factor_ratios(backend.plda, projected, projected))
    if args.write_scores:
        write_score_matrix(f"ark:{cell}/scores.ark", test.utts, test.utts, scores)
    trials = ScoredTrials.of_pairs(scores, test.labels, test.labels, left_out=np.arange(len(scores)))
    del scores
    _, miss, false_alarm = trials.det(num_points=DET_POINTS)
    points = (f"{100 * m:.4f}\t{100 * f:.4f}\n" for m, f in zip(miss, false_alarm, strict=True))
    write_text(cell / "det.tsv", "miss\tfalse_alarm\n" + "".join(points))

    factors = scoring.factor_ratios(backend.plda, backend.project(train.vectors), projected)
    by_class = scoring.class_scores(*factors, train.labels, config.rule)
    write_map(cell / "predictions.txt", scoring.format_predictions(test.utts, train.classes, by_class))
    counts = classification.confusion(test.labels, by_class.argmax(axis=1), len(test.classes))
    lines = [
        ["true \\ predicted", *test.classes],
        *([name, *row] for name, row in zip(test.classes, counts, strict=True)),
    ]
    write_text(cell / "confusion.tsv", "".join("\t".join(map(str, line)) + "\n" for line in lines))

    row = results.Result(
        *(args.system, args.train, args.test, args.fold, args.layer, args.modality),
        lda_dim=len(backend.lda),
        trials=len(trials),
        eer=100.0 * trials.eer(),
        uar=100.0 * classification.uar(counts),
        wa=100.0 * classification.accuracy(counts),
        f1=100.0 * classification.macro_f1(counts),
    )
    write_text(cell / "result.tsv", results.to_tsv([row]))
    logger.info("%s: EER %.3f %%, UAR %.2f %%, WA %.2f %%, F1 %.2f %%", cell, row.eer, row.uar, row.wa, row.f1)


if __name__ == "__main__":
    cli.run(main)
