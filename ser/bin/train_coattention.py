"""Train the co-attention of speech and text, or the attention of one of them, to tell the classes of utterances.

Inputs are sequences: of speech a row a patch (or frame), of text a row a token; an archive may hold more utterances
than the data dirs. An utterance without a sequence has one learnt row in its place, and is counted. The validation data
dir picks the epoch. A training that was stopped goes on where it was. Example:

    python3 -m ser.bin.train_coattention --config conf/coattention/fusion.yaml --label-map conf/emotions/four.map \\
      --input speech=scp:exp/yamnet/10.scp --input text=scp:exp/t5/tokens.scp \\
      --valid-data data/iemocap_valid data/iemocap_train exp/coattention"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the command."""
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    cli.add_target_options(parser)
    parser.add_argument("--input", action="append", required=True, metavar="NAME=RSPECIFIER", help="speech or text")
    parser.add_argument("--valid-data", required=True, metavar="DIR", help="data dir for validation")
    parser.add_argument("data_dir", metavar="data-dir")
    parser.add_argument("model_dir", metavar="model-dir", help="folder of the model, to be written")
    args = parser.parse_args()

    import torch

    from ser.config import load_config
    from ser.errors import SerError
    from ser.models.coattention import MODALITIES, CoAttention
    from ser.training import model_dir, parallel
    from ser.training.configs import CoAttentionTrainConfig
    from ser.training.dialogues import read_inputs
    from ser.training.fit import fit
    from ser.training.losses import classification_loss
    from ser.training.sequences import SequenceSource, read_sequences
    from ser.training.targets import read_targets

    if args.num_threads:
        torch.set_num_threads(args.num_threads)
    config = load_config(CoAttentionTrainConfig, args.config, tuple(args.set))
    rspecifiers = read_inputs(args.input)
    if unknown := sorted(set(rspecifiers) - set(MODALITIES)):
        raise SerError(f"--input: {unknown[0]}: expected {' or '.join(MODALITIES)}")
    targets = read_targets(args.data_dir, args.valid_data, args.label_map, args.soft_targets)
    train, valid = (read_sequences(folder, rspecifiers) for folder in (args.data_dir, args.valid_data))
    if train.widths != valid.widths:
        raise SerError(f"{args.data_dir} has rows of {train.widths} numbers, {args.valid_data} of {valid.widths}")
    logger.info(
        "%d utterances train (%s), %d validate; without a sequence: %s",
        len(train.utts), ", ".join(f"{name} {n}" for name, n in zip(targets.classes, targets.counts, strict=True)),
        len(valid.utts),
        ", ".join(f"{name} {(~there).sum()} and {(~valid.found[name]).sum()}" for name, there in train.found.items()),
    )  # fmt: skip
    statistics, digests = {}, {}
    for name in rspecifiers:
        *statistics[name], digests[f"training {name}"] = train.summary(name, config.data.max_rows)
        digests[f"validation {name}"] = valid.summary(name, config.data.max_rows)[2]
    if not model_dir.begin(args.model_dir, config, targets.inputs, digests):
        return
    torch.manual_seed(config.fit.seed)
    model = fit(
        CoAttention(config.model, statistics, len(targets.classes)),
        SequenceSource(train, targets.train, config.data, config.fit.seed),
        SequenceSource(valid, targets.valid_numbers, config.data, None),
        config.fit,
        args.model_dir,
        classification_loss(config.loss, targets.counts),
        args.device,
    )
    if parallel.start(args.device).is_first:
        model_dir.save_model(args.model_dir, model, targets.classes)


if __name__ == "__main__":
    cli.run(main)
