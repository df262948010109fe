"""Fine-tune a text encoder (BERT) to predict the class of an utterance, in <utt2class>, from its words, in `text`.

Utterances without a class or without words are left out, and counted. <utt2class> gives the classes of the validation
data dir as well. Without a validation data dir, the validation set is the corpus's own validation part (utt2part), or
else a share of its dialogues (utt2dialogue), or else of its texts; texts whose words are trained on are left out of it.
A training that was stopped resumes when the same command is run again.

The model folder is complete: `encoder` is a Hugging Face folder, model.safetensors has the linear layer after it.

  python3 -m ser.bin.train_text --config conf/bert.yaml --valid-data data/dailydialog_valid \\
    data/dailydialog data/dailydialog/utt2class exp/bert
"""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    cli.add_target_options(parser, required=False)
    parser.add_argument(
        "--text-model", metavar="NAME", help="encoder to begin with, Hugging Face name or folder [the config's]"
    )
    parser.add_argument("--valid-data", metavar="DIR", help="data dir for validation [a share of the training one]")
    parser.add_argument("data_dir", metavar="<data-dir>", help="Kaldi data dir; its `text` is read")
    parser.add_argument("utt2class", metavar="<utt2class>", help="utterances and their classes")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the model, to write")
    args = parser.parse_args()
    if args.soft_targets and not args.label_map:
        parser.error("--soft-targets needs --label-map, which maps the annotators' labels to classes")

    import numpy as np
    import torch

    from ser.config import load_config
    from ser.corpora.label_map import read_label_map
    from ser.examples.targets import check_apart, class_numbers, read_vote_targets
    from ser.kaldi import tables
    from ser.metrics import classification
    from ser.text import batches, bert, held_out, model_folder
    from ser.text.config import TextConfig
    from ser.training import model_dir, parallel
    from ser.training.fit import fit
    from ser.training.losses import cross_entropy

    cli.set_num_threads(args)
    config = load_config(TextConfig, args.config, tuple(args.set))
    if args.text_model:
        config = dataclasses.replace(config, text_model=args.text_model)
    utt2class = tables.read_map(args.utt2class, fields=2)
    encoder, tokenizer = bert.load_encoder(config.text_model)
    bert.check_pooling(config.text_model, tokenizer, config.model.pooling)
    tokenizer.model_max_length = min(tokenizer.model_max_length, config.data.max_tokens)

    train_ids, train_utts = read_examples(args.data_dir, utt2class, tokenizer)
    mapping = read_label_map(args.label_map) if args.label_map else {}
    classes = sorted(set(mapping.values() or [utt2class[utt] for utt in train_utts]))
    if len(classes) < 2:
        raise SerError(f"{args.utt2class}: only the class {classes[0]} among the texts; two or more are needed")
    if args.valid_data:
        valid_ids, valid_utts = read_examples(args.valid_data, utt2class, tokenizer)
        check_apart(args.data_dir, train_utts, args.valid_data, valid_utts)
        sides = [
            {utt: texts[utt] for utt in utts}
            for texts, utts in ((read_texts(args.data_dir), train_utts), (read_texts(args.valid_data), valid_utts))
        ]
        logger.info(
            "%d of %d validation texts have the words of a training text", held_out.count_shared(*sides), len(sides[1])
        )
    else:
        ids, utts, labels = train_ids, train_utts, [utt2class[utt] for utt in train_utts]
        of_data_dir = {name: Path(args.data_dir) / name for name in ("utt2dialogue", "utt2part")}
        dialogues, utt2part = (tables.read_map(path) if path.exists() else {} for path in of_data_dir.values())
        for_train, for_valid, said = held_out.split_off(
            utts, read_texts(args.data_dir), labels, dialogues, utt2part, config.data.valid_fraction, config.fit.seed
        )
        logger.info("%s: %s", args.data_dir, said)
        train_ids, train_utts = [ids[index] for index in for_train], [utts[index] for index in for_train]
        valid_ids, valid_utts = [ids[index] for index in for_valid], [utts[index] for index in for_valid]

    def make_batches(ids: list[list[int]], targets: np.ndarray, seed: int | None) -> batches.TextBatches:
        return batches.TextBatches(ids, targets, tokenizer.pad_token_id, config.data.batch_size, seed)

    targets = numbers = class_numbers(train_utts, utt2class, classes, args.data_dir)
    if args.soft_targets:
        targets = read_vote_targets(args.data_dir, train_utts, mapping, numbers, classes)
    train = make_batches(train_ids, targets, config.fit.seed)
    valid_numbers = class_numbers(valid_utts, utt2class, classes, args.valid_data or args.data_dir)
    valid = make_batches(valid_ids, valid_numbers, None)
    counts = np.bincount(numbers, minlength=len(classes))
    logger.info("training texts: %s", ", ".join(f"{name} {n}" for name, n in zip(classes, counts, strict=True)))

    inputs = {"text": Path(args.data_dir) / "text", "utt2class": Path(args.utt2class)}
    if args.label_map:
        inputs["label map"] = Path(args.label_map)
    if args.soft_targets:
        inputs["votes"] = Path(args.data_dir) / "utt2votes"
    if args.valid_data:
        inputs["validation text"] = Path(args.valid_data) / "text"
    else:
        inputs |= {name: path for name, path in of_data_dir.items() if path.exists()}
    weights = Path(model_folder.find_folder(config.text_model)) / model_dir.WEIGHTS
    if weights.is_file():
        inputs["text model"] = weights
    if not model_dir.begin(args.model_dir, config, inputs):
        return

    torch.manual_seed(config.fit.seed)
    model = bert.TextClassifier(encoder, len(classes), config.model.pooling, config.model.dropout)
    loss = cross_entropy(config.loss, counts)
    model = fit(model, train, valid, config.fit, args.model_dir, loss, args.device)
    if not parallel.start(args.device).is_first:
        return
    confusion = classification.confusion(*bert.classify(model, valid.batches(0)), len(classes))
    uar, accuracy = classification.uar(confusion), classification.accuracy(confusion)
    logger.info(
        "%d validation texts: UAR %.1f %% (chance %.1f %%), accuracy %.1f %%",
        len(valid_ids), 100 * uar, 100 / len(classes), 100 * accuracy,
    )  # fmt: skip
    bert.save_encoder(Path(args.model_dir) / model_folder.ENCODER_FOLDER, model.encoder, tokenizer)
    model_dir.save_model(args.model_dir, model.head, classes)


