"""Score a model of train_text_labels on the texts of a data dir: the F1 of each class, and their mean (macro F1).

<table> gets a line for each class, with its F1 at two thresholds: --threshold (0.3 in the paper), and the class's own
threshold, which was chosen on the validation texts. A class is predicted if its probability reaches the threshold.

  python3 -m ser.bin.score_text_labels --label-map conf/emotions/goemotions_ekman.map exp/goemotions_ekman \\
    data/goemotions_test exp/goemotions_ekman/test.tsv
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_device_options(parser)
    parser.add_argument("--label-map", metavar="FILE", help="label map of the model's training, if it had one")
    parser.add_argument(
        "--threshold",
        metavar="X",
        type=float,
        default=0.3,
        help="probability at which a class is predicted [%(default)s]",
    )
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder that train_text_labels wrote")
    parser.add_argument("data_dir", metavar="<data-dir>", help="Kaldi data dir with text and utt2labels")
    parser.add_argument("table", metavar="<table>", help="table to write")
    args = parser.parse_args()

    import numpy as np

    from ser.corpora.label_map import read_label_map
    from ser.files import tab_separated, write_text
    from ser.kaldi import tables
    from ser.metrics.multilabel import f1_by_class
    from ser.text import batches, bert, labels
    from ser.text.config import TextDataConfig, TextModelConfig
    from ser.training import model_dir, parallel

    cli.set_num_threads(args)
    classes = model_dir.load_classes(args.model_dir)
    mapping = read_label_map(args.label_map) if args.label_map else {}
    encoder, tokenizer = bert.load_encoder(args.model_dir)
    data = model_dir.load_section(args.model_dir, "data", TextDataConfig)
    tokenizer.model_max_length = min(tokenizer.model_max_length, data.max_tokens)
    pooling = model_dir.load_section(args.model_dir, "model", TextModelConfig).pooling
    model = bert.TextClassifier(encoder, len(classes), pooling, dropout=0.0)
    model.head.load_state_dict(model_dir.load_weights(args.model_dir))
    model.eval().to(parallel.pick_device(args.device))
    found = labels.read_labels(args.data_dir, mapping, classes)
    ids, targets, _ = labels.tokenize_labelled(args.data_dir, found, tokenizer)
    source = batches.TextBatches(ids, targets, tokenizer.pad_token_id, data.batch_size, None)
    truth, scores = labels.score(model, source.batches(0))
    own = tables.read_map(Path(args.model_dir) / "thresholds", fields=2)
    thresholds = np.array([float(own[name]) for name in classes])
    fixed, chosen = f1_by_class(truth, scores >= args.threshold), f1_by_class(truth, scores >= thresholds)
    rows = [
        [name, str(count), f"{100 * one:.2f}", f"{100 * two:.2f}", own[name]]
        for name, count, one, two in zip(classes, truth.sum(axis=0), fixed, chosen, strict=True)
    ]
    rows.append(["macro", str(len(ids)), f"{100 * fixed.mean():.2f}", f"{100 * chosen.mean():.2f}", "-"])
    columns = ("class", "texts", f"f1_at_{args.threshold:g}", "f1_at_own_threshold", "own_threshold")
    write_text(args.table, tab_separated(columns, rows))
    logger.info(
        "%s: %d texts, %d classes: macro F1 %.2f %% at %g, %.2f %% at the classes' own thresholds",
        args.table, len(ids), len(classes), 100 * fixed.mean(), args.threshold, 100 * chosen.mean(),
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
