"""Train the co-attention of speech and text, or an attention over one of them, to classify utterances.

Inputs are sequences: for speech a row per patch (or frame), for text a row per token. An archive may have more
utterances than the data dirs. An utterance without a sequence gets one learnt row instead, and is counted. The epoch is
chosen on the validation data dir. An interrupted training is resumed.

With --encoder, the rows of speech are patches (make_audioset_feats), and this audio encoder is trained too, unfrozen
layer by layer if fit.unfreezing says so; <model-dir>/encoder is the tuned encoder.

  python3 -m ser.bin.train_coattention --config conf/coattention/fusion.yaml --label-map conf/emotions/four.map \\
    --input speech=scp:exp/yamnet/10.scp --input text=scp:exp/t5/tokens.scp \\
    --valid-data data/iemocap_valid data/iemocap_train exp/coattention
"""

import argparse
import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    cli.add_target_options(parser)
    parser.add_argument(
        "--input", action="append", required=True, metavar="NAME=RSPECIFIER", help="sequences of speech or of text"
    )
    parser.add_argument(
        "--encoder", metavar="DIR", help="audio encoder to train too; the rows of speech are then patches"
    )
    parser.add_argument("--encoder-layer", metavar="NAME", help="its layer whose states the co-attention takes")
    parser.add_argument("--test-data", metavar="DIR", help="data dir whose class probabilities are written")
    parser.add_argument(
        "--without-text",
        type=cli.boolean,
        default=False,
        help="also write the probabilities of --test-data with its text hidden [%(default)s]",
    )
    parser.add_argument(
        "--folds",
        default="",
        metavar="'F ...'",
        help="folds that are trained one after the other; each replaces FOLD in the paths",
    )
    parser.add_argument("--valid-data", required=True, metavar="DIR", help="data dir for validation")
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir to train on, with utt2emo")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the model, to write")
    args = parser.parse_args()

    if bool(args.encoder) != bool(args.encoder_layer):
        parser.error("give both --encoder and --encoder-layer, or neither")

    cli.set_num_threads(args)
    for fold in args.folds.split() or [""]:
        paths = ("data_dir", "valid_data", "test_data", "model_dir")
        of_fold = {name: path.replace("FOLD", fold) for name in paths if fold and (path := getattr(args, name))}
        train(argparse.Namespace(**{**vars(args), **of_fold}))


def train(args: argparse.Namespace) -> None:
    """Train one model."""
    import dataclasses

    import torch

    from ser.coattention.config import CoAttentionTrainConfig
    from ser.coattention.model import load_patch_net, save_encoder, state_statistics
    from ser.coattention.sequences import SequenceSource, read_sequences
    from ser.config import load_config
    from ser.encoders.loading import find_encoder
    from ser.errors import SerError
    from ser.examples.dialogues import read_inputs
    from ser.examples.targets import read_targets
    from ser.models.coattention import MODALITIES, CoAttention
    from ser.models.tuned_speech import TunedCoAttention
    from ser.training import model_dir, parallel
    from ser.training.fit import fit
    from ser.training.losses import classification_loss

    config = load_config(CoAttentionTrainConfig, args.config, tuple(args.set))
    config = dataclasses.replace(config, encoder_layer=args.encoder_layer or "")
    rspecifiers = read_inputs(args.input)
    if unknown := sorted(set(rspecifiers) - set(MODALITIES)):
        raise SerError(f"--input: {unknown[0]}: expected {' or '.join(MODALITIES)}")
    targets = read_targets(args.data_dir, args.valid_data, args.label_map, args.soft_targets)
    trained, valid = (read_sequences(folder, rspecifiers) for folder in (args.data_dir, args.valid_data))
    if trained.widths != valid.widths:
        raise SerError(
            f"{args.data_dir} has rows of dimension {trained.widths}, {args.valid_data} {valid.widths}; make them alike"
        )
    logger.info(
        "%d utterances for training (%s), %d for validation; without a sequence: %s",
        len(trained.utts), ", ".join(f"{name} {n}" for name, n in zip(targets.classes, targets.counts, strict=True)),
        len(valid.utts),
        ", ".join(f"{name} {(~there).sum()} and {(~valid.found[name]).sum()}" for name, there in trained.found.items()),
    )  # fmt: skip
    statistics, digests = {}, {}
    for name in rspecifiers:
        mean, stddev, digests[f"training {name}"] = trained.summary(name, config.data.limit(name))
        statistics[name] = mean, stddev
        digests[f"validation {name}"] = valid.summary(name, config.data.limit(name))[2]
    inputs = dict(targets.inputs)
    if args.encoder:
        inputs["encoder"] = find_encoder(args.encoder) / model_dir.WEIGHTS
    if not model_dir.begin(args.model_dir, config, inputs, digests):
        write_posteriors(args, rspecifiers)
        return
    torch.manual_seed(config.fit.seed)
    net: torch.nn.Module
    if args.encoder:
        patch_net = load_patch_net(args.encoder, args.encoder_layer)
        statistics["speech"] = state_statistics(patch_net, args.encoder_layer, trained, config.data.limit("speech"))
        attention = CoAttention(config.model, statistics, len(targets.classes))
        net = TunedCoAttention(patch_net, args.encoder_layer, attention)
    else:
        net = CoAttention(config.model, statistics, len(targets.classes))
    model = fit(
        net,
        SequenceSource(trained, targets.train, config.data, config.fit.seed),
        SequenceSource(valid, targets.valid_numbers, config.data, None),
        config.fit,
        args.model_dir,
        classification_loss(config.loss, targets.counts),
        args.device,
    )
    if parallel.start(args.device).is_first:
        if isinstance(model, TunedCoAttention):
            save_encoder(args.model_dir, model, str(find_encoder(args.encoder)))
        model_dir.save_model(args.model_dir, model, targets.classes)
        write_posteriors(args, rspecifiers)


def write_posteriors(args: argparse.Namespace, rspecifiers: dict[str, str]) -> None:
    """Write the class probabilities of the test data: <model-dir>/posteriors.scp, and posteriors_none.scp."""
    if not args.test_data:
        return
    from ser.coattention.model import load_coattention, posteriors
    from ser.coattention.sequences import read_sequences
    from ser.kaldi import ark
    from ser.training import parallel

    sequences = read_sequences(args.test_data, rspecifiers)
    model, config = load_coattention(args.model_dir, sequences)
    device = parallel.pick_device(args.device)
    model.to(device)
    for name in ("posteriors", *["posteriors_none"] * args.without_text):
        shown = sequences.without(["text"]) if name.endswith("none") else sequences
        path = f"{args.model_dir}/{name}"
        with ark.Writer(f"ark,scp:{path}.ark,{path}.scp") as writer:
            for utt, vector in posteriors(model, config, shown, device):
                writer.write(utt, vector)


if __name__ == "__main__":
    cli.run(main)