def read_texts(data_dir: str) -> dict[str, str]:
    """Read the words of the utterances of `data_dir`, which may be none."""
    from ser.kaldi import tables

    return tables.read_map(Path(data_dir) / "text", allow_empty=True)


def read_examples(data_dir: str, utt2class: Mapping[str, str], tokenizer: Any) -> tuple[list[list[int]], list[str]]:
    """Read the token ids and the names of the utterances of `data_dir` that have words and a class."""
    from ser.text import bert

    path = Path(data_dir) / "text"
    texts = read_texts(data_dir)
    labelled = [utt for utt in texts if utt in utt2class]
    tokens = bert.tokenize(tokenizer, [texts[utt] for utt in labelled])
    kept = [index for index, ids in enumerate(tokens.ids) if ids]
    logger.info(
        "%s: %d texts; left out %d without a class, %d without words; cut %d at %d tokens",
        path, len(kept), len(texts) - len(labelled), len(labelled) - len(kept),
        tokens.num_cut, tokenizer.model_max_length,
    )  # fmt: skip
    if not kept:
        raise SerError(f"{path}: no utterance has both words and a class; is the file of classes another corpus's?")
    return [tokens.ids[index] for index in kept], [labelled[index] for index in kept]


if __name__ == "__main__":
    cli.run(main)
