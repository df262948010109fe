"""Fine-tune a text encoder on texts that may have several emotions each.

Reads <data-dir>/text and <data-dir>/utt2labels. The loss is a binary cross-entropy for each class. The labels are the
classes, unless --label-map maps them. The validation data are those of --valid-data, or else a share of the texts. On
them are chosen the epoch and, for each class, the threshold of its probability (<model-dir>/thresholds). An interrupted
training is resumed.

The model folder needs no other files: `encoder` is a Hugging Face folder, model.safetensors the linear layer after it.

  python3 -m ser.bin.train_text_labels --config conf/coattention/goemotions_bert.yaml \\
    data/goemotions_train exp/goemotions
"""

import dataclasses
import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    parser.add_argument("--label-map", metavar="FILE", help="map of labels to classes [the labels are the classes]")
    parser.add_argument(
        "--text-model", metavar="NAME", help="encoder to start from, Hugging Face name or folder [the config's]"
    )
    parser.add_argument(
        "--part", metavar="NAME", help="part of the training data dir (utt2part) to train on, such as train [all]"
    )
    parser.add_argument("--valid-data", metavar="DIR", help="data dir for validation [a share of the training one]")
    parser.add_argument("data_dir", metavar="<data-dir>", help="Kaldi data dir with text and utt2labels")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the model, to write")
    args = parser.parse_args()

    import numpy as np
    import torch

    from ser.config import load_config
    from ser.corpora.label_map import read_label_map
    from ser.kaldi import tables
    from ser.metrics.multilabel import best_thresholds, f1_by_class
    from ser.text import batches, bert, labels, model_folder
    from ser.text.config import TextConfig
    from ser.training import model_dir, parallel
    from ser.training.fit import fit
    from ser.training.losses import classification_loss

    cli.set_num_threads(args)
    config = load_config(TextConfig, args.config, tuple(args.set))
    if args.text_model:
        config = dataclasses.replace(config, text_model=args.text_model)
    if config.loss.kind != "binary":
        raise SerError(f"{args.config}: loss.kind is {config.loss.kind}; texts with several classes need binary")
    mapping = read_label_map(args.label_map) if args.label_map else {}
    classes = labels.class_names(args.data_dir, mapping)
    encoder, tokenizer = bert.load_encoder(config.text_model)
    bert.check_pooling(config.text_model, tokenizer, config.model.pooling)
    tokenizer.model_max_length = min(tokenizer.model_max_length, config.data.max_tokens)

    found = labels.read_labels(args.data_dir, mapping, classes)
    if args.part:
        found = labels.of_part(args.data_dir, found, args.part)
    ids, targets, cut = labels.tokenize_labelled(args.data_dir, found, tokenizer)
    if args.valid_data:
        valid_ids, valid_targets, _ = labels.tokenize_labelled(
            args.valid_data, labels.read_labels(args.valid_data, mapping, classes), tokenizer
        )
    else:
        order = np.random.default_rng(config.fit.seed).permutation(len(ids))
        kept = round(config.data.valid_fraction * len(ids))
        if not 0 < kept < len(ids):
            raise SerError(
                f"data.valid_fraction {config.data.valid_fraction:g} of {len(ids)} texts leaves a part empty"
            )
        valid_ids, valid_targets = [ids[index] for index in order[:kept]], targets[order[:kept]]
        ids, targets = [ids[index] for index in order[kept:]], targets[order[kept:]]
    logger.info(
        "%d texts for training, %d for validation; %d classes, %.3f per text; cut %d at %d tokens",
        len(ids), len(valid_ids), len(classes), targets.sum() / len(ids), cut, tokenizer.model_max_length,
    )  # fmt: skip
    inputs = {f"training {name}": Path(args.data_dir) / name for name in ("text", "utt2labels")}
    if args.valid_data:
        inputs |= {f"validation {name}": Path(args.valid_data) / name for name in ("text", "utt2labels")}
    if args.part:
        inputs["parts"] = Path(args.data_dir) / "utt2part"
    if args.label_map:
        inputs["label map"] = Path(args.label_map)
    weights = Path(model_folder.find_folder(config.text_model)) / model_dir.WEIGHTS
    if weights.is_file():
        inputs["text model"] = weights
    if not model_dir.begin(args.model_dir, config, inputs):
        return

    torch.manual_seed(config.fit.seed)
    model = bert.TextClassifier(encoder, len(classes), config.model.pooling, config.model.dropout)
    size, pad_id = config.data.batch_size, tokenizer.pad_token_id
    train = batches.TextBatches(ids, targets, pad_id, size, config.fit.seed)
    valid = batches.TextBatches(valid_ids, valid_targets, pad_id, size, None)
    loss = classification_loss(config.loss, targets.sum(axis=0), len(ids))
    model = fit(model, train, valid, config.fit, args.model_dir, loss, args.device)
    if not parallel.start(args.device).is_first:
        return
    truth, scores = labels.score(model, valid.batches(0))
    thresholds = best_thresholds(truth, scores)
    macro = f1_by_class(truth, scores >= thresholds).mean()
    logger.info("%d validation texts: macro F1 %.2f %%, with thresholds chosen on them", len(valid_ids), 100 * macro)
    tables.write_map(
        Path(args.model_dir) / "thresholds", dict(zip(classes, map("{:.6f}".format, thresholds), strict=True))
    )
    bert.save_encoder(Path(args.model_dir) / model_folder.ENCODER_FOLDER, model.encoder, tokenizer)
    model_dir.save_model(args.model_dir, model.head, classes)


if __name__ == "__main__":
    cli.run(main)
