"""Train a fusion of modalities: late fusion of class probabilities, or a dialogue model on embeddings.

The archives may have more utterances than the data dirs; an utterance without a vector of a modality gets zeros. The
epoch is chosen on the validation data dir. An interrupted training is resumed.

  python3 -m ser.bin.train_fusion --config conf/vgg_bert/fusion.yaml --label-map conf/emotions/vgg_bert5.map \\
    --input speech=scp:exp/vgg/posteriors.scp --input text=scp:exp/text/posteriors.scp \\
    --valid-data data/iemocap_valid data/iemocap_train exp/fusion
"""

import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    cli.add_target_options(parser)
    parser.add_argument(
        "--input", action="append", required=True, metavar="NAME=RSPECIFIER", help="vectors of a modality"
    )
    parser.add_argument(
        "--context-dir",
        metavar="DIR",
        help="data dir of the whole corpus, for a dialogue model: its input is whole dialogues, without labels",
    )
    parser.add_argument("--valid-data", required=True, metavar="DIR", help="data dir for validation")
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir to train on, with utt2emo")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the model, to write")
    args = parser.parse_args()

    import hashlib

    import torch

    from ser.config import load_config
    from ser.examples.configs import FusionConfig, make_network
    from ser.examples.dialogues import DialogueSource, read_dialogues, read_inputs
    from ser.examples.targets import read_targets
    from ser.training import model_dir, parallel
    from ser.training.fit import fit
    from ser.training.losses import cross_entropy

    cli.set_num_threads(args)
    config = load_config(FusionConfig, args.config, tuple(args.set))
    rspecifiers = read_inputs(args.input)
    targets = read_targets(args.data_dir, args.valid_data, args.label_map, args.soft_targets)
    train, valid = (
        read_dialogues(folder, rspecifiers, config.in_context, args.context_dir)
        for folder in (args.data_dir, args.valid_data)
    )
    widths = {name: vectors.shape[1] for name, vectors in train.vectors.items()}
    if config.network == "late" and set(widths.values()) != {len(targets.classes)}:
        raise SerError(f"late fusion takes probabilities of {len(targets.classes)} classes; found vectors of {widths}")
    logger.info(
        "%d utterances in %d dialogues for training, %d for validation; without a vector: %s",
        len(train.part()), len(train.members), len(valid.part()),
        ", ".join(f"{name} {count + valid.num_missing[name]}" for name, count in train.num_missing.items()),
    )  # fmt: skip
    digests = {
        f"{part} {name}": hashlib.sha256(vectors.tobytes()).hexdigest()
        for part, dialogues in (("training", train), ("validation", valid))
        for name, vectors in dialogues.vectors.items()
    }
    if not model_dir.begin(args.model_dir, config, targets.inputs, digests):
        return
    torch.manual_seed(config.fit.seed)
    size = config.data.batch_size
    model = fit(
        make_network(config, widths, len(targets.classes)),
        DialogueSource(train, targets.train, size, config.fit.seed),
        DialogueSource(valid, targets.valid_numbers, size, None),
        config.fit,
        args.model_dir,
        cross_entropy(config.loss, targets.counts),
        args.device,
    )
    if parallel.start(args.device).is_first:
        model_dir.save_model(args.model_dir, model, targets.classes)


if __name__ == "__main__":
    cli.run(main)
