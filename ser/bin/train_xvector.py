"""Train an x-vector network to classify utterances: by speaker, by emotion, or by any classes in utt2class.

Reads a data dir of features ready for the network (feats.scp, utt2num_frames, and utt2uniq if it has copies). With
--init-model, layers of the same name begin with that model's weights; the output layer does so only if both models have
the same classes. The same command resumes a run that was interrupted, and leaves a finished run alone. For several
GPUs, start it with torchrun.

  python3 -m ser.bin.train_xvector --config conf/xvector_pretrain.yaml data/full/voxceleb_prepared \\
    data/full/voxceleb_prepared/utt2spk exp/full/xvector_pretrain
  python3 -m ser.bin.train_xvector --config conf/xvector_finetune.yaml --init-model exp/full/xvector_pretrain \\
    data/full/cremad_prepared data/full/cremad_prepared/utt2emo exp/full/xvector_finetune
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    parser.add_argument("--init-model", metavar="DIR", help="folder of the trained model to begin with")
    parser.add_argument("--valid-utts", metavar="FILE", help="list of the validation utterances [drawn at random]")
    parser.add_argument("data_dir", help="data dir to train on, with feats.scp ready for the net", metavar="<data-dir>")
    parser.add_argument("utt2class", metavar="<utt2class>", help="class of each utterance, such as utt2spk or utt2emo")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder to write")
    args = parser.parse_args()

    import torch

    from ser.config import load_config
    from ser.examples.chunks import ChunkSource
    from ser.examples.configs import TrainConfig
    from ser.examples.utterances import load_utterances, split_off_validation
    from ser.kaldi.unseen import FILE as UNSEEN
    from ser.models.xvector import XVector
    from ser.record.fingerprint import fingerprint
    from ser.training import model_dir, parallel
    from ser.training.fit import fit
    from ser.training.losses import cross_entropy

    cli.set_num_threads(args)
    config = load_config(TrainConfig, args.config, tuple(args.set))
    inputs = {"utt2class": args.utt2class}
    if args.init_model:
        inputs["initial model"] = Path(args.init_model) / model_dir.WEIGHTS
    unseen = Path(args.data_dir) / UNSEEN
    if args.valid_utts:
        inputs["valid-utts"] = args.valid_utts
    elif unseen.exists():
        inputs["unseen speakers"] = unseen
    if not model_dir.begin(args.model_dir, config, inputs, {"features": fingerprint(args.data_dir)}):
        return

    data, seed = config.data, config.fit.seed
    utterances = load_utterances(args.data_dir, args.utt2class, data.min_frames, data.min_utts_per_class)
    train, valid = split_off_validation(utterances, args.data_dir, data.valid_fraction, seed, args.valid_utts)
    train_chunks = ChunkSource(train, data, seed, training=True)
    classes = train.classes.tolist()

    torch.manual_seed(seed)
    model = XVector(config.model, train_chunks.feature_dim, len(classes))
    if args.init_model:
        same_classes = model_dir.load_classes(args.init_model) == classes
        model_dir.warm_start(model, model_dir.load_weights(args.init_model), same_classes)
    model = fit(
        model,
        train_chunks,
        ChunkSource(valid, data, seed, training=False) if valid else None,
        config.fit,
        args.model_dir,
        cross_entropy(config.loss, train.class_counts()),
        args.device,
    )
    if parallel.start(args.device).is_first:
        model_dir.save_model(args.model_dir, model, classes)


if __name__ == "__main__":
    cli.run(main)
